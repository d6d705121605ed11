"""The body of a request, record by record: checked, packed for the journal, and every mistake listed.

At any moment there are the bytes of one body at most, the records of one portion, and what was packed; of NDJSON only
one line instead of the body.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web
from pydantic import ValidationError
from xxhash import xxh3_128

from proofport.adapter import Mode
from proofport.delivery.payload import pack
from proofport.delivery.pipeline import Reads
from proofport.errors import Problem, Rejected
from proofport.evidence import Neutral, model_of
from proofport.gateway.inputs import AlreadyEvidence
from proofport.gateway.queue import RECORDS
from proofport.mapping.checks import DEEPEST
from proofport.mapping.source import model_for
from proofport.mapping.wording import problems_of
from proofport.relay.limits import LIMITS, chunks, read_body
from proofport.relay.problems import ProblemError
from proofport.sources.decoding import decode, holds_huge_integers, problem
from proofport.sources.reader import Malformed

JSON = "application/json"
NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")
LISTED = 1_000
"""At most so many mistakes stand in an answer; the count is always whole."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document stands in the body: its JSON pointer, and in NDJSON its line.

    `huge`: there may be integers around that do not fit 64 bits.
    """

    pointer: str
    line: int | None = None
    huge: bool = False


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
        self._quick: Callable[[object], Neutral] | None = None

    async def read(self, request: web.Request, *, about: bytes = b"") -> Packed:
        """Raises ProblemError for a body that cannot be read. `digest` is of `about` and the bytes of the body."""
        hasher = xxh3_128(about)
        if isinstance(self._reads, AlreadyEvidence) and request.app[LIMITS].depth <= DEEPEST:
            self._quick = self._reads.decoded
        async with aclosing(documents(request, hasher)) as found:
            async for place, document in found:
                self._take(place, document)
                if len(self._portion) == self._size:
                    self._flush()
                    await asyncio.sleep(0)
        self._flush()
        self._packed.digest = hasher.digest()
        return self._packed

    def _take(self, place: Place, document: object) -> None:
        if isinstance(document, Malformed):
            self._number += 1
            self._refuse([_mistake(self._number, place, document.problem)])
            return
        try:
            self._packed.incomplete = self._reads.incomplete(document) or self._packed.incomplete
        except Rejected as error:
            self._packed.incomplete = str(error.problem)
        quick = None if place.huge else self._quick
        for record, parents in self._reads.records(document):
            self._number += 1
            try:
                neutral = quick(record) if quick else self._reads(record, parents)
            except Rejected as error:
                self._refuse(self._mistakes(place, record, error))
            else:
                self._portion.append(neutral)

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


# ------------------------------------------------------------------ bytes to documents
async def documents(request: web.Request, hasher: xxh3_128 | None = None) -> AsyncGenerator[tuple[Place, object], None]:
    """Every document of a body, or Malformed for a line that is none, with its place in the body.

    The items of a JSON array are documents, so are the lines of NDJSON; anything else is one document.
    Raises ProblemError.
    """
    match request.content_type:
        case "application/json":
            body = await read_body(request)
            if hasher is not None:
                hasher.update(body)
            huge = holds_huge_integers(body)
            document = _decoded(body, careful=huge)
            if isinstance(document, list):
                for index, item in enumerate(document):
                    yield Place(f"/{index}", huge=huge), item
            else:
                yield Place("", huge=huge), document
        case media if media in NDJSON:
            index = 0
            async with aclosing(_lines(request, hasher)) as lines:
                async for number, document, huge in lines:
                    yield Place(f"/{index}", number, huge), document
                    index += 1
        case media:
            given = media if "Content-Type" in request.headers else "no Content-Type"
            raise ProblemError(
                "unsupported-media-type",
                f"found {given}, expected {JSON} or {NDJSON[0]}",
                hint="curl: -H 'Content-Type: application/json'",
            )


def _decoded(body: bytes, *, careful: bool) -> object:
    try:
        return decode(body) if careful else orjson.loads(body)
    except (ValueError, RecursionError) as error:
        found = problem(body, error, expected="JSON: one record, or an array of records")
        raise ProblemError("malformed-body", str(found), found=found.found, expected=found.expected) from None


async def _lines(request: web.Request, hasher: xxh3_128 | None) -> AsyncGenerator[tuple[int, object, bool], None]:
    """The documents of NDJSON with their lines; blank lines are none. And whether integers may be huge."""
    rest, number = b"", 0
    async with aclosing(chunks(request, lines=True)) as pieces:
        async for chunk in pieces:
            if hasher is not None:
                hasher.update(chunk)
            *whole, rest = (rest + chunk).split(b"\n")
            careful = holds_huge_integers(b"\n".join(whole))
            for line in whole:
                number += 1
                if line.strip():
                    yield number, _line(line, careful=careful), careful
    if rest.strip():
        yield number + 1, _line(rest, careful=True), True


def _line(line: bytes, *, careful: bool) -> object:
    try:
        return decode(line) if careful else orjson.loads(line)
    except (ValueError, RecursionError) as error:
        return Malformed(problem(line, error, expected="one JSON document on the line"))
