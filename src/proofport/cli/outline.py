"""JSON data for people: one value a line, folded to the terminal's width, nothing cut."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from proofport.cli.failures import wrapped


def outline(value: Any, indent: str = "") -> Iterator[str]:
    """`name: value` for each field, `-` before each item of a list; what is too long goes on below."""
    match value:
        case dict() if value:
            for name, inner in value.items():
                yield from _entry(f"{name}:", inner, indent)
        case list() if value:
            for inner in value:
                yield from _entry("-", inner, indent)
        case _:
            yield _line(_scalar(value), indent)


def _entry(label: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, dict | list) and value:
        yield _line(label, indent)
        yield from outline(value, indent + "  ")
    else:
        yield _line(f"{label} {_scalar(value)}", indent)


def _line(text: str, indent: str) -> str:
    indent = indent[:40]
    return wrapped(text, indent, hanging=indent + "    ", fold=True)


def _scalar(value: Any) -> str:
    """As JSON spells it; text without quotes where it stands on one line."""
    if isinstance(value, str) and value.isprintable() and value == value.strip() and value:
        return value
    return json.dumps(value, ensure_ascii=False)
