"""Functions that the generated code calls: conversions, and rare cases for which it is not worth generating code."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import ge, gt, le, lt
from typing import Any, Final, NoReturn

from jsonpath_ng import Slice, Wildcard
from jsonpath_ng.ext.filter import Filter

from proofport.accounting import LeftOut
from proofport.errors import Rejected
from proofport.mapping.language.bounded import Unfit
from proofport.mapping.language.nodes import Conversion, Lookup, Skip
from proofport.mapping.language.opening import Entries, Rows, Several
from proofport.mapping.language.paths import Path, tree_of
from proofport.mapping.language.values import json_key
from proofport.text.wording import MISSING_FIELD, describe, listing, nearest, reject


class Missing:
    """The value of a rule that found nothing. It is neither null nor false: the source did not say."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()


SKIP = "skip"
"""Stands for the field in problems with a rule of `skip:`."""


# ------------------------------------------------------------------ leaving out
def leave_out(skip: Skip) -> NoReturn:
    raise LeftOut(skip.reason)


def undecided(skip: Skip) -> NoReturn:
    """Raise Rejected for a record that lacks what decides if it is left out."""
    paths, at = listing(list(dict.fromkeys(path.text for path in skip.needs))), skip.rule.at
    raise reject(
        SKIP,
        f"nothing at {paths}",
        f"a value, which decides if the record is left out ({skip.reason})",
        f"{at.file}:{at.line} reads it. If records may lack it, say `missing: keep` or `missing: skip` there.",
    )


# ------------------------------------------------------------------ paths
def descend(value: Any) -> Iterator[Any]:
    """The value and all that it holds, depth first, in document order: what `..` reaches."""
    stack = [] if value is MISSING else [value]
    while stack:
        value = stack.pop()
        yield value
        if isinstance(value, list):
            stack.extend(reversed(value))
        elif isinstance(value, dict):
            stack.extend(reversed(value.values()))


def find(path: Path, record: Any, field: str) -> list[Any]:
    """The matches of a path that is not compiled, found by jsonpath-ng. Some of its nodes break on unfit data."""
    try:
        return [match.value for match in path.tree.find(record)]
    except Exception as error:
        raise _broken(field, path.text, error) from error


def transform(step: Any, value: Any, field: str | None, path: str) -> Any:
    """The result of a step that makes one value of one value."""
    if value is MISSING:
        return MISSING
    try:
        found = step.find(value)
    except Exception as error:
        raise _broken(field, path, error) from error
    return found[0].value if found else MISSING


def items_of(step: Several, value: Any, field: str | None, path: str) -> list[Any] | None:
    """The items of the list that a step makes of a value; None for null and for nothing."""
    if value is MISSING:
        return None
    try:
        return step.items(value)
    except Unfit as error:
        raise _broken(field, path, error) from error


def _broken(field: str | None, path: str, error: Exception) -> Rejected:
    if isinstance(error, Unfit):
        return reject(field, error.found, error.expected, error.hint)
    if isinstance(error, TimeoutError):
        expected = "text that it can be matched with at once"
        return reject(field, f"text over which {path} takes too long", expected, cause=error)
    return reject(field, f"data that breaks {path}", "data that the path fits", cause=error)


def met_empty_array(path: Path, record: Any) -> bool:
    """True if a wildcard, slice or filter of the path came upon an empty array, or `entries` upon an empty object."""
    return any(
        any(_is_empty(step, match.value) for match in tree_of(path.steps[:index]).find(record))
        for index, step in enumerate(path.steps)
        if type(step) in (Wildcard, Slice, Filter, Entries, Rows)
    )


def _is_empty(step: Any, value: Any) -> bool:
    return bool((step.items(value) if isinstance(step, Several) else value) == [])


def twice(field: str, path: str) -> NoReturn:
    hint = "Add a filter that leaves one, or `all: true` for a list."
    raise reject(field, f"several matches of {path}", "at most one match", hint)


def absent(field: str, origin: str) -> NoReturn:
    raise reject(field, MISSING_FIELD, f"a value{origin}: the mapping requires it")


# ------------------------------------------------------------------ text
def text(value: Any, field: str) -> str:
    """A scalar as text, the way JSON spells it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, int | float):
        raise reject(field, describe(value), "text, a number, true or false", _list_hint(value))
    try:
        return json.dumps(value)
    except ValueError:
        raise reject(field, "an integer of many digits", "an integer of fewer digits") from None


def _list_hint(value: object) -> str | None:
    return "Select the items with [*]." if isinstance(value, list) else None


def render(parts: Sequence[Any], field: str) -> Any:
    """A template's parts joined; missing if one is missing or null."""
    if any(part is MISSING or part is None for part in parts):
        return MISSING
    return "".join([text(part, field) for part in parts])


def join(separator: str, values: Sequence[Any], field: str) -> str:
    return separator.join([text(value, field) for value in values if value is not None])


# ------------------------------------------------------------------ tables and conditions
def look_up(table: Lookup, value: Any, field: str) -> Any:
    """Look up a value that is neither missing nor null."""
    if isinstance(value, list | dict):
        raise reject(field, describe(value), f"a single value, which {table.name} can hold", _list_hint(value))
    found = table.entries.get(table.key(value), MISSING)
    if found is not MISSING:
        return found
    match table.unknown.action:
        case "omit":
            return MISSING
        case "keep":
            return value
        case "value":
            return table.unknown.value
        case _:
            known = [str(key if isinstance(key, str) else key[1]) for key in table.entries]  # type: ignore[index]
            expected = f"a value of {table.name}: {listing(known)}"
            raise reject(field, describe(value), expected, _table_hint(table, value))


def _table_hint(table: Lookup, value: Any) -> str | None:
    """A hint if the value is near a key, or near what a key becomes."""
    meant: dict[str, str] = {}
    for key, becomes in table.entries.items():
        if isinstance(key, str):
            meant.setdefault(key, f"{key!r}")
            if isinstance(becomes, str) and becomes != key:
                meant[key] = f"{key!r}, which becomes {becomes!r}"
                meant.setdefault(becomes, meant[key])
    near = nearest(value, meant) if isinstance(value, str) else None
    return f"Did you mean {meant[near]}?" if near is not None else None


def is_one_of(value: Any, keys: frozenset[object]) -> bool:
    """True if a value equals one of several scalars, as JSON counts."""
    return not isinstance(value, list | dict | Missing) and json_key(value) in keys


def trimmed(value: Any) -> Any:
    """A text without blanks around it; any other value as it is."""
    return value.strip() if isinstance(value, str) else value


def folded(value: Any) -> Any:
    """A text in the form in which case does not count; any other value as it is."""
    return value.casefold() if isinstance(value, str) else value


def compares(value: Any, test: str, bound: float) -> bool:
    """True if a value is a number, or text of one, and stands so to the bound."""
    number = _number_of(value)
    return number is not None and bool(_COMPARISONS[test](number, bound))


_COMPARISONS = {"above": gt, "below": lt, "at_least": ge, "at_most": le}


# ------------------------------------------------------------------ `as:`
_INTEGER = re.compile(r"[-+]?[0-9]{1,4000}")
_NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_BOOLEANS = {"true": True, "false": False}


def as_int(value: Any, field: str) -> int:
    if type(value) is int:
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    raise reject(field, describe(value), "an integer, or text of one")


def as_number(value: Any, field: str) -> int | float:
    number = _number_of(value)
    if number is None:
        raise reject(field, describe(value), "a number, or text of one")
    return number


def _number_of(value: Any) -> int | float | None:
    if type(value) is int or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, str):
        if _INTEGER.fullmatch(value):
            return int(value)
        if _NUMBER.fullmatch(value) and math.isfinite(float(value)):
            return float(value)
    return None


def as_bool(value: Any, field: str) -> bool:
    if isinstance(value, bool):
        return value
    found = _BOOLEANS.get(value.lower()) if isinstance(value, str) else None
    if found is None:
        hint = "Say what counts: {as: bool, true: [...], false: [...], unknown: ...}."
        raise reject(field, describe(value), "true or false", hint)
    return found


CONVERSIONS: Mapping[Conversion, Callable[[Any, str], Any]] = {
    "int": as_int,
    "number": as_number,
    "bool": as_bool,
    "string": text,
}
"""Those beside `date` and `datetime`, which are in `times`."""
