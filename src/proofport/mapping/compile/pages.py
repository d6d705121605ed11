"""Reads of a raw document which page of a list it is: if more follow, and how many records the list has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from proofport.mapping.compile.code import Code
from proofport.mapping.compile.reading import Scope
from proofport.mapping.language.nodes import MappingFile, When, conditions_of
from proofport.mapping.language.paths import Path, parse
from proofport.sources.pages import Pages
from proofport.sources.reader import Malformed
from proofport.text.wording import describe

SCIM_LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
"""A document with this schema says that it is a page of a list (RFC 7644), and where it states the total."""

SCIM_TOTAL = parse("$.totalResults")
UNREADABLE = "it cannot be read, so more may follow"
LONGEST = 15
"""Digits of a total. More are a mistake."""


class PageReader:
    """Reads `incomplete_when` and `total` of a source mapping from its documents."""

    def __init__(self, file: MappingFile) -> None:
        self._more = _finder(file.incomplete_when) if file.incomplete_when is not None else None
        self._more_at = file.incomplete_when.text if file.incomplete_when is not None else ""
        self._total = (file.total, _finder(file.total)) if file.total is not None else None
        self._empty = _tester(file.empty_when) if file.empty_when is not None else _never
        #: True if a document may hold any number of records, so also none.
        self._lists = any(not place.singular for place in file.records)
        #: True if it may also be one record itself. `{}` is then a record.
        self._may_be_record = any(not place.steps for place in file.records)

    @property
    def needed(self) -> bool:
        """False if the mapping asks no document for more than its records."""
        return self._more is not None or self._total is not None

    def page(self, document: object, source: str, place: str, records: int) -> Pages:
        """A document, which may be Malformed, as a page with this number of records."""
        if isinstance(document, Malformed):
            return Pages(source, place, records, more=UNREADABLE if self.needed else None)
        more = None
        if self._more is not None and any(not _is_end(value) for value in self._more(document)):
            more = f"{self._more_at} says that more follow"
        values, at = self._stated(document)
        if not values:
            return Pages(source, place, records, more=more)
        totals = set(map(_number, values))
        if len(totals) == 1 and (total := totals.pop()) is not None:
            return Pages(source, place, records, more=more, total=total, stated_by=place, stated_in=at)
        more = more or f"{at} is {' and '.join(map(describe, values))}, which is no number of records"
        return Pages(source, place, records, more=more)

    def is_empty(self, document: object) -> bool:
        """True for a document without a place for records that is a page without records all the same."""
        if not self._lists or not isinstance(document, dict | list):
            return False
        if self._empty(document) or self._stated(document)[0]:
            return True
        return not (document or self._may_be_record)

    def _stated(self, document: object) -> tuple[list[Any], str]:
        """The values where a document states the total, and that place."""
        path, find = self._total or (SCIM_TOTAL, _scim_total if self._lists else _nothing)
        return [value for value in find(document) if value is not None], path.text


def _finder(path: Path) -> Callable[[Any], list[Any]]:
    """A function from a document to all that a path selects."""
    code = Code()
    code.line("found = []")
    Scope(code, "d", [path]).many(path, path.text, lambda value, _: code.line(f"found.append({value})"))
    code.line("return found")
    return code.function("all_of(d)", f"path {path.text}")


def _tester(condition: When) -> Callable[[Any], bool]:
    """A function from a document to whether a condition on it holds."""
    code = Code()
    scope = Scope(code, "d", [each.path for each in conditions_of(condition)])
    code.line(f"return {scope.holds(condition, 'empty_when')}")
    return code.function("holds(d)", "a condition on documents")


def _is_end(token: object) -> bool:
    """True for what stands in place of a token on a last page."""
    return token is None or token is False or token == ""


def _number(value: object) -> int | None:
    if isinstance(value, str) and len(value) < LONGEST and value.isascii() and value.isdigit():
        value = int(value)
    return value if type(value) is int and 0 <= value < 10**LONGEST else None


def _scim_total(document: Any) -> list[Any]:
    schemas = document.get("schemas") if isinstance(document, dict) else None
    is_list = isinstance(schemas, list) and SCIM_LIST in schemas
    return [document["totalResults"]] if is_list and "totalResults" in document else []


def _nothing(document: Any) -> list[Any]:
    return []


def _never(document: Any) -> bool:
    return False
