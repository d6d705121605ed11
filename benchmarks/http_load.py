"""A load generator: the same request over and over on some connections, each waiting for its answer."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

EXPECTED = b"HTTP/1.1 202 "
_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


@dataclass(slots=True)
class Answers:
    """`taken`: the seconds each request took. The first answer that is not 202 ends everything."""

    seconds: float
    taken: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return len(self.taken) / self.seconds


async def load(port: int, request: bytes, connections: int, seconds: float) -> Answers:
    """Raises ConnectionError when a request is refused or lost."""
    loop, answers = asyncio.get_running_loop(), Answers(seconds)
    end = time.perf_counter() + seconds
    opened = [
        await loop.create_connection(lambda: _Connection(request, end, answers), "127.0.0.1", port)
        for _ in range(connections)
    ]
    started = time.perf_counter()
    await asyncio.gather(*(connection.done for _, connection in opened))
    answers.seconds = time.perf_counter() - started
    for transport, _ in opened:
        transport.close()
    return answers


class _Connection(asyncio.Protocol):
    def __init__(self, request: bytes, end: float, answers: Answers) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._request, self._end, self._answers = request, end, answers
        self._came = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._came += data
        head = self._came.find(_END)
        if head < 0 or len(self._came) < head + len(_END) + _content_length(self._came[:head]):
            return
        if not self._came.startswith(EXPECTED):
            self.done.set_exception(ConnectionError(self._came.decode(errors="replace")))
            return
        self._came = b""
        now = time.perf_counter()
        self._answers.taken.append(now - self._sent)
        if now < self._end:
            self._send()
        else:
            self.done.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("closed without an answer"))


def _content_length(head: bytes) -> int:
    lower = head.lower()
    start = lower.index(_LENGTH) + len(_LENGTH)
    return int(lower[start:].partition(b"\r\n")[0])
