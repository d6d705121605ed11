"""Splits a body into documents, each with its place: the items of a JSON array, or the lines of NDJSON."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator
from typing import NamedTuple, TypeAlias

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


Block: TypeAlias = Iterator[tuple[Place, object]]
"""Documents of a body. Malformed stands for a line that is not JSON."""


async def blocks(request: web.Request, hasher: xxh3_128 | None = None) -> AsyncGenerator[Block, None]:
    """Yield the documents of a body in blocks, as they arrive. `hasher` gets the bytes of the body.

    JSON is one block. NDJSON is one for each chunk of it; blank lines are skipped. Raises ProblemError, as the blocks
    do.
    """
    limits, body = request.app[LIMITS], Body(request)
    if request.content_type == JSON:
        whole = await body.whole()
        if hasher is not None:
            hasher.update(whole)
        yield _items(whole, limits)
        return
    _require_ndjson(request)
    lines, rest = _Lines(limits), b""
    while chunk := await body.chunk():
        if hasher is not None:
            hasher.update(chunk)
        *complete, rest = (rest + chunk).split(b"\n")
        yield lines.read(complete)
    if rest.strip():
        yield lines.read([rest])


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


def _items(body: bytes, limits: Limits) -> Block:
    """Yield the items of a JSON array. Any other JSON is one document."""
    document = parse(body, limits, expected="JSON: one record, or an array of records")
    if isinstance(document, list):
        yield from ((Place(index), item) for index, item in enumerate(document))
    else:
        yield Place(None), document


class _Lines:
    """Counts the lines of a body, and the documents on them."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lines = 0
        self._documents = 0

    def read(self, lines: Iterable[bytes]) -> Block:
        for line in lines:
            self._lines += 1
            require_few(self._lines, self._limits)
            if line.strip():
                yield Place(self._documents, self._lines), self._document(line)
                self._documents += 1

    def _document(self, line: bytes) -> object:
        try:
            document = decode(line)
        except (ValueError, RecursionError) as error:
            return Malformed(problem(line, error, expected="one JSON document on the line"))
        require_shallow(document, self._limits)
        return document


def _require_ndjson(request: web.Request) -> None:
    if request.content_type not in NDJSON:
        found = request.content_type if "Content-Type" in request.headers else "no Content-Type"
        raise ProblemError(
            "unsupported-media-type",
            f"found {found}, expected {JSON} or {NDJSON[0]}",
            hint="curl: -H 'Content-Type: application/json'",
        )
