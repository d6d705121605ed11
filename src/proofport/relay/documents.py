"""The documents of a body, each with its place: the items of an array, or the lines of NDJSON."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass

import orjson
from aiohttp import web
from xxhash import xxh3_128

from proofport.relay.limits import lines, read_body
from proofport.relay.problems import ProblemError
from proofport.sources.decoding import decode, holds_huge_integers, problem
from proofport.sources.reader import Malformed

JSON = "application/json"
NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document stands in the body: its JSON pointer, and in NDJSON its line.

    `huge`: there may be integers around that do not fit 64 bits.
    """

    pointer: str
    line: int | None = None
    huge: bool = False


async def documents(request: web.Request) -> list[object]:
    """Every document of a body, or Malformed for a line that is none. Raises ProblemError."""
    if request.content_type == JSON:
        return [document for _, document in documents_of(await read_body(request))]
    async with aclosing(documents_in_lines(request)) as found:
        return [document async for _, document in found]


def documents_of(body: bytes) -> Iterator[tuple[Place, object]]:
    """Those of a body of JSON: the items of an array, anything else as one. Raises ProblemError."""
    huge = holds_huge_integers(body)
    document = _decoded(body, careful=huge)
    if isinstance(document, list):
        for index, item in enumerate(document):
            yield Place(f"/{index}", huge=huge), item
    else:
        yield Place("", huge=huge), document


async def documents_in_lines(
    request: web.Request, hasher: xxh3_128 | None = None
) -> AsyncGenerator[tuple[Place, object], None]:
    """Those of a body of NDJSON as it comes, or Malformed for a line that is none; blank lines are left out.

    Raises ProblemError, also for a body that is neither NDJSON nor JSON.
    """
    _require_lines(request)
    index, number, rest = 0, 0, b""
    async with aclosing(lines(request)) as pieces:
        async for chunk in pieces:
            if hasher is not None:
                hasher.update(chunk)
            *whole, rest = (rest + chunk).split(b"\n")
            careful = holds_huge_integers(b"\n".join(whole))
            for line in whole:
                number += 1
                if line.strip():
                    yield Place(f"/{index}", number, careful), _line(line, careful=careful)
                    index += 1
    if rest.strip():
        yield Place(f"/{index}", number + 1, huge=True), _line(rest, careful=True)


def _require_lines(request: web.Request) -> None:
    if request.content_type not in NDJSON:
        found = request.content_type if "Content-Type" in request.headers else "no Content-Type"
        raise ProblemError(
            "unsupported-media-type",
            f"found {found}, expected {JSON} or {NDJSON[0]}",
            hint="curl: -H 'Content-Type: application/json'",
        )


def _decoded(body: bytes, *, careful: bool) -> object:
    try:
        return decode(body) if careful else orjson.loads(body)
    except (ValueError, RecursionError) as error:
        found = problem(body, error, expected="JSON: one record, or an array of records")
        raise ProblemError("malformed-body", str(found), found=found.found, expected=found.expected) from None


def _line(line: bytes, *, careful: bool) -> object:
    try:
        return decode(line) if careful else orjson.loads(line)
    except (ValueError, RecursionError) as error:
        return Malformed(problem(line, error, expected="one JSON document on the line"))
