"""Splits a body into documents, each with its place: the items of a JSON array, or the lines of NDJSON."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from typing import NamedTuple

from aiohttp import web
from xxhash import xxh3_128

from proofport.config.relay import Limits
from proofport.relay.body.limits import LIMITS, Body, require_few, require_shallow
from proofport.relay.problems import ProblemError
from proofport.sources.decoding import decode, problem
from proofport.sources.reader import Malformed

JSON = "application/json"
NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")


class Place(NamedTuple):
    """The place of a document in the body."""

    #: The number of the document from 0; None where the body is one document.
    number: int | None
    #: Line number from 1, only in NDJSON.
    line: int | None = None

    @property
    def pointer(self) -> str:
        """JSON pointer. NDJSON counts as an array of its lines."""
        return "" if self.number is None else f"/{self.number}"


async def documents(request: web.Request, hasher: xxh3_128 | None = None) -> AsyncGenerator[tuple[Place, object], None]:
    """Yield every document of a body; Malformed stands for a line that is not JSON. Blank lines are skipped.

    `hasher` gets the bytes of the body. Raises ProblemError. NDJSON is read as it arrives, JSON as a whole.
    """
    limits, body = request.app[LIMITS], Body(request, hasher)
    if request.content_type == JSON:
        for found in _items(await body.whole(), limits):
            yield found
        return
    _require_ndjson(request)
    count, number, rest = 0, 0, b""
    while chunk := await body.chunk():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            number += 1
            require_few(number, limits)
            if line.strip():
                yield Place(count, number), _of_line(line, limits)
                count += 1
    if rest.strip():
        require_few(number + 1, limits)
        yield Place(count, number + 1), _of_line(rest, limits)


def parse(body: bytes, limits: Limits, *, expected: str) -> object:
    """Parse a body of JSON, and hold it to the limits of levels and records. Raises ProblemError."""
    try:
        document = decode(body)
    except (ValueError, RecursionError) as error:
        found = problem(body, error, expected=expected)
        raise ProblemError("malformed-body", str(found), found=found.found, expected=found.expected) from None
    require_few(len(document) if isinstance(document, list) else 1, limits)
    require_shallow(document, limits)
    return document


def _items(body: bytes, limits: Limits) -> Iterator[tuple[Place, object]]:
    """Yield the items of a JSON array. Any other JSON is one document."""
    document = parse(body, limits, expected="JSON: one record, or an array of records")
    if isinstance(document, list):
        yield from ((Place(index), item) for index, item in enumerate(document))
    else:
        yield Place(None), document


def _of_line(line: bytes, limits: Limits) -> object:
    try:
        document = decode(line)
    except (ValueError, RecursionError) as error:
        return Malformed(problem(line, error, expected="one JSON document on the line"))
    require_shallow(document, limits)
    return document


def _require_ndjson(request: web.Request) -> None:
    if request.content_type not in NDJSON:
        found = request.content_type if "Content-Type" in request.headers else "no Content-Type"
        raise ProblemError(
            "unsupported-media-type",
            f"found {found}, expected {JSON} or {NDJSON[0]}",
            hint="curl: -H 'Content-Type: application/json'",
        )
