"""The requests that an emulator received, in order, and the requests that each address has left this minute."""

from __future__ import annotations

import re
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from aiohttp import web

SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key"})
SECRET_MEMBER = re.compile(rb'("(?:client_secret|access_token|refresh_token)"\s*:\s*)"(?:[^"\\]|\\.)*"')
"""The members of a JSON body that hold a secret: those of a request for a token, and of its answer."""
REFUSED_ITEM = re.compile(rb'"errors?":\s*[\[{"](?!\])|"statusCode":\s*[45]')
"""In the body of a success: some record was refused."""
SHOWN = 2000
"""Bytes of a body that the page has without asking for the rest."""
BODIES_KEPT = 256 * 1024 * 1024


@dataclass(slots=True)
class Received:
    """One request."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes | None  #: None: dropped to save memory.
    at: float = 0.0  #: When it came, in seconds since 1970.
    status: int | None = None  #: None: there was no answer.
    answer: bytes | None = None  #: The body of the answer. None: dropped to save memory.

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "body": _decoded(self.body), "answer": _decoded(self.answer)}

    def summary(self) -> dict[str, Any]:
        """For the page: the size and the beginning of the bodies instead of all of them."""
        body, answer = self.body or b"", self.answer or b""
        return {
            "at": self.at,
            "method": self.method,
            "path": self.path,
            "query": "&".join(f"{name}={value}" for name, values in self.query.items() for value in values),
            "status": self.status,
            "refused": self.status is not None and self.status < 300 and REFUSED_ITEM.search(answer) is not None,
            "bytes": len(body),
            "beginning": body[:SHOWN].decode(errors="replace"),
            "answer": answer[:SHOWN].decode(errors="replace"),
            "cut": max(len(body), len(answer)) > SHOWN,
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
            at=time.time(),
            body=without_secrets(body),
        )
        self._entries.append(entry)
        self._keep(len(body))
        return entry

    def answered(self, entry: Received, status: int, body: bytes) -> None:
        """Note the answer to a request."""
        entry.status, entry.answer = status, without_secrets(body)
        self._keep(len(body))

    def _keep(self, size: int) -> None:
        self._size += size
        while self._size > BODIES_KEPT and self._first_with_body < len(self._entries):
            oldest = self._entries[self._first_with_body]
            self._size -= len(oldest.body or b"") + len(oldest.answer or b"")
            oldest.body = oldest.answer = None
            self._first_with_body += 1

    def latest(self, count: int) -> list[dict[str, Any]]:
        """Summaries with their numbers, the newest first."""
        first = max(0, len(self._entries) - count)
        numbered = enumerate(self._entries[first:], first)
        return [{"number": number, **entry.summary()} for number, entry in numbered][::-1]

    def one(self, number: int) -> list[dict[str, Any]]:
        """The request of that number, whole; empty where there is none."""
        return [entry.as_dict() for entry in self._entries[number : number + 1]]

    def listing(self, last: int | None = None) -> list[dict[str, Any]]:
        entries = self._entries if last is None else self._entries[max(0, len(self._entries) - last) :]
        return [entry.as_dict() for entry in entries]

    def __len__(self) -> int:
        return len(self._entries)


def without_secrets(body: bytes) -> bytes:
    """A body in which the members that hold secrets are hidden."""
    return SECRET_MEMBER.sub(rb'\1"hidden"', body) if b"_secret" in body or b"_token" in body else body


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
