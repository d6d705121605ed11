"""Faults on demand: refusals, delays, records that fail, and cut connections."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Literal, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_validator

Row = TypeVar("Row")


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class StatusFault(Strict):
    """An answer with `code` to the next `times` requests."""

    code: int = Field(ge=300, le=599)
    times: int = Field(1, ge=1)
    retry_after: int | float | str | None = None  #: The value of the header Retry-After.


class Match(Strict):
    """The requests that the faults are for. None: all."""

    method: str | None = None
    path: str | None = None  #: A regular expression that is searched for in the path.

    @field_validator("path")
    @classmethod
    def _compiles(cls, path: str | None) -> str | None:
        try:
            re.compile(path or "")
        except re.error as error:
            raise ValueError(f"is not a regular expression: {error}") from None
        return path


class Faults(Strict):
    """One set of faults. Counters run down as they are used."""

    #: The share of records that fail. They are evenly spread, never random.
    partial_item_failures: float = Field(0.0, ge=0, le=1)
    latency_ms: float = Field(0.0, ge=0)
    status: StatusFault | None = None
    drop: Literal["before", "after", "middle"] | None = None
    drop_times: int = Field(1, ge=0)  #: The number of connections that are cut.
    processing_ms: float = Field(0.0, ge=0)  #: The time that a vendor with a queue takes for each request.
    list_ends_after: int | None = Field(None, ge=0)  #: The number of rows after which a list ends, as if it were whole.
    match: Match = Match()
    _owed: float = PrivateAttr(0.0)

    def concerns(self, request: web.Request) -> bool:
        method, path = self.match.method, self.match.path
        if method is not None and method.upper() != request.method:
            return False
        return path is None or re.search(path, request.path) is not None

    def item_fails(self) -> bool:
        """Count a record. True: it is one of those that fail."""
        if not self.partial_item_failures:
            return False
        self._owed += self.partial_item_failures
        fails = self._owed > 1 - 1e-9
        self._owed -= fails
        return fails

    def take_status(self) -> StatusFault | None:
        status = self.status
        if status is not None:
            status.times -= 1
            self.status = status if status.times else None
        return status

    def take_drop(self) -> Literal["before", "after", "middle"] | None:
        if self.drop is None or self.drop_times == 0:
            return None
        self.drop_times -= 1
        return self.drop


NO_FAULTS = Faults()
BY_ORDER = "X-Emulator-Fault"
"""The header of every answer that a fault made."""
FAULTS = web.RequestKey("faults", Faults)
SHORT = web.RequestKey("short", bool)
"""The answer to this request lacks rows of a list, because of a fault."""


def listed(request: web.Request, rows: Sequence[Row]) -> Sequence[Row]:
    """The rows of a list that the vendor shows: all of them, or the first where a fault cuts the list short."""
    most = request[FAULTS].list_ends_after
    if most is None or most >= len(rows):
        return rows
    request[SHORT] = True
    return rows[:most]


def cut(request: web.Request) -> web.Response:
    """End the connection without an answer. The response returned is never written."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(headers={BY_ORDER: "cut"})


def cut_in_the_middle(request: web.Request, answer: web.Response) -> web.Response:
    """Write the first half of `answer` (half of its head when it has no body), then end the connection."""
    body = answer.body if isinstance(answer.body, bytes) else b""
    head = (
        f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\n"
        f"Content-Type: {answer.content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    if request.transport is not None:
        request.transport.write(head + body[: len(body) // 2] if body else head[: len(head) // 2])
        request.transport.close()
    return web.Response(headers={BY_ORDER: "cut"})
