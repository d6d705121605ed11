"""Workbooks of Excel: a record is a row below the header, a dict from column name to what the cell holds."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from proofport.errors import Problem, UsageError
from proofport.sources.csv_layout import SAMPLE, Row, header_among, trimmed
from proofport.sources.reader import Malformed, Reader, required
from proofport.sources.stream import Stream
from proofport.sources.values import plain
from proofport.sources.xlsx_file import XlsxFile

ALL = "*"
WORKBOOK_BYTES = 128 << 20
"""Unpacked, a workbook may have so many bytes, unless the configuration says otherwise."""

_EXACT = 1 << 53


class XlsxReader(Reader):
    """One sheet of a workbook, or all of them in turn. Text, numbers, booleans and dates stay what they are.

    A sheet is in memory while it is read. Raises UsageError on opening for a workbook that is too large, for several
    sheets of which none is named, and for a sheet without a header.
    """

    tabular = True

    def __init__(self, stream: Stream, sheet: str | None = None, most: int = WORKBOOK_BYTES) -> None:
        super().__init__(stream)
        calamine = required("python_calamine", "xlsx", f"{self.name} is a workbook of Excel")
        raw = stream.seekable()
        self._file = XlsxFile(raw, self.name, most)
        raw.seek(0)
        try:
            self._book: Any = calamine.CalamineWorkbook.from_filelike(raw)
        except calamine.CalamineError as error:
            raise UsageError(f"{self.name} is no workbook that can be read: {error}") from None
        self._sheets = self._chosen(sheet, calamine.SheetVisibleEnum.Visible)
        #: The number of the row above each sheet, if the rows of all sheets are counted through.
        self._offsets = [0]
        self._first = self._table(self._sheets[0])
        self.header = self._first.header if len(self._sheets) == 1 else None

    def position(self, n: int) -> str:
        at = bisect_right(self._offsets, n - 1) - 1
        return f"{self.name}, sheet {self._sheets[at]}, row {n - self._offsets[at]}"

    def _chosen(self, sheet: str | None, visible: object) -> list[str]:
        names: list[str] = self._book.sheet_names
        if sheet is not None and sheet != ALL:
            if sheet not in names:
                raise UsageError(f"{self.name} has no sheet {sheet!r}", hint=f"It has {', '.join(names)}.")
            return [sheet]
        shown = [each.name for each in self._book.sheets_metadata if each.visible == visible]
        filled = [name for name in shown if self._book.get_sheet_by_name(name).start is not None] or names[:1]
        if len(filled) > 1 and sheet is None:
            listed = ", ".join(filled)
            raise UsageError(
                f"{self.name} has several sheets: {listed}",
                hint=f"Name the one that is meant: '{self.name}#{filled[0]}', or '{self.name}#{ALL}' for all of them.",
            )
        return filled

    def _documents(self) -> Iterator[tuple[int, object]]:
        table: _Table | None = self._first
        del self._first
        for number, name in enumerate(self._sheets):
            table = table or self._table(name)
            for row, document in table:
                yield self._offsets[number] + row, document
            self._offsets.append(self._offsets[number] + table.height)
            table = None

    def _table(self, name: str) -> _Table:
        return _Table(self._book.get_sheet_by_name(name), self._file.valueless(name), f"{self.name}, sheet {name}")


class _Table:
    """The rows of a sheet below its header, each with its number."""

    def __init__(self, sheet: Any, valueless: dict[tuple[int, int], str], name: str) -> None:
        left = sheet.start[1] if sheet.start else 0
        self.height: int = sheet.end[0] + 1 if sheet.end else 0
        self._name = name
        self._rows: Iterator[list[Any]] = sheet.iter_rows()
        self._valueless = {(row, column - left): what for (row, column), what in valueless.items()}
        if (0, 0 - left) in self._valueless:
            raise UsageError(
                f"{name} has cells without a value, such as {valueless[0, 0]}, and does not say where",
                hint="Open it in Excel, and save it.",
            )
        self._ahead = list(islice(self._rows, SAMPLE))
        shown = [trimmed(number, [str(cell) for cell in row]) for number, row in enumerate(self._ahead)]
        self._above = header_among(shown) + 1 if shown else 0
        self.header = self._read_header(shown[self._above - 1] if shown else None)

    def _read_header(self, row: Row | None) -> Sequence[str]:
        place = f"{self._name}, row {self._above}"
        if row is None or not row.cells:
            raise UsageError(f"{self._name} has no header row", hint="A row must name the columns.")
        for number, name in enumerate(row.cells, 1):
            if not name:
                raise UsageError(f"{place}: column {number} has no name", hint="Name it, or take it out.")
            if name in row.cells[: number - 1]:
                raise UsageError(f"{place}: two columns are named {name!r}", hint="Rename one of them.")
        return row.cells

    def __iter__(self) -> Iterator[tuple[int, object]]:
        rows = iter([self._ahead[self._above :], self._rows])
        for number, row in enumerate((row for some in rows for row in some), self._above + 1):
            faults = {at[1]: what for at, what in self._valueless.items() if at[0] == number} if self._valueless else {}
            record = {name: _value(cell) for name, cell in zip(self.header, row, strict=False) if cell != ""}
            beyond = next((at for at in range(len(self.header), len(row)) if row[at] != ""), None)
            if faults:
                yield number, Malformed(self._fault(min(faults), faults[min(faults)]), record)
            elif beyond is not None:
                found = f"a value in the column {beyond + 1}, which has no name"
                yield number, Malformed(Problem(found, f"{len(self.header)} cells, one for each column of the header"))
            elif record:
                yield number, record

    def _fault(self, column: int, what: str) -> Problem:
        name = self.header[column - 1] if column <= len(self.header) else None
        hint = "Correct the cell; or open the workbook in Excel and save it, so that the formula gets its result."
        return Problem(what, "a value", field=name, hint=hint)


def _value(cell: Any) -> Any:
    """Excel knows one kind of number: a whole one is an integer."""
    if cell.__class__ is float and cell.is_integer() and abs(cell) <= _EXACT:
        return int(cell)
    return plain(cell)
