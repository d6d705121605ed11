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
from proofport.sources.json_files import JsonDocumentReader, JsonReader, YamlReader
from proofport.sources.ndjson import NdjsonReader
from proofport.sources.parquet import ParquetReader
from proofport.sources.reader import Reader
from proofport.sources.stream import PARQUET, ZIP, Stream, open_stream
from proofport.sources.xlsx import WORKBOOK_BYTES, XlsxReader

Format: TypeAlias = Literal["csv", "ndjson", "json", "xlsx", "parquet", "yaml"]

_BY_EXTENSION: dict[str, Format] = {
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".csv": "csv",
    ".yaml": "yaml",
    ".yml": "yaml",
}
_BY_BEGINNING: dict[bytes, Format] = {ZIP: "xlsx", PARQUET: "parquet"}
_READERS: dict[Format, Callable[[Stream], Reader]] = {"ndjson": NdjsonReader, "csv": CsvReader, "yaml": YamlReader}
_NAME = re.compile(rb"\w[\w.-]*")


def open_source(
    source: str | Path | BinaryIO,
    *,
    format: Format | None = None,  # noqa: A002  # the word
    workbook_bytes: int = WORKBOOK_BYTES,
    hashed: bool = False,
) -> Reader:
    """A reader for a file, `-` (standard input) or a binary stream. `FILE.xlsx#SHEET` is one sheet of a workbook.

    The format is the given one, that of the extension (.ndjson, .jsonl, .csv, .yaml), or found by looking at the
    beginning: a workbook or Parquet; `[` an array of records; `{` one document, or NDJSON when the first line is one
    and others follow; else CSV, if the first line holds a delimiter or is one word above another line.
    `hashed`: what is read gets a digest.
    Raises UsageError for an input that is not there, cannot be read, or is none of these.
    """
    path, sheet = _sheet_of(source)
    stream = open_stream(path, hashed=hashed)
    try:
        found = next((found for begins, found in _BY_BEGINNING.items() if stream.head.startswith(begins)), None)
        chosen = format or found or _BY_EXTENSION.get(Path(stream.name).suffix.lower())
        if chosen == "xlsx":
            return XlsxReader(stream, sheet, workbook_bytes)
        if chosen == "parquet":
            return ParquetReader(stream)
        stream.require_text()
        return _choose(stream, chosen)(stream)
    except BaseException:
        stream.close()
        raise


def _sheet_of(source: str | Path | BinaryIO) -> tuple[str | Path | BinaryIO, str | None]:
    """The file and the sheet that `FILE#SHEET` names. A file with such a name comes first."""
    if not isinstance(source, str | Path) or "#" not in str(source) or Path(source).exists():
        return source, None
    path, _, sheet = str(source).rpartition("#")
    return (path, sheet) if sheet and Path(path).is_file() else (source, None)


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
