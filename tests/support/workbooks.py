"""Writes .xlsx files: the few parts that a workbook needs, with cells of every type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from html import escape
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile

_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_SHEETS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - Excel knows no zones


class Raw(NamedTuple):
    """A cell as it stands in the file: its attributes and content."""

    attributes: str
    content: str


ERROR = Raw('t="e"', "<f>1/0</f><v>#DIV/0!</v>")
NO_RESULT = Raw("", "<f>A1+1</f><v></v>")
EMPTY_RESULT = Raw('t="str"', '<f>IF(1,"","x")</f><v></v>')


def workbook(path: Path, sheets: Mapping[str, Sequence[Sequence[Any]]], hidden: Sequence[str] = ()) -> Path:
    """Write these rows. None is an empty cell."""
    numbered = list(enumerate(sheets.items(), 1))
    states = {name: ' state="hidden"' if name in hidden else "" for name in sheets}
    with ZipFile(path, "w", ZIP_DEFLATED) as parts:
        parts.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{_TYPES}"><Default Extension="xml" ContentType="application/xml"/>'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            "</Types>",
        )
        parts.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="r0" Type="{_RELATIONS}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
        )
        entries = "".join(
            f'<sheet name="{escape(name)}" sheetId="{at}"{states[name]} r:id="r{at}"/>' for at, (name, _) in numbered
        )
        parts.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{_SHEETS}" xmlns:r="{_RELATIONS}"><sheets>{entries}</sheets></workbook>',
        )
        relations = "".join(
            f'<Relationship Id="r{at}" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet{at}.xml"/>'
            for at, _ in numbered
        )
        styles = f'<Relationship Id="rs" Type="{_RELATIONS}/styles" Target="styles.xml"/>'
        parts.writestr(
            "xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{_PACKAGE}">{relations}{styles}</Relationships>'
        )
        formats = '<xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/><xf numFmtId="22" applyNumberFormat="1"/>'
        parts.writestr(
            "xl/styles.xml", f'<styleSheet xmlns="{_SHEETS}"><cellXfs count="3">{formats}</cellXfs></styleSheet>'
        )
        for at, (_, rows) in numbered:
            with parts.open(f"xl/worksheets/sheet{at}.xml", "w") as part:
                part.write(f'<worksheet xmlns="{_SHEETS}"><sheetData>'.encode())
                for number, row in enumerate(rows, 1):
                    cells = "".join(_cell(f"{_letter(column)}{number}", value) for column, value in enumerate(row))
                    part.write(f'<row r="{number}">{cells}</row>'.encode())
                part.write(b"</sheetData></worksheet>")
    return path


def _letter(column: int) -> str:
    return chr(ord("A") + column)


def _cell(place: str, value: Any) -> str:
    match value:
        case None:
            return ""
        case Raw():
            return f'<c r="{place}" {value.attributes}>{value.content}</c>'
        case bool():
            return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
        case datetime():
            return f'<c r="{place}" s="2"><v>{(value - _EPOCH).total_seconds() / 86400}</v></c>'
        case date():
            return f'<c r="{place}" s="1"><v>{(value - _EPOCH.date()).days}</v></c>'
        case int() | float():
            return f'<c r="{place}"><v>{value}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t>{escape(str(value))}</t></is></c>'
