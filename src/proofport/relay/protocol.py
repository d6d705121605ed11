"""What is no HTTP at all, before there is a request to route, is answered with a problem as well."""

from __future__ import annotations

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from proofport.logs import get_logger
from proofport.relay.problems import CATALOGUE, ProblemError, response
from proofport.relay.security import harden

log = get_logger("relay")


class Runner(web.AppRunner):
    """An AppRunner whose connections word their own errors. aiohttp has no setting for it."""

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        server.__class__ = _Server
        return server


class _Server(web.Server):
    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


class _Connection(web.RequestHandler):
    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What the parser found, or what broke outside the middlewares. The connection is closed after it."""
        if request.writer.output_size > 0:
            raise ConnectionError("the answer had begun already")
        log.info("request_refused", status=status, error=type(exc).__name__, remote=request.remote)
        answer = response(_problem(status, exc))
        harden(answer.headers)
        answer.headers["Server"] = "proofport"  # or aiohttp adds its name and version
        answer.force_close()
        return answer


def _problem(status: int, error: BaseException | None) -> ProblemError:
    if isinstance(error, LineTooLong) or status == CATALOGUE["headers-too-large"].status:
        return ProblemError("headers-too-large", "a line of the head of the request is too long")
    if status >= CATALOGUE["internal-error"].status:
        return ProblemError("internal-error", "an error that the relay did not foresee; its log has the rest")
    return ProblemError("bad-request", "found what is no HTTP request, expected one")
