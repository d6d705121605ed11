"""JSON: arrays of records, decoded one by one as they stream in, or one document, which is read whole. And YAML."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from io import BytesIO
from itertools import pairwise

from proofport.errors import MappingError
from proofport.sources.decoding import decode, is_object, lenient, problem
from proofport.sources.ndjson import NdjsonReader
from proofport.sources.reader import Malformed, Reader
from proofport.sources.stream import Stream
from proofport.text.yaml_nodes import Items, data, read_documents

PIECE = 1 << 18
"""Characters that are looked at together, at least."""

_SPACE = re.compile(r"[ \t\n\r]*")
_FINDER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
"""Finds where a record ends. Its numbers may be wrong: `decode` refuses those, and leaves the records after it."""


class JsonReader(Reader):
    """JSON values one after the other, as they stream in: arrays of records, and objects. Mostly it is one array.

    An item of an array is one document, and so is an object. Memory does not grow with the file.
    """

    numbered_by = "#"

    def _documents(self) -> Iterator[tuple[int, object]]:
        return enumerate(self._values(_Window(self._stream)), 1)

    def _values(self, window: _Window) -> Iterator[object]:
        read = 0
        while self.incomplete is None and (beginning := window.peek()):
            if beginning not in "[{":
                self.incomplete = f"{self.name} goes on after record {read}, with {window.excerpt()!r}"
                return
            documents = self._items(window, read) if beginning == "[" else self._record(window, read + 1)
            for document in documents:
                read += 1
                yield document

    def _items(self, window: _Window, read: int) -> Iterator[object]:
        """The items of an array, after so many documents."""
        window.take()
        separator = window.take() if window.peek() == "]" else ","
        while separator == ",":
            read += 1
            yield from self._record(window, read)
            if self.incomplete is not None:
                return
            separator = window.take()
        if separator != "]":
            found = repr(separator) if separator else "the end of the file"
            self.incomplete = f"{self.name} breaks off after record {read}: found {found}, expected ',' or ']'"

    def _record(self, window: _Window, n: int) -> Iterator[object]:
        """One record, or none where its end cannot be found."""
        try:
            record = window.record()
        except (json.JSONDecodeError, RecursionError) as error:
            why = "nested too deeply" if isinstance(error, RecursionError) else f"not whole JSON ({error.msg})"
            self.incomplete = f"{self.position(n)} is {why}, begins {window.excerpt()!r}; nothing after it was read"
            return
        yield record


class _Window:
    """The part of the text that is being looked at, from `at` on."""

    def __init__(self, stream: Stream) -> None:
        self.ended = False
        self._pieces = stream.pieces()
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._text = ""
        self._at = 0

    def peek(self) -> str:
        """The next character that is not space; empty at the end."""
        while True:
            self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]  # matches everywhere
            if self._at < len(self._text) or not self._refill():
                return self._text[self._at : self._at + 1]

    def take(self) -> str:
        character = self.peek()
        self._at += len(character)
        return character

    def excerpt(self) -> str:
        return self._text[self._at : self._at + 40]

    def record(self) -> object:
        """Decode what comes next. Raises JSONDecodeError, or RecursionError, where its end cannot be found."""
        self.peek()
        while True:
            try:
                _, end = _FINDER.raw_decode(self._text, self._at)
                if end < len(self._text) or not self._refill():
                    break
            except json.JSONDecodeError as error:
                if not self._may_be_cut_short(error) or not self._refill():
                    raise
        text = self._text[self._at : end].encode("utf-8", "surrogateescape")
        self._at = end
        try:
            return decode(text)
        except (ValueError, RecursionError) as error:
            return Malformed(problem(text, error, expected="JSON"), lenient(text))

    def _may_be_cut_short(self, error: json.JSONDecodeError) -> bool:
        """True if more text could mend it: a string without end, or a mistake at the very end of the text so far."""
        return error.msg.startswith("Unterminated string") or error.pos > len(self._text) - len("-Infinity")

    def _refill(self) -> bool:
        """Read on, at least as much as is there already, so that a long record is not decoded over and over."""
        kept = self._text[self._at :]
        wanted = max(PIECE, len(kept))
        texts: list[str] = []
        while wanted > 0 and not self.ended:
            piece = next(self._pieces, b"")
            self.ended = not piece
            texts.append(self._decoder.decode(piece, final=self.ended))
            wanted -= len(texts[-1])
        read = "".join(texts)
        if read:
            self._text, self._at = kept + read, 0
        return bool(read)


class JsonDocumentReader(JsonReader):
    """One JSON object: a page of an API, or one record.

    Where the whole is not JSON, it may be several, one after the other, as `gh api --paginate` and jq print them, or
    NDJSON that begins with a broken line.
    """

    whole = True

    def _documents(self) -> Iterator[tuple[int, object]]:
        text = self._stream.rest()
        try:
            document = decode(text)
        except (ValueError, RecursionError) as error:
            if len(in_a_row(text, most=2)) == 2:
                self.whole = False
                yield from enumerate(self._values(_Window(self._again(text))), 1)
                return
            if _is_made_of_lines(text):
                self.whole, self.numbered_by = False, ":"
                lines = NdjsonReader(self._again(text))
                yield from lines
                self.incomplete = lines.incomplete
                return
            self.incomplete = f"{self.name} could not be read as one JSON document"
            document = Malformed(problem(text, error, expected="one JSON document"))
        yield 1, document

    def _again(self, text: bytes) -> Stream:
        return Stream(BytesIO(text), self.name, owned=True)


class YamlReader(Reader):
    """YAML, read whole: each document is one, and a list is an array of records. A record has its line.

    By the rules of YAML 1.2: only `true` and `false` are booleans, and dates are text.
    """

    def _documents(self) -> Iterator[tuple[int, object]]:
        try:
            for document in read_documents(self._stream.rest(), self.name):
                for each in document.items if isinstance(document, Items) else (document,):
                    yield each.at.line, data(each)
        except MappingError as error:
            self.incomplete = str(error)


def in_a_row(text: bytes, most: int | None = None) -> list[bytes]:
    """The texts of JSON objects and arrays that stand one after the other; the last one to the end, whatever it is.

    None are found in what begins otherwise. `most`: the last of so many begins where it begins.
    """
    characters = text.decode("utf-8", "surrogateescape").strip()
    starts: list[int] = []
    at = 0
    while characters[at : at + 1] in ("{", "[") and len(starts) != most:
        starts.append(at)
        try:
            _, at = _FINDER.raw_decode(characters, at)
        except (ValueError, RecursionError):
            break
        at = _SPACE.match(characters, at).end()  # type: ignore[union-attr]  # matches everywhere
    places = pairwise([*starts, len(characters)])
    return [characters[start:end].encode("utf-8", "surrogateescape") for start, end in places]


def _is_made_of_lines(text: bytes) -> bool:
    return any(map(is_object, text.split(b"\n", 2)[:2]))
