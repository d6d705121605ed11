"""Open an input and choose its reader, by the file's extension or by how it begins."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias

from proofport.errors import UsageError
from proofport.sources.csv_layout import holds_delimiter
from proofport.sources.csv_rows import CsvReader
from proofport.sources.decoding import is_object
from proofport.sources.json_files import JsonDocumentReader, JsonReader
from proofport.sources.ndjson import NdjsonReader
from proofport.sources.reader import Reader
from proofport.sources.stream import Stream, open_stream

Format: TypeAlias = Literal["ndjson", "json", "csv"]

_BY_EXTENSION: dict[str, Format] = {".ndjson": "ndjson", ".jsonl": "ndjson", ".csv": "csv"}
_READERS: dict[Format, Callable[[Stream], Reader]] = {"ndjson": NdjsonReader, "csv": CsvReader}
_NAME = re.compile(rb"\w[\w.-]*")


def open_source(source: str | Path | BinaryIO, *, format: Format | None = None) -> Reader:  # noqa: A002  # the word
    """A reader for a file, `-` (standard input) or a binary stream.

    The format is the given one, that of the extension (.ndjson, .jsonl, .csv), or found by looking at the beginning:
    `[` an array of records; `{` one document, or NDJSON when the first line is one and others follow; else CSV, if the
    first line holds a delimiter or is one word above another line.
    Raises UsageError for an input that is not there, cannot be read, or is none of these.
    """
    stream = open_stream(source)
    try:
        return _choose(stream, format or _BY_EXTENSION.get(Path(stream.name).suffix.lower()))(stream)
    except BaseException:
        stream.close()
        raise


def _choose(stream: Stream, given: Format | None) -> Callable[[Stream], Reader]:
    if given is not None and given in _READERS:
        return _READERS[given]
    while not (beginning := stream.head.lstrip()[:1]) and stream.more():
        pass
    if beginning == b"[":
        return JsonReader
    if beginning == b"{" or given == "json":
        return NdjsonReader if given is None and _first_line_is_a_document(stream) else JsonDocumentReader
    if not beginning:
        return NdjsonReader
    return _csv_or_refuse(stream)


def _first_line_is_a_document(stream: Stream) -> bool:
    stream.to_line_end()
    line, _, more = stream.head.lstrip().partition(b"\n")
    while not more.strip() and stream.more():
        line, _, more = stream.head.lstrip().partition(b"\n")
    return bool(more.strip()) and is_object(line)


def _csv_or_refuse(stream: Stream) -> Callable[[Stream], Reader]:
    stream.to_line_end()
    first = stream.head.lstrip().partition(b"\n")[0]
    line = first.decode(errors="replace")
    if line[0] != "<" and (holds_delimiter(line) or _is_one_column(stream)):
        return CsvReader
    raise UsageError(
        f"{stream.name} begins with {line[:40]!r}; expected JSON, NDJSON or CSV",
        hint="JSON begins with [ or {, CSV with the names of its columns. Name CSV files *.csv, or say --format csv.",
    )


def _is_one_column(stream: Stream) -> bool:
    """True if one word, the name of a column, stands above a line with one cell. One word alone may be an error."""
    while len(stream.head.split(None, 2)) < 3 and stream.more():
        pass
    lines = stream.head.strip().splitlines()
    return len(lines) > 1 and _NAME.fullmatch(lines[0]) is not None and bool(lines[1].strip())
