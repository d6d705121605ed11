"""The requests that an emulator received, in order, and the requests that each address has left this minute."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from aiohttp import web

SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key"})
SECRET_MEMBER = re.compile(rb'("client_secret"\s*:\s*)"(?:[^"\\]|\\.)*"')
"""The member of a JSON body that holds a secret: that of a request for a token."""
BODIES_KEPT = 256 * 1024 * 1024


@dataclass(slots=True)
class Received:
    """One request."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes | None  #: None: dropped to save memory.
    status: int | None = None  #: None: there was no answer.

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "body": _decoded(self.body)}

    def summary(self) -> dict[str, Any]:
        """For the page: the size and the beginning of the body instead of all of it."""
        body = self.body or b""
        return {
            "method": self.method,
            "path": self.path,
            "status": self.status,
            "bytes": len(body),
            "beginning": body[:2000].decode(errors="replace"),
        }


class Log:
    """Every request. When all bodies together exceed `BODIES_KEPT` bytes, the oldest bodies are dropped."""

    def __init__(self) -> None:
        self._entries: list[Received] = []
        self._size = 0
        self._first_with_body = 0

    def __iter__(self) -> Iterator[Received]:
        return iter(self._entries)

    def clear(self) -> None:
        self._entries.clear()
        self._size = self._first_with_body = 0

    def add(self, request: web.Request, body: bytes) -> Received:
        entry = Received(
            method=request.method,
            path=request.rel_url.raw_path,
            query={name: request.query.getall(name) for name in request.query},
            headers={str(name): value for name, value in request.headers.items() if name.lower() not in SECRET_HEADERS},
            body=SECRET_MEMBER.sub(rb'\1"hidden"', body) if b'"client_secret"' in body else body,
        )
        self._entries.append(entry)
        self._size += len(body)
        while self._size > BODIES_KEPT and self._first_with_body < len(self._entries):
            oldest = self._entries[self._first_with_body]
            self._size -= len(oldest.body or b"")
            oldest.body = None
            self._first_with_body += 1
        return entry

    def latest(self, count: int) -> list[dict[str, Any]]:
        """Summaries, the newest first."""
        return [entry.summary() for entry in reversed(self._entries[-count:])]

    def listing(self, last: int | None = None) -> list[dict[str, Any]]:
        entries = self._entries if last is None else self._entries[max(0, len(self._entries) - last) :]
        return [entry.as_dict() for entry in entries]

    def __len__(self) -> int:
        return len(self._entries)


def _decoded(body: bytes | None) -> Any:
    if not body:
        return None
    try:
        return orjson.loads(body)
    except ValueError:
        return body.decode(errors="replace")


class RateLimiter:
    """A sliding minute for everybody whose requests are counted. Refused requests do not count."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._admitted: defaultdict[str, deque[float]] = defaultdict(deque)

    def clear(self) -> None:
        self._admitted.clear()

    def wait(self, who: str, limit: int) -> float:
        """0 when the request is admitted (and counted), else the seconds until the next one would be."""
        now = self._clock()
        admitted = self._admitted[who]
        while admitted and now - admitted[0] >= 60:
            admitted.popleft()
        if len(admitted) >= limit:
            return 60 - (now - admitted[0])
        admitted.append(now)
        return 0.0
