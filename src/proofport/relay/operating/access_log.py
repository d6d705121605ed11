"""Writes one log line for each request, counts it in the metrics, and gives it an id."""

from __future__ import annotations

import logging
import re
import secrets
import time

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from structlog.contextvars import bind_contextvars, reset_contextvars

from proofport.logs import FIELDS, ROOT, Seldom
from proofport.relay.access.caller import CALLER
from proofport.relay.operating.metrics import Metrics
from proofport.relay.problems import REQUEST_ID

PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds: at level debug, unless they fail."""

HEADER = "X-Request-Id"
SANE = re.compile(r"[A-Za-z0-9.-]{1,64}")
"""An id that a caller may give. It has no underscore, so a key that is put there by mistake does not match."""

log = logging.getLogger(f"{ROOT}.relay.access")


def log_access(metrics: Metrics) -> Middleware:
    """The outermost middleware. It logs neither body nor query, and of the path only the template.

    Requests without a valid key are logged seldom, because anybody can send any number of them.
    """
    strangers = Seldom()

    @web.middleware
    async def access(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = time.perf_counter()
        request_id = request[REQUEST_ID] = _id_of(request)
        status = 0
        bound = bind_contextvars(request_id=request_id)
        try:
            response = await handler(request)
            status = response.status
            response.headers[HEADER] = request_id
            return response
        finally:
            seconds, path = time.perf_counter() - started, _path_of(request)
            metrics.answered(request.method, path, status, seconds)
            _log(request, path, status, seconds, strangers)
            reset_contextvars(**bound)

    return access


def _id_of(request: web.Request) -> str:
    """The caller's own id where it is sane, else a new one."""
    given = request.headers.get(HEADER, "")
    return given if SANE.fullmatch(given) else secrets.token_hex(8)


def _path_of(request: web.Request) -> str | None:
    """The template of the path; None where no route answers."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else None


def _log(request: web.Request, path: str | None, status: int, seconds: float, strangers: Seldom) -> None:
    level = logging.DEBUG if path in PROBES and status < 400 else logging.INFO
    if not log.isEnabledFor(level):
        return
    caller = request.get(CALLER)
    key = caller.key_id if caller else None
    unsaid = 0 if caller else strangers.turn()
    if unsaid is None:
        return
    event = f"event='request' method={request.method!r} route={path!r} status={status} seconds={round(seconds, 4)!r}"
    more = f" unsaid={unsaid}" if unsaid else ""
    fields: dict[str, object] = {"event": "request", "method": request.method, "route": path, "status": status}
    fields |= {"seconds": round(seconds, 4), "key": key, "request_id": request[REQUEST_ID]}
    told = {FIELDS: {**fields, "unsaid": unsaid} if unsaid else fields}
    log.log(level, f"{event} key={key!r} request_id={request[REQUEST_ID]!r}{more}", extra=told)
