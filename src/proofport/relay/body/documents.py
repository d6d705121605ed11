"""Splits a body into documents, each with its place: the items of a JSON array, or the lines of NDJSON."""

from __future__ import annotations

import asyncio
from codecs import BOM_UTF8
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import NamedTuple

import msgspec
from aiohttp import web
from xxhash import xxh3_128

from proofport.config.relay import Limits
from proofport.errors import Problem
from proofport.relay.body.limits import LIMITS, Body, require_few, require_few_values, require_shallow, values_in
from proofport.relay.body.memory import LARGE, MEMORY
from proofport.relay.problems import ProblemError
from proofport.sources.decoding import decode, problem
from proofport.sources.json_files import in_a_row
from proofport.sources.reader import Malformed

JSON = "application/json"
NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")
EXPECTED = "JSON: one record, or an array of records"

_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
"""Finds the items of an array without making them, which takes a thirtieth of the time."""


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

    def within(self, name: str) -> str:
        """The place in the body of this name, for a person: `page-1:12` (line), `page-1#3` (document)."""
        if self.line is not None:
            return f"{name}:{self.line}"
        return name if self.number is None else f"{name}#{self.number + 1}"


async def documents(
    request: web.Request, hasher: xxh3_128 | None = None, *, most_values: int | None = None
) -> AsyncGenerator[tuple[Place, object], None]:
    """Yield every document of a body; Malformed stands for one that is refused. Blank lines are skipped.

    `hasher` gets the bytes of the body. `most_values`: a large document of more values is refused, and not parsed.
    Raises ProblemError. NDJSON is read as it arrives, JSON as a whole.
    """
    limits, body = request.app[LIMITS], Body(request, hasher)
    most = limits.values if most_values is None else min(most_values, limits.values)
    if is_json(request):
        content = (await body.whole()).removeprefix(BOM_UTF8)
        async with request.app[MEMORY].parsing(len(content)), aclosing(_items(content, limits, most)) as items:
            async for found in items:
                yield found
        return
    _require_ndjson(request)
    count, number, rest = 0, 0, b""
    while chunk := await body.chunk():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if not number:
                line = line.removeprefix(BOM_UTF8)
            number += 1
            require_few(number, limits)
            if line.strip():
                yield Place(count, number), await _of_line(line, limits, most)
                count += 1
    if not number:
        rest = rest.removeprefix(BOM_UTF8)
    if rest.strip():
        require_few(number + 1, limits)
        yield Place(count, number + 1), await _of_line(rest, limits, most)


def parse(body: bytes, limits: Limits, *, expected: str) -> object:
    """Parse a body of JSON, and hold it to the limits of levels and records. Raises ProblemError."""
    require_few_values(body, limits)
    try:
        document = decode(body)
    except (ValueError, RecursionError) as error:
        raise _malformed(body, error, expected) from None
    require_few(len(document) if isinstance(document, list) else 1, limits)
    require_shallow(document, limits)
    return document


async def _items(body: bytes, limits: Limits, most: int) -> AsyncGenerator[tuple[Place, object], None]:
    """The items of a JSON array. Any other JSON is one document. Those of a large body are parsed one by one.

    A small body may be several arrays and objects, one after the other.
    """
    if len(body) < LARGE:
        found = _small(body, limits)
        if not isinstance(found, list):
            yield Place(None), found
            return
        for index, item in enumerate(found):
            yield Place(index), item
        return
    texts = await asyncio.to_thread(_split, body, limits)
    require_few(1 if texts is None else len(texts), limits)
    for index, text in enumerate([body] if texts is None else texts):
        try:
            item = await _document(text, limits, most, levels_above=texts is not None)
        except (ValueError, RecursionError) as error:
            raise _malformed(body, error, EXPECTED) from None
        yield Place(None if texts is None else index), item


def _small(body: bytes, limits: Limits) -> object:
    try:
        return parse(body, limits, expected=EXPECTED)
    except ProblemError:
        require_few_values(body, limits)
        texts = in_a_row(body)
        if len(texts) < 2:
            raise
    found: list[object] = []
    for text in texts:
        document = parse(text, limits, expected=EXPECTED)
        found += document if isinstance(document, list) else [document]
    require_few(len(found), limits)
    return found


def _split(body: bytes, limits: Limits) -> list[msgspec.Raw] | None:
    """The texts of the items of an array; None for what is no array."""
    require_few_values(body, limits)
    try:
        return _ITEMS.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None


async def _of_line(line: bytes, limits: Limits, most: int) -> object:
    require_few_values(line, limits)
    try:
        return await _document(line, limits, most)
    except (ValueError, RecursionError) as error:
        return Malformed(problem(line, error, expected="one JSON document on the line"))


async def _document(text: bytes | msgspec.Raw, limits: Limits, most: int, *, levels_above: int = 0) -> object:
    """One document, or Malformed for a large one of too many values. A large one is parsed beside the event loop."""
    if len(text) < LARGE:
        document = decode(bytes(text))
    else:
        document = await asyncio.to_thread(_bounded, bytes(text), most)
    require_shallow(document, limits, levels_above)
    return document


def _bounded(text: bytes, most: int) -> object:
    values = values_in(text)
    return decode(text) if values <= most else Malformed(Problem(f"up to {values:,} JSON values", f"at most {most:,}"))


def _malformed(body: bytes, error: Exception, expected: str) -> ProblemError:
    found = problem(body, error, expected=expected)
    return ProblemError("malformed-body", str(found), found=found.found, expected=found.expected)


def is_json(request: web.Request) -> bool:
    """True for JSON, and for what is written in it, such as `application/scim+json`."""
    media = request.content_type
    return media == JSON or (media.startswith("application/") and media.endswith("+json"))


def _require_ndjson(request: web.Request) -> None:
    if request.content_type not in NDJSON:
        found = request.content_type if "Content-Type" in request.headers else "no Content-Type"
        raise ProblemError(
            "unsupported-media-type",
            f"found {found}, expected {JSON} or {NDJSON[0]}",
            hint="curl: -H 'Content-Type: application/json'",
        )
