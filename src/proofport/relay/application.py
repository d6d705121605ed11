"""The application: what every handler works with, the middlewares in their order, the routes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from proofport.gateway import Gateway
from proofport.relay import api  # noqa: F401 - declares the routes
from proofport.relay.caller import CALLER, Caller
from proofport.relay.problems import Handler, ProblemError, answer_problems, response
from proofport.relay.routes import ROUTES


@dataclass(frozen=True, slots=True)
class Relay:
    """What the handlers work with. `stopping` is set once nothing more is accepted."""

    gateway: Gateway
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


RELAY = web.AppKey("relay", Relay)


@web.middleware
async def anybody(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Stands for the middleware that asks for keys where none are configured: on loopback, everybody may everything."""
    request[CALLER] = Caller()
    return await handler(request)


def application(relay: Relay, *, middlewares: Sequence[Any] = (anybody,)) -> web.Application:
    """`middlewares`, from the outside to the inside, limit what is read and put the Caller into the request."""
    app = web.Application(middlewares=[answer_problems, *middlewares], client_max_size=0)
    app[RELAY] = relay
    for route in ROUTES:
        app.router.add_route(route.method, route.path, route.answer, expect_handler=_expect)
    return app


async def _expect(request: web.Request) -> web.Response | None:
    """Before any middleware: a client that announces a body is told to go on, as aiohttp does it, or in our words."""
    expectation = request.headers.get("Expect", "")
    if expectation.lower() != "100-continue":
        return response(ProblemError("expectation-failed", f"found Expect: {expectation!r}, expected 100-continue"))
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0
    return None
