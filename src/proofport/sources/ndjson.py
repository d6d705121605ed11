"""One JSON document a line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from io import BytesIO
from typing import Final, cast

from proofport.sources.decoding import decode, holds_huge_integers, lenient, problem, repeats_a_key
from proofport.sources.reader import Malformed, Reader
from proofport.sources.repeated import RepeatedKey
from proofport.sources.stream import Stream

HINT = "In NDJSON every record is whole on one line; JSON over several lines belongs in a file *.json."
COMMA = "Take out the comma at the end: nothing stands between the lines of NDJSON."


BLANK: Final = object()
"""A line that holds nothing, and is no record."""


LOOKED_AT: Final = 1_000
"""Lines at the beginning of an input that are looked at for keys that stand twice, whoever reads it."""


class NdjsonReader(Reader):
    def __init__(self, stream: Stream) -> None:
        super().__init__(stream)
        self._looked_at = self._pieces = 0
        self._repeats = False

    def pieces(self) -> Iterator[bytes]:
        """Instead of iterating: the whole text, in pieces of whole lines."""
        return self.guarded(self._stream.whole_lines())

    def _documents(self) -> Iterator[tuple[int, object]]:
        n = 0
        for piece in self._stream.whole_lines():
            decoder = partial(decode, may_be_huge=holds_huge_integers(piece))
            for line in BytesIO(piece):
                n += 1
                document = self.document(line, decoder)
                if document is not BLANK:
                    yield n, document

    def repeating(self, piece: bytes) -> list[int]:
        """The lines of a piece, from 0, in which a key stands twice, of those that are looked at.

        They are for a caller that does not decode all of a line, to which looking at each would cost a third of its
        time: the first thousand lines of the input, then one of every eighth piece; all, once one was found.
        """
        lines: Iterable[bytes] = BytesIO(piece)
        if not self._repeats and self._looked_at >= LOOKED_AT:
            self._pieces += 1
            lines = (BytesIO(piece).readline(),) if self._pieces % 8 == 0 else ()
        found = []
        for index, line in enumerate(lines):
            self._looked_at += 1
            if repeats_a_key(line):
                found.append(index)
        self._repeats = self._repeats or bool(found)
        return found

    def document(self, line: bytes, decoder: Callable[[bytes], object] = decode) -> object:
        """The document of one line, Malformed, or BLANK."""
        try:
            return decoder(line)
        except (ValueError, RecursionError) as error:
            return self._malformed(line, error) if line.strip() else BLANK

    def _malformed(self, line: bytes, error: Exception) -> Malformed:
        part = lenient(line)
        said = problem(line, error, expected="one JSON document on the line")
        if part is None:
            is_list = lenient(line.rstrip().removesuffix(b",")) is not None
            said = replace(said, hint=COMMA if is_list else HINT)
        if not line.endswith(b"\n") and not isinstance(error, RepeatedKey):
            self.incomplete = f"{self.name} ends in the middle of a line"
        return Malformed(said, part)


def records_in(document: object) -> Sequence[object]:
    """The records of a document where each is one: a line may be an array of them, as a page of a list is."""
    is_page = document.__class__ is list and all(item.__class__ is dict for item in cast(list[object], document))
    return cast(list[object], document) if is_page else (document,)
