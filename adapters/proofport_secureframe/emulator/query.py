"""The list parameters: q (a small part of Lucene), sort, page and per_page.

Of Lucene there are `field:value`, quoted values, backslash escapes and AND. OR, NOT, ranges and wildcards are not
imitated: they are answered 400.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeVar

from aiohttp import web

from proofport.testing import VendorError

PER_PAGE = 100

_NUMBER = re.compile(r"[0-9]{1,15}")
_TERM = re.compile(r'\s*(?P<field>[A-Za-z_][\w.]*):(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>(?:[^\s"\\]|\\.)+))\s*')
_AND = re.compile(r"AND(?=\s)")

Row = TypeVar("Row")


def parsed_query(text: str) -> list[tuple[str, str]]:
    """The (field, value) pairs of `q`, all of which must hold. Raises VendorError (400)."""
    pairs: list[tuple[str, str]] = []
    position = 0
    while position < len(text.rstrip()):
        if pairs:
            position = _matched(_AND, text, position).end()
        term = _matched(_TERM, text, position)
        value = term["quoted"] if term["quoted"] is not None else term["bare"]
        pairs.append((term["field"], re.sub(r"\\(.)", r"\1", value)))
        position = term.end()
    return pairs


def _matched(pattern: re.Pattern[str], text: str, position: int) -> re.Match[str]:
    match = pattern.match(text, position)
    if match is None:
        raise VendorError(400, f"q cannot be parsed near {text[position : position + 20]!r}")
    return match


def matches(attributes: dict[str, Any], pairs: Sequence[tuple[str, str]]) -> bool:
    """Values are compared as text, with their case. Null matches nothing."""
    return all(_as_text(attributes.get(name)) == value for name, value in pairs)


def _as_text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def sorted_rows(rows: list[dict[str, Any]], sort: str) -> list[dict[str, Any]]:
    """`sort` is a comma list in priority order. A leading minus means descending. Nulls come last."""
    for field in reversed(sort.split(",")):
        name = field.removeprefix("-")
        rows = sorted(rows, key=lambda row, name=name: str(row.get(name)), reverse=field != name)  # type: ignore[misc]
        rows.sort(key=lambda row, name=name: row.get(name) is None)  # type: ignore[misc]
    return rows


def page_of(request: web.Request, rows: Sequence[Row]) -> Sequence[Row]:
    """One page. A `per_page` above 100 is cut to 100, and a page past the end is empty."""
    page, per_page = _positive(request, "page", 1), _positive(request, "per_page", PER_PAGE)
    size = min(per_page, PER_PAGE)
    return rows[(page - 1) * size : page * size]


def _positive(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, str(default))
    if not _NUMBER.fullmatch(text) or int(text) == 0:
        raise VendorError(400, f"{name} must be a positive integer")
    return int(text)
