"""The line of a record in a JSON file. It is looked for by a slow parser, when somebody asks about one record."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from json.decoder import JSONObject  # type: ignore[attr-defined]
from json.scanner import py_make_scanner  # type: ignore[attr-defined]
from pathlib import Path
from typing import Any

from proofport.sources.json_files import JsonReader
from proofport.sources.reader import Reader

_SPACE = re.compile(r"[ \t\n\r]*")


class _Located(json.JSONDecoder):
    """Decodes JSON, and remembers where each object begins."""

    def __init__(self) -> None:
        super().__init__()
        #: By the identity of an object.
        self.starts: dict[int, int] = {}
        self.parse_object = self._object
        self.scan_once = py_make_scanner(self)

    def _object(self, begun: tuple[str, int], *given: Any) -> tuple[Any, int]:
        made, end = JSONObject(begun, *given)
        self.starts[id(made)] = begun[1] - 1
        return made, end

    def documents(self, text: str) -> Iterator[object]:
        """The objects that stand in a file, and the items of its arrays, as `JsonReader` reads them."""
        at = _SPACE.match(text).end()  # type: ignore[union-attr]  # matches everywhere
        while at < len(text):
            document, at = self.raw_decode(text, at)
            yield from document if isinstance(document, list) else (document,)
            at = _SPACE.match(text, at).end()  # type: ignore[union-attr]


def line_of(
    reader: Reader, path: Path, records: Callable[[object], Iterable[tuple[Any, Any]]], place: int
) -> int | None:
    """The line at which a record begins, of which the place in a `RecordStream` is known.

    `records`: gives those of a document. None: it is no object of a JSON file, or does not stand there as it is.
    """
    if not isinstance(reader, JsonReader) or reader.numbered_by == ":":
        return None
    decoder = _Located()
    try:
        text = path.read_text(encoding="utf-8-sig")
        documents = list(decoder.documents(text))
    except (OSError, ValueError, RecursionError):
        return None
    found: Iterable[object] = documents
    if reader.whole:
        found = (record for document in documents for record, _ in records(document))
    start = decoder.starts.get(id(next(islice(found, place - 1, None), None)))
    return None if start is None else text.count("\n", 0, start) + 1
