"""CSV with a header row: a record is a dict from column name to text, without the empty cells."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import BytesIO
from itertools import chain

from proofport.errors import Problem, UsageError
from proofport.sources.reader import Malformed, Reader
from proofport.sources.stream import Stream

NOT_UTF_8 = "In Excel choose 'CSV UTF-8' when saving, or convert it: iconv -f cp1252 -t utf-8 FILE"


class CsvReader(Reader):
    """Comma, semicolon or tab, whichever the header uses. An empty cell is left out, because the source said nothing.

    Raises UsageError on opening when the header is missing, or names a column twice or not at all.
    """

    def __init__(self, stream: Stream) -> None:
        super().__init__(stream)
        self._broken_line = 0
        text = self._lines(stream)
        first = next(text, "")
        delimiter = max(",;\t", key=first.count)
        self._rows = csv.reader(chain([first], text), delimiter=delimiter, strict=True)
        self.header = self._read_header()

    def _lines(self, stream: Stream) -> Iterator[str]:
        """Lines as text. Remembers the last line that was not UTF-8, for the row that it is part of."""
        lines = (line for piece in stream.whole_lines() for line in BytesIO(piece))
        for number, line in enumerate(lines, 1):
            if not line.endswith(b"\n"):
                self.doubt = f"{self.name} has no line end after its last line, so that its last cell may be cut"
            try:
                yield line.decode()
            except UnicodeDecodeError:
                self._broken_line = number
                yield line.decode(errors="surrogateescape")

    def _read_header(self) -> list[str]:
        try:
            header = [name.strip() for name in next(self._rows, [])]
        except csv.Error as error:
            raise UsageError(f"{self.name}:1: the header row is not CSV: {error}") from None
        if self._broken_line:
            raise UsageError(f"{self.name}:1: the header row is not UTF-8", hint=NOT_UTF_8)
        if not any(header):
            raise UsageError(f"{self.name}:1: found no header row", hint="The first line must name the columns.")
        for number, name in enumerate(header, 1):
            if not name:
                raise UsageError(f"{self.name}:1: column {number} has no name", hint="Name it, or take it out.")
            if name in header[: number - 1]:
                raise UsageError(f"{self.name}:1: two columns are named {name!r}", hint="Rename one of them.")
        return header

    def _documents(self) -> Iterator[tuple[int, object]]:
        rows, width = self._rows, len(self.header)
        while True:
            line = rows.line_num + 1
            try:
                row = next(rows, None)
            except csv.Error as error:
                yield line, self._broken(error)
                continue
            if row is None:
                return
            if self._broken_line >= line:
                problem = Problem(found="bytes that are not UTF-8", expected="CSV in UTF-8", hint=NOT_UTF_8)
                yield line, Malformed(problem, self._record(row) if len(row) == width else None)
            elif len(row) == width:
                if record := self._record(row):
                    yield line, record
            elif row:
                yield line, Malformed(_wrong_width(row, width))

    def _record(self, row: list[str]) -> dict[str, str]:
        return {name: cell for name, cell in zip(self.header, row, strict=True) if cell}

    def _broken(self, error: csv.Error) -> Malformed:
        if str(error) == "unexpected end of data":
            self.incomplete = f"{self.name} ends inside a quoted cell"
            return Malformed(Problem(found="a quote that is never closed", expected="a row of CSV"))
        return Malformed(Problem(found=str(error), expected="a row of CSV", hint='A quote inside a quoted cell is "".'))


def _wrong_width(row: list[str], width: int) -> Problem:
    hint = "Put a cell that holds the delimiter in quotes." if len(row) > width else "Write an empty cell as nothing."
    return Problem(
        found=f"{len(row)} cell{'s' * (len(row) != 1)}",
        expected=f"{width}, one for each column of the header",
        hint=hint,
    )
