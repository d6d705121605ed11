"""One JSON document a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from typing import Final

import orjson

from proofport.sources.decoding import decode, holds_huge_integers, lenient, problem
from proofport.sources.reader import Malformed, Reader

HINT = "In NDJSON every record is whole on one line; JSON over several lines belongs in a file *.json."


BLANK: Final = object()
"""A line that holds nothing, and is no record."""


class NdjsonReader(Reader):
    def pieces(self) -> Iterator[bytes]:
        """Instead of iterating: the whole text, in pieces of whole lines."""
        return self.guarded(self._stream.whole_lines())

    def _documents(self) -> Iterator[tuple[int, object]]:
        n = 0
        for piece in self._stream.whole_lines():
            decoder = decode if holds_huge_integers(piece) else orjson.loads
            for line in BytesIO(piece):
                n += 1
                document = self.document(line, decoder)
                if document is not BLANK:
                    yield n, document

    def document(self, line: bytes, decoder: Callable[[bytes], object] = decode) -> object:
        """The document of one line, Malformed, or BLANK."""
        try:
            return decoder(line)
        except (ValueError, RecursionError) as error:
            return self._malformed(line, error) if line.strip() else BLANK

    def _malformed(self, line: bytes, error: Exception) -> Malformed:
        if not line.endswith(b"\n"):
            self.incomplete = f"{self.name} ends in the middle of a line"
        said = problem(line, error, expected="one JSON document on the line")
        return Malformed(replace(said, hint=said.hint or HINT), lenient(line))
