"""What makes an application safe to expose: keys, limits, and the headers that every answer carries."""

from __future__ import annotations

from collections.abc import MutableMapping

from aiohttp import web

from proofport.config_relay import RelaySettings
from proofport.journal.contract import AccessKeys
from proofport.relay.auth import asks_for_keys, notes_uses
from proofport.relay.keys import KeyRing
from proofport.relay.limits import LIMITS

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers"""


def secure(app: web.Application, journal: AccessKeys, settings: RelaySettings) -> None:
    """Add everything to an application that has not started: the keys are asked for inside its other middlewares."""
    keys = KeyRing(journal)
    app[LIMITS] = settings.limits
    app.middlewares.append(asks_for_keys(keys, settings))
    app.on_response_prepare.append(_harden)
    app.cleanup_ctx.append(lambda _: notes_uses(keys))


def harden(headers: MutableMapping[str, str]) -> None:
    """What a handler has set itself stays. The name and version of the server are nobody's business."""
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    headers.pop("Server", None)


async def _harden(_: web.BaseRequest, response: web.StreamResponse) -> None:
    harden(response.headers)
