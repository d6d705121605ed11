"""One JSON document a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from io import BytesIO

import orjson

from proofport.sources.decoding import decode, holds_huge_integers, problem
from proofport.sources.reader import Malformed, Reader

HINT = "In NDJSON every record is whole on one line; JSON over several lines belongs in a file *.json."


class NdjsonReader(Reader):
    def _documents(self) -> Iterator[tuple[int, object]]:
        return self._lines(self._stream.whole_lines())

    def _lines(self, pieces: Iterable[bytes]) -> Iterator[tuple[int, object]]:
        n = 0
        loads = orjson.loads
        for piece in pieces:
            decoder = decode if holds_huge_integers(piece) else loads
            for line in BytesIO(piece):
                n += 1
                try:
                    document = decoder(line)
                except (ValueError, RecursionError) as error:
                    if not line.strip():
                        continue
                    document = self._malformed(line, error)
                yield n, document

    def _malformed(self, line: bytes, error: Exception) -> Malformed:
        if not line.endswith(b"\n"):
            self.incomplete = f"{self.name} ends in the middle of a line"
        return Malformed(replace(problem(line, error, expected="one JSON document on the line"), hint=HINT))
