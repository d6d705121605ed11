"""Reads the cells of a table as evidence where no source mapping does: text becomes what the field takes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

from proofport.evidence import model_of
from proofport.sources import Malformed, Reader

_BOOLEANS = {"true": True, "yes": True, "false": False, "no": False}
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")


def read_as_evidence(reader: Reader, kind: str) -> None:
    """Let the rows of a reader be evidence of a kind: trimmed, and typed where the kind wants no text.

    `true`, `false`, `yes` and `no` are booleans, in any case. Other text stays, and the kind says what it expects.
    """
    typed = {
        info.serialization_alias or name: read
        for name, info in model_of(kind).model_fields.items()
        if (read := _reading(info.annotation)) is not None
    }

    def evidence(row: object) -> object:
        if isinstance(row, Malformed):
            return replace(row, part=row.part and evidence(row.part))
        cells = {name: cell.strip() if isinstance(cell, str) else cell for name, cell in _items(row)}
        return {name: typed.get(name, _as_it_is)(cell) for name, cell in cells.items() if cell != ""}

    reader.convert = evidence


def _items(row: object) -> list[tuple[str, Any]]:
    return list(row.items()) if isinstance(row, dict) else []


def _reading(annotation: Any) -> Callable[[Any], Any] | None:
    """How a cell becomes what a field takes; None where it takes text, or what no cell can hold."""
    types = get_args(annotation) or (annotation,)
    if bool in types:
        return _boolean
    if int in types or float in types:
        return _number
    return _text if str in types else None


def _boolean(cell: Any) -> Any:
    return _BOOLEANS.get(cell.lower(), cell) if isinstance(cell, str) else cell


def _number(cell: Any) -> Any:
    if not isinstance(cell, str) or _NUMBER.fullmatch(cell) is None:
        return cell
    return float(cell) if "." in cell else int(cell)


def _text(cell: Any) -> Any:
    """A number, such as an id, as it is written. A boolean stays, and is refused."""
    return str(cell) if cell.__class__ in (int, float) else cell


def _as_it_is(cell: Any) -> Any:
    return cell
