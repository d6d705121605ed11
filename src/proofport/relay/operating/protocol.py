"""Answers what is not HTTP, before there is a request to route, with a problem as well."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from proofport.logs import Seldom, get_logger
from proofport.relay.access.connections import Connections
from proofport.relay.access.security import harden
from proofport.relay.problems import CATALOGUE, ProblemError, response

log = get_logger("relay")


class Connection(web.RequestHandler):
    """A connection that words its own errors, and is counted with the others."""

    __slots__ = ("_connections",)

    _refusals = Seldom()

    def __init__(self, *arguments: Any, connections: Connections, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._connections = connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._connections.opened(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._connections.closed(self)
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what the parser found, or what broke outside the middlewares, and close the connection."""
        if request.writer.output_size > 0:
            raise ConnectionError("the answer had begun already")
        if (unsaid := self._refusals.turn()) is not None:
            name = type(exc).__name__
            log.info("request_refused", status=status, error=name, remote=request.remote, unsaid=unsaid)
        answer = response(_problem(status, exc))
        harden(answer.headers)
        answer.headers["Server"] = "proofport"  # else aiohttp adds its own name and version
        answer.force_close()
        return answer


def _problem(status: int, error: BaseException | None) -> ProblemError:
    if isinstance(error, LineTooLong) or status == CATALOGUE["headers-too-large"].status:
        return ProblemError("headers-too-large", "a line of the head of the request is too long")
    if status >= CATALOGUE["internal-error"].status:
        return ProblemError("internal-error", "an error that the relay did not foresee; its log has the details")
    return ProblemError("bad-request", "found bytes that are not an HTTP request, expected one")
