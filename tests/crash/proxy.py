"""A proxy between a process and a vendor, both on this machine, that can stop the world at the boundaries of a request.

It knows just enough of HTTP/1.1 to tell one message from the next: every body here has a Content-Length.
"""

from __future__ import annotations

import asyncio
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

Point: TypeAlias = Literal["before", "sent", "middle", "answered"]
"""Of a request: it has not reached the vendor; the vendor has answered and nobody has heard; half of the answer has
been passed on; all of it has."""


@dataclass(frozen=True, slots=True)
class Request:
    """`number` counts from 0, `process` is what its `X-Process` header says, `at` seconds of a monotonic clock."""

    number: int
    method: str
    path: str
    process: str
    at: float


Meddle: TypeAlias = Callable[[Request, Point], Awaitable[bool]]
"""Asked at every point of every request. True: the connection is cut there."""


async def leave_alone(request: Request, point: Point) -> bool:
    return False


@dataclass
class Proxy:
    """`requests` are those that arrived; what `meddle` raises is raised again when the proxy ends."""

    host: str
    port: int
    origin: str = ""
    meddle: Meddle = leave_alone
    instead: bytes | None = None  #: An answer of its own, which it gives where it would cut the connection.
    requests: list[Request] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def count_from_here(self) -> None:
        self.requests.clear()

    def accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.create_task(self._connection(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: writer.close())

    async def end(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connection(self, reader: StreamReader, writer: StreamWriter) -> None:
        from_vendor, to_vendor = await asyncio.open_connection(self.host, self.port)
        try:
            while head := await _head(reader):
                await self._exchange(head, reader, writer, from_vendor, to_vendor)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        except Exception as error:
            self.failures.append(error)
        finally:
            to_vendor.close()
            with suppress(ConnectionError):
                await to_vendor.wait_closed()

    async def _exchange(
        self, head: bytes, reader: StreamReader, writer: StreamWriter, answers: StreamReader, vendor: StreamWriter
    ) -> None:
        request = self._noted(head)
        body = await _body(head, reader)
        if await self._pass(request, "before", writer):
            return
        vendor.write(head + body)
        answer = await _head(answers)
        answer += await _body(answer, answers)
        if await self._pass(request, "sent", writer):
            return
        if await self.meddle(request, "middle"):
            writer.write(answer[: len(answer) // 2])
            raise ConnectionAbortedError
        writer.write(answer)
        await writer.drain()
        await self._pass(request, "answered", writer)

    async def _pass(self, request: Request, point: Point, writer: StreamWriter) -> bool:
        """True: the request was answered here."""
        if not await self.meddle(request, point):
            return False
        if self.instead is None:
            writer.transport.abort()
            raise ConnectionAbortedError
        writer.write(self.instead)
        await writer.drain()
        return True

    def _noted(self, head: bytes) -> Request:
        line, *headers = head.decode("latin-1").split("\r\n")
        method, path, _ = line.split(" ")
        process = _header(headers, "x-process")
        request = Request(len(self.requests), method, path, process, time.monotonic())
        self.requests.append(request)
        return request


async def _head(reader: StreamReader) -> bytes:
    """Empty when the other side has ended the connection between two messages."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as end:
        if end.partial:
            raise
        return b""


async def _body(head: bytes, reader: StreamReader) -> bytes:
    length = _header(head.decode("latin-1").split("\r\n"), "content-length")
    return await reader.readexactly(int(length or 0))


def _header(lines: list[str], name: str) -> str:
    found = (line.partition(":") for line in lines)
    return next((value.strip() for key, _, value in found if key.lower() == name), "")


@asynccontextmanager
async def proxied(origin: str) -> AsyncIterator[Proxy]:
    """A proxy to `origin` on a free loopback port, as long as the block runs."""
    parts = urlsplit(origin)
    assert parts.hostname
    assert parts.port
    proxy = Proxy(parts.hostname, parts.port)
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0, limit=2**24)
    async with server:
        proxy.origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield proxy
        await proxy.end()
    for failure in proxy.failures:
        raise failure
