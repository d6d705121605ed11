"""One log event for each request, its place in the metrics, and the id by which its caller and the log call it."""

from __future__ import annotations

import logging
import time

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

LINE = "event='request' method=%r route=%r status=%d seconds=%r key=%r request_id=%r"
log = logging.getLogger(f"{ROOT}.relay.access")
"""Told with a line that is ready: of all events this is the one that every request pays for."""


def notes_access(metrics: Metrics) -> Middleware:
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
            _note(request, status, time.perf_counter() - started, metrics)
            reset_contextvars(**bound)

    return access


def _note(request: web.Request, status: int, seconds: float, metrics: Metrics) -> None:
    route = path_of(request)
    metrics.answered(request.method, route, status, seconds)
    caller = request.get(CALLER)
    level = logging.DEBUG if route in PROBES and status < 400 else logging.INFO
    key = caller.key_id if caller else None
    log.log(level, LINE, request.method, route, status, round(seconds, 4), key, request[REQUEST_ID])
