"""A vendor that takes everything at once: answers 202 to every POST, in a process of its own.

`with Sink() as origin:` gives its origin. It parses no body, so that the client is what is measured.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from multiprocessing.connection import Connection
from types import TracebackType

ANSWER = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"


class _Drain(asyncio.Protocol):
    """Counts bytes until a request is whole, then answers."""

    def __init__(self) -> None:
        self.head = bytearray()
        self.left = 0
        self.transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.left:
            self._body(len(data))
            return
        self.head += data
        end = self.head.find(b"\r\n\r\n")
        if end >= 0:
            self.left = _content_length(bytes(self.head[:end]))
            arrived = len(self.head) - end - 4
            self.head.clear()
            self._body(arrived)

    def _body(self, size: int) -> None:
        self.left -= size
        if self.left <= 0 and self.transport is not None:
            self.left = 0
            self.transport.write(ANSWER)


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def _serve(pipe: Connection, core: int) -> None:
    os.sched_setaffinity(0, {core})

    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(_Drain, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


class Sink:
    """Runs on the last core; clients are pinned to the first."""

    def __enter__(self) -> str:
        ours, theirs = multiprocessing.Pipe()
        core = max(os.sched_getaffinity(0))
        context = multiprocessing.get_context("spawn")
        self._process = context.Process(target=_serve, args=(theirs, core), daemon=True)
        self._process.start()
        return f"http://127.0.0.1:{ours.recv()}"

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.join()
