"""The body of a request, record by record: checked, packed for the journal, and every mistake listed.

At any moment there are the bytes of one body at most, the records of one portion, and what was packed; of NDJSON only
one line instead of the body.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from pydantic import ValidationError
from xxhash import xxh3_128

from proofport.adapter import Mode
from proofport.config_relay import Limits
from proofport.delivery.payload import pack
from proofport.delivery.pipeline import Reads
from proofport.errors import Problem, Rejected
from proofport.evidence import Neutral, model_of
from proofport.gateway.queue import RECORDS
from proofport.mapping import model_for
from proofport.relay.documents import JSON, Place, documents_in_lines, documents_of
from proofport.relay.limits import LIMITS, receive, require_within
from proofport.sources.reader import Malformed
from proofport.text.wording import problems_of

LISTED = 1_000
"""At most so many mistakes stand in an answer; the count is always whole."""


@dataclass(slots=True)
class Packed:
    """What a body came to. `portions`: how many records, and their payload. `incomplete`: why there should be more."""

    portions: list[tuple[int, bytes]] = field(default_factory=list)
    records: int = 0
    rejected: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)
    mistakes: int = 0
    incomplete: str | None = None
    digest: bytes = b""


class Intake:
    """Reads one body. `kind` words the mistakes of records that are evidence already (no `source`).

    `portion`: at most so many records in one payload; None for all of them.
    """

    def __init__(self, reads: Reads, kind: str, mode: Mode, *, source: bool, portion: int | None = RECORDS) -> None:
        self._reads = reads
        self._kind = kind
        self._mode = mode
        self._source = source
        self._size = portion
        self._portion: list[Neutral] = []
        self._packed = Packed()
        self._number = 0

    async def read(self, request: web.Request, *, about: bytes | None = None) -> Packed:
        """Raises ProblemError for a body that cannot be read.

        `digest` is of `about` and the bytes of the body; without `about` there is none.
        """
        hasher, limits = None if about is None else xxh3_128(about), request.app[LIMITS]
        if request.content_type == JSON:
            body = await receive(request)
            if hasher is not None:
                hasher.update(body)
            await self._read_whole(body, limits)
        else:
            async with aclosing(documents_in_lines(request, hasher)) as lines:
                async for place, document in lines:
                    await self._take(place, document)
        self._flush()
        if hasher is not None:
            self._packed.digest = hasher.digest()
        return self._packed

    async def _read_whole(self, body: bytes, limits: Limits) -> None:
        require_within(body, limits)
        for place, document in documents_of(body):
            await self._take(place, document)

    async def _take(self, place: Place, document: object) -> None:
        if isinstance(document, Malformed):
            self._number += 1
            self._refuse([_mistake(self._number, place, document.problem)])
            return
        try:
            self._packed.incomplete = self._reads.incomplete(document) or self._packed.incomplete
        except Rejected as error:
            self._packed.incomplete = str(error.problem)
        for record, parents in self._reads.records(document):
            self._number += 1
            try:
                neutral = self._reads(record, parents)
            except Rejected as error:
                self._refuse(self._mistakes(place, record, error))
            else:
                self._portion.append(neutral)
                if len(self._portion) == self._size:
                    self._flush()
                    await asyncio.sleep(0)

    def _mistakes(self, place: Place, record: object, error: Rejected) -> list[dict[str, Any]]:
        if not self._source and isinstance(record, dict):
            try:
                model_for(self._kind, self._mode).model_validate(record)
            except ValidationError as wrong:
                fields = list(model_of(self._kind).model_fields)
                return [
                    _mistake(self._number, place, each, _pointer(path), record)
                    for path, each in problems_of(wrong, self._kind, fields)
                ]
            except (ValueError, TypeError, RecursionError):
                pass
        return [_mistake(self._number, place, error.problem, "", record)]

    def _refuse(self, mistakes: list[dict[str, Any]]) -> None:
        packed = self._packed
        packed.rejected += 1
        packed.mistakes += len(mistakes)
        packed.errors += mistakes[: LISTED - len(packed.errors)]

    def _flush(self) -> None:
        if self._portion:
            self._packed.portions.append((len(self._portion), pack(self._portion)))
            self._packed.records += len(self._portion)
            self._portion = []


def _mistake(number: int, place: Place, problem: Problem, within: str = "", record: object = None) -> dict[str, Any]:
    found = record.get("id") if isinstance(record, dict) else None
    row: dict[str, Any] = {"record": number, "pointer": place.pointer + within}
    if place.line is not None:
        row["line"] = place.line
    row["id"] = found if isinstance(found, str) else None
    return row | {
        "field": problem.field,
        "found": problem.found,
        "expected": problem.expected,
        "hint": problem.hint,
    }


def _pointer(path: tuple[int | str, ...]) -> str:
    """RFC 6901: https://www.rfc-editor.org/rfc/rfc6901"""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
