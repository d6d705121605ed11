"""Makes an application safe to expose: keys, limits, and the headers that every answer carries."""

from __future__ import annotations

from collections.abc import Container, MutableMapping

from aiohttp import web

from proofport.config.relay import RelaySettings
from proofport.journal.contract import AccessKeys
from proofport.relay.access.auth import note_uses, require_keys
from proofport.relay.access.connections import CONNECTIONS, Connections
from proofport.relay.access.keys import KeyRing
from proofport.relay.body.limits import LIMITS
from proofport.relay.body.memory import MEMORY, Memory

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers"""


def secure(
    app: web.Application,
    journal: AccessKeys,
    settings: RelaySettings,
    *,
    open_routes: Container[web.AbstractRoute] = (),
) -> None:
    """Secure an application that has not started. Keys are required inside its other middlewares.

    `open_routes`: what anybody may ask, without a key.
    """
    keys = KeyRing(journal)
    app[LIMITS] = settings.limits
    app[MEMORY] = Memory(settings.limits)
    app[CONNECTIONS] = Connections(settings.limits.connections)
    app.middlewares.append(require_keys(keys, settings, open_routes))
    app.middlewares.append(app[MEMORY].middleware)
    app.on_response_prepare.append(_harden)
    app.cleanup_ctx.append(lambda _: note_uses(keys))


def harden(headers: MutableMapping[str, str]) -> None:
    """Add the headers that a handler has not set, and hide the name and version of the server."""
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    headers.pop("Server", None)


async def _harden(_: web.BaseRequest, response: web.StreamResponse) -> None:
    harden(response.headers)
