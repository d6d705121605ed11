"""The token. An application has one that lives: a new one revokes the one before at once (AUTH; observed: llamalync).

Source: AUTH, the vendor's page on authentication; REF, its reference.
"""

from __future__ import annotations

import json
from hashlib import sha256

from proofport.adapter import Flow, Token, TokenFlow
from proofport.errors import Blocked, UsageError
from proofport.wire import Call, is_loopback
from proofport_vanta.answers import expect_ok
from proofport_vanta.settings import VantaSettings

SCOPE = "connectors.self:write-resource connectors.self:read-resource"
MINTS_PER_MINUTE = 5
"""Of one application (REF). Off with the budget of requests, but only for an emulator on this machine."""


def owner_of(settings: VantaSettings) -> str:
    """A digest of the application's id: it names the application where its id should not stand."""
    return sha256(settings.client_id.encode()).hexdigest()[:16]


def token_flow(settings: VantaSettings) -> TokenFlow:
    unlimited = settings.requests_per_minute == 0 and is_loopback(settings.origin)
    return TokenFlow(
        f"{settings.origin}/{owner_of(settings)}",
        lambda: mint(settings),
        exclusive=True,
        mints_per_minute=0 if unlimited else MINTS_PER_MINUTE,
    )


def mint(settings: VantaSettings) -> Flow[Token]:
    """Ask for a token, in JSON: the form encoding of OAuth is refused (observed: Tollpike)."""
    request = {
        "client_id": settings.client_id,
        "client_secret": settings.client_secret.get_secret_value(),
        "scope": SCOPE,
        "grant_type": "client_credentials",
    }
    reply = yield Call("create_token", "POST", "/oauth/token", body=json.dumps(request).encode())
    if reply.status == 401:
        raise Blocked(
            "Vanta refuses client_id and client_secret",
            hint="Both stand in Vanta's developer console, with the application. A new secret can be made there; what "
            "was pushed stays.",
        )
    issued = expect_ok(reply, "issue a token")
    token, seconds = issued.get("access_token"), issued.get("expires_in")
    if not isinstance(token, str) or not token or not token.isprintable() or not isinstance(seconds, int | float):
        raise UsageError("Vanta answered a request for a token with something else", hint="Check base_url, or gov.")
    return Token({"Authorization": f"Bearer {token}"}, float(seconds))
