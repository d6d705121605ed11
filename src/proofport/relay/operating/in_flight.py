"""Counts the requests that are being answered, so that the relay can stop after them.

aiohttp's own shutdown drops what still arrives of a body: whoever is posting would wait for an answer in vain.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from aiohttp import web
from aiohttp.typedefs import Handler

from proofport.relay.problems import RETRY_AFTER, ProblemError


class InFlight:
    """Counts requests. Once it ends, new requests on old connections are refused."""

    def __init__(self) -> None:
        self._count = 0
        self._ending = False
        self._none = asyncio.Event()
        self._none.set()

    async def end(self, grace: float) -> None:
        """Return once no request is in flight, or after `grace` seconds."""
        self._ending = True
        with suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self._none.wait()

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self._ending:
            headers = {"Retry-After": str(RETRY_AFTER), "Connection": "close"}
            raise ProblemError("shutting-down", "the relay is being stopped", headers=headers)
        self._count += 1
        self._none.clear()
        try:
            return await handler(request)
        finally:
            self._count -= 1
            if not self._count:
                self._none.set()
