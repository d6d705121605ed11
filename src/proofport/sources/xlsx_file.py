"""An .xlsx file as a zip archive: how large it is, and the cells that have no value although they are not empty."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from posixpath import join, normpath
from typing import BinaryIO
from zipfile import BadZipFile, ZipFile

from proofport.errors import UsageError

PIECE = 1 << 20

_TAG = re.compile(rb"<(?:\w+:)?(sheet|Relationship)\s([^>]*)>")
_ATTRIBUTE = re.compile(rb"([\w:]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_CELL_END = re.compile(rb"</(?:\w+:)?c>")
_CELL = re.compile(rb"<(?:\w+:)?c\s([^>]*)>(?!.*<(?:\w+:)?c\s)", re.DOTALL)
_OF_INTEREST = re.compile(rb"<(?:\w+:)?f[\s/>]|t=[\"']e[\"']")
_VALUE = re.compile(rb"<(?:\w+:)?v[^>/]*>([^<]+)<")
_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]+)")

NO_RESULT = "a formula without a result"
"""A program wrote the formula, and nobody has calculated it yet."""


class XlsxFile:
    """Raises UsageError if it is none, or unpacked larger than `most` bytes."""

    def __init__(self, raw: BinaryIO, name: str, most: int) -> None:
        try:
            self._zip = ZipFile(raw)
            size = sum(part.file_size for part in self._zip.infolist())
            if size > most:
                raise UsageError(
                    f"{name} has {size:,} bytes when it is unpacked, and is read in memory; expected at most {most:,}",
                    hint="Save the sheet as CSV (UTF-8), which has no limit, or configure more `workbook_bytes`.",
                )
            relations = self._tags("xl/_rels/workbook.xml.rels")
            sheets = self._tags("xl/workbook.xml")
        except (BadZipFile, KeyError) as error:
            raise UsageError(
                f"{name} is a zip archive and no .xlsx workbook ({error})",
                hint="Save it as .xlsx, or unpack the archive.",
            ) from None
        targets = {each.get("Id"): each.get("Target", "") for each in relations}
        paths = (normpath(join("/xl", targets.get(each.get("r:id"), ""))).lstrip("/") for each in sheets)
        self._paths = {each.get("name", ""): path for each, path in zip(sheets, paths, strict=True)}

    def valueless(self, sheet: str) -> dict[tuple[int, int], str]:
        """The cells of a sheet that hold an error, such as `#DIV/0!`, or a formula without a result.

        Rows and columns count from 1. A cell that does not say its place is at (0, 0).
        """
        found = {}
        for attributes, content in self._cells(self._paths[sheet]):
            kind = attributes.get("t")
            value = _VALUE.search(content)
            if kind == "e" or (value is None and kind != "str"):
                place = _REFERENCE.fullmatch(attributes.get("r", ""))
                at = (int(place[2]), _column(place[1])) if place else (0, 0)
                found[at] = value[1].decode(errors="replace") if value and kind == "e" else NO_RESULT
        return found

    def _cells(self, path: str) -> Iterator[tuple[dict[str, str], bytes]]:
        """The cells that have a formula or an error."""
        rest = b""
        with self._zip.open(path) as part:
            while piece := part.read(PIECE):
                rest += piece
                end = rest.rfind(b"<row") if rest.count(b"<row") > 1 else 0
                yield from self._cells_in(rest[:end])
                rest = rest[end:]
        yield from self._cells_in(rest)

    @staticmethod
    def _cells_in(text: bytes) -> Iterator[tuple[dict[str, str], bytes]]:
        if not any(mark in text for mark in (b"<f", b":f", b'"e"', b"'e'")):
            return
        for cell in _CELL_END.split(text):
            if _OF_INTEREST.search(cell) and (begun := _CELL.search(cell)):
                yield _attributes(begun[1]), cell[begun.end() :]

    def _tags(self, path: str) -> list[dict[str, str]]:
        return [_attributes(tag[2]) for tag in _TAG.finditer(self._zip.read(path))]


def _attributes(text: bytes) -> dict[str, str]:
    return {name.decode(): unescape((a or b).decode(errors="replace")) for name, a, b in _ATTRIBUTE.findall(text)}


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
