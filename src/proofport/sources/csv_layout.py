"""Finds where the header of a table is, and what delimits the cells of CSV, from the first lines."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import takewhile
from typing import NamedTuple

DELIMITERS = ",;\t|"
SAMPLE = 30
"""Lines that are looked at."""

_DECLARED = re.compile(r'\s*"?sep=(.)"?\s*', re.IGNORECASE)
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_LIKE_A_NAME = re.compile(r"[\w.-]+")
_LIKE_A_VALUE = re.compile(r"[\d.,:/ +-]*|.+@.+")


class Layout(NamedTuple):
    delimiter: str
    #: Lines before the header: a `sep=` line, titles, notes, blank lines.
    skipped: int


def layout_of(lines: Sequence[str]) -> Layout:
    """The layout of a file that begins with these lines."""
    declared = _DECLARED.fullmatch(lines[0].rstrip("\r\n")) if lines else None
    first = 1 if declared else 0
    delimiter = declared[1] if declared else _delimiter_of(lines)
    rows = list(_rows(lines[first:], delimiter))
    return Layout(delimiter, first + (rows[header_among(rows)].before if rows else 0))


def holds_delimiter(line: str) -> bool:
    """True if a line holds a delimiter outside quotes, or declares one."""
    return _DECLARED.fullmatch(line.rstrip("\r\n")) is not None or any(each in _unquoted(line) for each in DELIMITERS)


def _unquoted(text: str) -> str:
    return _QUOTED.sub("", text)


def _delimiter_of(lines: Sequence[str]) -> str:
    """The one with which most rows have the same number of cells; else the one that the first row has most of."""
    rows = _unquoted("".join(lines)).splitlines() or [""]

    def fit(delimiter: str) -> tuple[int, int]:
        numbers = Counter(count for row in rows if (count := row.count(delimiter)))
        return max(numbers.values(), default=0), rows[0].count(delimiter)

    return max(DELIMITERS, key=fit)


class Row(NamedTuple):
    """A row that is looked at."""

    #: Lines before it.
    before: int
    #: The number of cells.
    length: int
    #: The cells up to the last that is not empty, trimmed.
    cells: list[str]

    @property
    def width(self) -> int:
        return len(self.cells)

    @property
    def may_be_header(self) -> bool:
        return self.width > 1 and not any(map(_LIKE_A_VALUE.fullmatch, self.cells))


def trimmed(before: int, cells: Sequence[str]) -> Row:
    filled = [cell.strip() for cell in cells]
    while filled and not filled[-1]:
        filled.pop()
    return Row(before, len(cells), filled)


def header_among(rows: Sequence[Row]) -> int:
    """The index of the header in the first rows of a table.

    The first row with a cell is the header, unless it and those that follow are titles or notes, the next one could
    be a header, and most rows below have as many cells as it.
    """
    first = next((index for index, row in enumerate(rows) if row.width), None)
    if first is None:
        return 0
    header = next((index for index in range(first, len(rows)) if not _is_above_header(rows, index)), first)
    fits = [row.length == rows[header].length for row in rows[header + 1 :] if row.width]
    is_header = rows[header].may_be_header and fits.count(True) >= max(1, len(fits) / 2)
    return header if is_header else first


def _is_above_header(rows: Sequence[Row], index: int) -> bool:
    """True for a blank row; for a title, which is one cell above wider rows; for a note, which is two cells above a
    blank row and a wider one. A word right above the next row may name a column: it is no title."""
    row, below = rows[index], rows[index + 1 :]
    if row.width == 1:
        is_word = _LIKE_A_NAME.fullmatch(row.cells[0]) is not None
        return any(each.width > 1 for each in below) and not (is_word and below[0].width)
    notes = list(takewhile(lambda each: each.width == 2, below))
    after = [each.width for each in below[len(notes) :] if each.width]
    ends_blank = len(notes) < len(below) and not below[len(notes)].width
    return not row.width or (row.width == 2 and ends_blank and bool(after) and after[0] > 2)


def _rows(lines: Sequence[str], delimiter: str) -> Iterator[Row]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    before = 0
    with suppress(csv.Error):
        for row in reader:
            yield trimmed(before, row)
            before = reader.line_num
