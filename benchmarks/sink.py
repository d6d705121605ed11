"""A vendor that takes everything at once: answers 202 to every POST. It parses no body, so the client is measured."""

from __future__ import annotations

import asyncio
from multiprocessing.connection import Connection

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


async def sink(pipe: Connection) -> None:
    """A server for `serving`."""
    server = await asyncio.get_running_loop().create_server(_Drain, "127.0.0.1", 0)
    pipe.send(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    await server.serve_forever()
