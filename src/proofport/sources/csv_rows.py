"""CSV with a header row: a record is a dict from column name to text, without the empty cells."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from proofport.errors import Problem, UsageError
from proofport.sources.csv_layout import SAMPLE, layout_of
from proofport.sources.reader import Malformed, Reader
from proofport.sources.stream import Stream, to_utf_8

NO_HEADER = "The first line must name the columns; a title, a blank line or `sep=;` may stand above."


class CsvReader(Reader):
    """Comma, semicolon, tab or pipe, whichever fits the first rows. Lines above the header are left out.

    An empty cell is left out, because the source said nothing, and so are columns without a name at the end of all.
    Raises UsageError on opening when the header is missing, or names a column twice or not at all.
    """

    tabular = True
    header: list[str]

    def __init__(self, stream: Stream) -> None:
        super().__init__(stream)
        self._broken_line = 0
        lines = stream.lines()
        sample = list(islice(lines, SAMPLE))
        delimiter, self._skipped = layout_of([line.decode(errors="surrogateescape") for line in sample])
        text = self._text(chain(sample[self._skipped :], lines))
        self._rows = csv.reader(text, delimiter=delimiter, strict=True)
        self.header = self._read_header()

    def _text(self, lines: Iterable[bytes]) -> Iterator[str]:
        """Lines as text. Remembers the last line that was not UTF-8, for the row that it is part of."""
        ends = b"\n"
        for number, line in enumerate(lines, self._skipped + 1):
            if number == self._skipped + 1 and line.endswith(b"\r"):
                ends = b"\r"
            if not line.endswith(ends):
                self.doubt = f"{self.name} has no line end after its last line, so that its last cell may be cut"
            try:
                yield line.decode()
            except UnicodeDecodeError:
                self._broken_line = number
                yield line.decode(errors="surrogateescape")

    def _read_header(self) -> list[str]:
        place = f"{self.name}:{self._skipped + 1}"
        try:
            header = [name.strip() for name in next(self._rows, [])]
        except csv.Error as error:
            raise UsageError(f"{place}: the header row is not CSV: {error}") from None
        if self._broken_line:
            found = _not_utf_8(header)
            raise UsageError(f"{place}: the header row is not UTF-8: found {found}", hint=to_utf_8(self.name))
        while header and not header[-1]:
            header.pop()
        if not header:
            raise UsageError(f"{place}: found no header row", hint=NO_HEADER)
        for number, name in enumerate(header, 1):
            if not name:
                raise UsageError(f"{place}: column {number} has no name", hint="Name it, or take it out.")
            if name in header[: number - 1]:
                raise UsageError(f"{place}: two columns are named {name!r}", hint="Rename one of them.")
        return header

    def _documents(self) -> Iterator[tuple[int, object]]:
        rows, width = self._rows, len(self.header)
        while True:
            line = self._skipped + rows.line_num + 1
            try:
                row = next(rows, None)
            except csv.Error as error:
                yield line, self._broken(error)
                continue
            if row is None:
                return
            if len(row) > width and not any(row[width:]):
                del row[width:]
            if self._broken_line >= line:
                problem = Problem(found=_not_utf_8(row), expected="CSV in UTF-8", hint=to_utf_8(self.name))
                yield line, Malformed(problem, self._record(row) if len(row) == width else None)
            elif len(row) == width:
                if record := self._record(row):
                    yield line, record
            elif row:
                yield line, Malformed(self._wrong_width(row))

    def _record(self, row: list[str]) -> dict[str, str]:
        return {name: cell for name, cell in zip(self.header, row, strict=True) if cell}

    def _broken(self, error: csv.Error) -> Malformed:
        if str(error) == "unexpected end of data":
            self.incomplete = f"{self.name} ends inside a quoted cell"
            return Malformed(Problem(found="a quote that is never closed", expected="a row of CSV"))
        return Malformed(Problem(found=str(error), expected="a row of CSV", hint='A quote inside a quoted cell is "".'))

    def _wrong_width(self, row: list[str]) -> Problem:
        hint = "Write an empty cell as nothing."
        if len(row) > len(self.header):
            hint = "Put a cell that holds the delimiter in quotes."
        where = f" (line {self._skipped + 1})" if self._skipped else ""
        return Problem(
            found=f"{len(row)} cell{'s' * (len(row) != 1)}",
            expected=f"{len(self.header)}, one for each column of the header{where}",
            hint=hint,
        )


def _not_utf_8(row: Iterable[str]) -> str:
    """Words for the first cell that is not UTF-8. Most such files come from Excel on Windows."""
    for cell in row:
        raw = cell.encode(errors="surrogateescape")
        text = raw.decode(errors="replace")
        if text != cell:
            return f"bytes that are not UTF-8 ({raw.decode('cp1252', errors='replace')[:40]!r}, if they are cp1252)"
    return "bytes that are not UTF-8"
