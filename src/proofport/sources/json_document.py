"""A file that is one JSON object: a page of an API, or one record. It is read whole."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

from proofport.sources.decoding import decode, is_object, problem
from proofport.sources.ndjson import NdjsonReader
from proofport.sources.reader import Malformed, Reader
from proofport.sources.stream import Stream


class JsonDocumentReader(Reader):
    """Falls back to lines when the whole is not JSON but its first lines are: NDJSON that begins with a broken line."""

    whole = True
    numbered_by = "#"

    def _documents(self) -> Iterator[tuple[int, object]]:
        text = self._stream.rest()
        try:
            document = decode(text)
        except (ValueError, RecursionError) as error:
            if _is_made_of_lines(text):
                self.whole, self.numbered_by = False, ":"
                lines = NdjsonReader(Stream(BytesIO(text), self.name, owned=True))
                yield from lines
                self.incomplete = lines.incomplete
                return
            self.incomplete = f"{self.name} could not be read as one JSON document"
            document = Malformed(problem(text, error, expected="one JSON document"))
        yield 1, document


def _is_made_of_lines(text: bytes) -> bool:
    return any(map(is_object, text.split(b"\n", 2)[:2]))
