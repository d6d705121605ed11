"""One log event for each request, its place in the metrics, and the id by which its caller and the log call it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeAlias

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from structlog.contextvars import bind_contextvars, reset_contextvars

from proofport.logs import ROOT
from proofport.relay.caller import CALLER
from proofport.relay.metrics import Metrics
from proofport.relay.request_id import HEADER, REQUEST_ID, id_of
from proofport.relay.routes import path_of

PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds: of interest only when the answer is."""

NAME = f"{ROOT}.relay.access"
Tell: TypeAlias = Callable[[int, str], None]
"""Takes the level and the line of a request, ready: of all events it is the one that every request pays for."""

tell_log: Tell = logging.getLogger(NAME).log


def notes_access(metrics: Metrics, tell: Tell) -> Middleware:
    """The outermost middleware. Of a request it notes neither body nor query, and of its path only the template."""

    @web.middleware
    async def access(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = time.perf_counter()
        request_id = request[REQUEST_ID] = id_of(request)
        status = 0
        bound = bind_contextvars(request_id=request_id)
        try:
            response = await handler(request)
            status = response.status
            response.headers[HEADER] = request_id
            return response
        finally:
            seconds, route = time.perf_counter() - started, path_of(request)
            metrics.answered(request.method, route, status, seconds)
            tell(*_event(request, route, status, seconds))
            reset_contextvars(**bound)

    return access


def _event(request: web.Request, route: str | None, status: int, seconds: float) -> tuple[int, str]:
    level = logging.DEBUG if route in PROBES and status < 400 else logging.INFO
    caller = request.get(CALLER)
    key = caller.key_id if caller else None
    event = f"event='request' method={request.method!r} route={route!r} status={status} seconds={round(seconds, 4)!r}"
    return level, f"{event} key={key!r} request_id={request[REQUEST_ID]!r}"
