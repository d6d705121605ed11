"""Bounds what the bodies of all requests together hold in memory, and how many large ones are parsed at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from aiohttp import web
from aiohttp.typedefs import Handler

from proofport.config.relay import Limits
from proofport.relay.problems import RETRY_AFTER, ProblemError

LARGE = 64 * 1024
"""Bytes of a body from which on its documents count. Parsed, they are several times as large as the body."""

LARGE_AT_ONCE = 2
"""Large bodies whose documents are in memory at the same time. The others wait."""


class Memory:
    """The bytes that requests hold. A request gives its own back when it is answered."""

    def __init__(self, limits: Limits) -> None:
        self._free = max(limits.memory_bytes, limits.body_bytes)
        self._turns = asyncio.Semaphore(LARGE_AT_ONCE)

    def take(self, request: web.Request, size: int) -> None:
        """Raises ProblemError (overloaded) when the bodies of all requests would become too large."""
        if size > self._free:
            headers = {"Retry-After": str(RETRY_AFTER)}
            raise ProblemError("overloaded", "too many large bodies arrive at the same time", headers=headers)
        self._free -= size
        request[HELD] = request.get(HELD, 0) + size

    @asynccontextmanager
    async def parsing(self, size: int) -> AsyncIterator[None]:
        """Wait for a turn where a body is large, and keep it while its documents are in use."""
        async with self._turns if size >= LARGE else nullcontext():
            yield

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        finally:
            self._free += request.get(HELD, 0)


HELD = web.RequestKey("held", int)
"""Where a request notes how much it holds."""

MEMORY = web.AppKey("memory", Memory)
