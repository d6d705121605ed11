"""The list parameters: q (a part of Lucene), sort, page and per_page.

Of Lucene there are `field:value`, quoted values, backslash escapes, wildcards, ranges, parentheses, AND, OR and NOT.
What else it has is answered 400: a filter that is not understood must not look like one that finds nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from aiohttp import web

from proofport.testing import VendorError

PER_PAGE = 100
DEEPEST = 50
"""Parentheses within parentheses."""
MOST_STARS = 4
"""In one value: more would take long to try."""

Row = TypeVar("Row")
Test: TypeAlias = Callable[[dict[str, Any]], bool]

_NUMBER = re.compile(r"[0-9]{1,15}")
_WORD = re.compile(r"(AND|OR|NOT)(?=[\s(])")
_FIELD = re.compile(r"([A-Za-z_][\w.]*):")
_VALUE = re.compile(r'"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<range>[\[{][^\]}]*[\]}])|(?P<bare>(?:[^\s"\\()\[\]{}~^]|\\.)+)')
_RANGE = re.compile(r'(?P<open>[\[{])\s*(?P<low>"[^"]*"|\S+)\s+TO\s+(?P<high>"[^"]*"|\S+?)\s*(?P<close>[\]}])')
_PIECE = re.compile(r"\\(.)|([*?])|([^\\*?]+)", re.DOTALL)


@dataclass(slots=True)
class Query:
    """A filter that was read: the fields that it names, and its test of a row."""

    matches: Test
    fields: list[str]


def parsed_query(text: str) -> Query:
    """Read `q`. Raises VendorError (400) for what is not understood."""
    if not text.strip():
        return Query(lambda row: True, [])
    reading = _Reading(text)
    test = reading.any_of()
    if not reading.is_at_end:
        reading.refuse()
    return Query(test, reading.fields)


@dataclass(slots=True)
class _Reading:
    """Reads a filter from left to right: OR binds least, then AND, then NOT."""

    text: str
    position: int = 0
    depth: int = 0
    fields: list[str] = field(default_factory=list)

    @property
    def is_at_end(self) -> bool:
        return not self.text[self.position :].strip()

    def refuse(self) -> None:
        raise VendorError(400, f"q cannot be parsed near {self.text[self.position : self.position + 20]!r}")

    def any_of(self) -> Test:
        tests = list(self._parts("OR", self._all_of))
        return lambda row: any(test(row) for test in tests)

    def _all_of(self) -> Test:
        tests = list(self._parts("AND", self._one))
        return lambda row: all(test(row) for test in tests)

    def _parts(self, word: str, read: Callable[[], Test]) -> Iterator[Test]:
        yield read()
        while self._takes(word):
            yield read()

    def _one(self) -> Test:
        if self._takes("NOT"):
            test = self._one()
            return lambda row: not test(row)
        if self._found("("):
            self.depth += 1
            if self.depth > DEEPEST:
                self.refuse()
            test = self.any_of()
            if not self._found(")"):
                self.refuse()
            self.depth -= 1
            return test
        return self._term()

    def _term(self) -> Test:
        name, value = self._match(_FIELD)[1], self._match(_VALUE)
        self.fields.append(name)
        if value["range"] is not None:
            return _range(name, value["range"])
        if value["quoted"] is not None:
            wanted = re.sub(r"\\(.)", r"\1", value["quoted"])
            return lambda row: _as_text(row.get(name)) == wanted
        pattern = re.compile(_pattern(value["bare"]), re.DOTALL)
        return lambda row: (text := _as_text(row.get(name))) is not None and pattern.fullmatch(text) is not None

    def _takes(self, word: str) -> bool:
        self._skip_blanks()
        found = _WORD.match(self.text, self.position)
        if found is None or found[1] != word:
            return False
        self.position = found.end()
        return True

    def _found(self, sign: str) -> bool:
        self._skip_blanks()
        if not self.text.startswith(sign, self.position):
            return False
        self.position += 1
        return True

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str]:
        self._skip_blanks()
        found = pattern.match(self.text, self.position)
        if found is None:
            self.refuse()
        assert found is not None
        self.position = found.end()
        return found

    def _skip_blanks(self) -> None:
        while self.position < len(self.text) and self.text[self.position].isspace():
            self.position += 1


def _pattern(bare: str) -> str:
    """A regular expression for a value with `*` and `?`; after a backslash they stand for themselves."""
    signs, pieces = {"*": ".*", "?": "."}, _PIECE.findall(bare)
    if sum(sign == "*" for _, sign, _ in pieces) > MOST_STARS:
        raise VendorError(400, f"q has a value with more than {MOST_STARS} wildcards")
    return "".join(signs[sign] if sign else re.escape(escaped or plain) for escaped, sign, plain in pieces)


def _range(name: str, text: str) -> Test:
    """Values are compared as text, as are the times and names that the lists hold. `*` is no bound."""
    found = _RANGE.fullmatch(text)
    if found is None:
        raise VendorError(400, f"q cannot be parsed near {text[:20]!r}")
    low, high = found["low"].strip('"'), found["high"].strip('"')

    def test(row: dict[str, Any]) -> bool:
        value = _as_text(row.get(name))
        if value is None:
            return False
        above = low == "*" or value > low or (value == low and found["open"] == "[")
        return above and (high == "*" or value < high or (value == high and found["close"] == "]"))

    return test


def _as_text(value: Any) -> str | None:
    """Values are compared as text, with their case. Null matches nothing."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def sorted_rows(rows: list[dict[str, Any]], sort: str) -> list[dict[str, Any]]:
    """`sort` is a comma list in priority order. A leading minus means descending. Nulls come last."""
    for each in reversed(sort.split(",")):
        name = each.removeprefix("-")
        rows = sorted(rows, key=lambda row, name=name: str(row.get(name)), reverse=each != name)  # type: ignore[misc]
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
