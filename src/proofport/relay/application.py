"""The application: the middlewares in their order, and the routes."""

from __future__ import annotations

from aiohttp import web

from proofport.gateway import Gateway
from proofport.relay.access_log import Tell, notes_access, tell_log
from proofport.relay.problems import ProblemError, answer_problems, response
from proofport.relay.routes import ROUTES
from proofport.relay.security import secure
from proofport.relay.state import RELAY, Relay

from proofport.relay.api import evidence, snapshots, deliveries, lanes, mappings, operations, documentation  # isort: skip

RESOURCES = (evidence, snapshots, deliveries, lanes, mappings, operations, documentation)
"""In the order in which they are documented: loading them has declared their routes."""


async def application(gateway: Gateway, *, tell: Tell = tell_log) -> web.Application:
    """`tell`: gets the line of each request. Raises ConfigError, JournalError when the journal cannot be opened."""
    relay = Relay(gateway)
    outermost = [notes_access(relay.metrics, tell), answer_problems, relay.in_flight.middleware()]
    app = web.Application(middlewares=outermost, client_max_size=0)
    app[RELAY] = relay
    for route in ROUTES:
        app.router.add_route(route.method, route.path, route.answer, expect_handler=_expect)
    secure(app, await gateway.journal(), gateway.config.relay)
    return app


async def _expect(request: web.Request) -> web.Response | None:
    """Before any middleware: a client that announces a body is told to go on, as aiohttp does it, or in our words."""
    expectation = request.headers.get("Expect", "")
    if expectation.lower() != "100-continue":
        return response(ProblemError("expectation-failed", f"found Expect: {expectation!r}, expected 100-continue"))
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0
    return None
