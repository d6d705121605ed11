"""Rules for texts whose values have a form of their own: addresses, links, hardware addresses, zones, sizes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from proofport.mapping.draft import values as shapes
from proofport.mapping.draft.names import words_of
from proofport.mapping.draft.rules import Proposal
from proofport.mapping.draft.shape import Column, can_be_written, step_text

ADDRESS = {"pattern": r"^([^@\s]+@[^@\s]+)$", "with": r"\1", "unmatched": "omit"}
MAILTO = {"pattern": "^mailto:", "with": "", "unmatched": "keep"}
COLONS = {"pattern": "^(..)(..)(..)(..)(..)(..)$", "with": r"\1:\2:\3:\4:\5:\6", "unmatched": "keep"}
REGION = {"pattern": "^(?:.*/)?([a-z]+(?:-[a-z]+)+-?[0-9]+)(?:-?[a-z])?$", "with": r"\1"}
PROJECT = {"pattern": "^projects/([^/]+)$", "with": r"\1", "unmatched": "keep"}
OS_NAME = {"pattern": r"\s+\d[\w.]*( [A-Z]+)?( \(.*\))?$", "with": "", "unmatched": "keep"}
OS_VERSION = {"pattern": r"^(?:.*\s)?(\d[\w.]*)(?: [A-Z]+)?( \(.*\))?$", "with": r"\1", "unmatched": "omit"}
_UNITS = {"bytes": "bytes", "b": "bytes", "kb": "KB", "kilobytes": "KB", "mb": "MB", "megabytes": "MB", "gb": "GB"}
_API = re.compile(r"https?://(api\.|[^/]+/(.*/)?(api|v\d+)/).*")
_PROJECT = re.compile(r"projects/[^/]+")
_NAMED_SYSTEM = re.compile(r"[A-Za-z].*\s\d[\w.]*( [A-Z]+)?( \(.*\))?")

Maker = Callable[[Column], "Proposal | None"]


def shaped(field: str, column: Column) -> Proposal | None:
    """A rule by the form of the values; None where they have none that is known for the field."""
    if field.endswith("email"):
        return _email(column)
    return _MAKERS[field](column) if field in _MAKERS else None


def _email(column: Column) -> Proposal | None:
    if any(isinstance(value, list) for value in column.given):
        return _of_several(column, shapes.EMAIL)
    found = [value for value in column.given if isinstance(value, str)]
    if shapes.all_match(shapes.EMAIL, found) or not shapes.share(_ADDRESS, found):
        return None
    if all(value.startswith("mailto:") for value in found):
        return Proposal({"path": column.path, "sub": MAILTO})
    return Proposal({"path": column.path, "sub": ADDRESS}, ("values that are no address are left out",))


_ADDRESS = re.compile(rf"(mailto:)?({shapes.EMAIL.pattern})")


def _of_several(column: Column, pattern: re.Pattern[str]) -> Proposal | None:
    """The first of several, and before it the one that is marked as the main one."""
    items = [item for value in column.given if isinstance(value, list) for item in value]
    if items and all(isinstance(item, str) for item in items):
        fits = shapes.share(pattern, items) == 1
        return Proposal(f"{column.path}[0]", ("the first of several",)) if fits else None
    if not items or not all(isinstance(item, dict) for item in items):
        return None
    names = list(dict.fromkeys(name for item in items for name in item if can_be_written([name])))
    matched = {name: shapes.share(pattern, [item[name] for item in items if item.get(name)]) for name in names}
    inner = max(names, key=matched.__getitem__, default=None)
    if inner is None or matched[inner] < 1:
        return None
    first = f"{column.path}[0]{step_text(inner)}"
    mark = next((name for name in names if words_of(name)[-1:] == ["primary"]), None)
    if mark is None or not any(item.get(mark) is True for item in items):
        return Proposal(first, ("the first of several",))
    primary = f"{column.path}[?(@.{mark}==true)]{step_text(inner)}"
    return Proposal({"first_of": [primary, first]}, ("the one that is marked primary, else the first",))


def _mac(column: Column) -> Proposal | None:
    if any(isinstance(value, list) for value in column.given):
        found = _of_several(column, shapes.MAC)
        return found and _with_colons(found, [item for value in column.given for item in value])
    return _with_colons(Proposal(column.path), column.given) if shapes.all_match(shapes.MAC, column.given) else None


def _with_colons(found: Proposal, values: Sequence[Any]) -> Proposal:
    bare = any(isinstance(value, str) and len(value.strip()) == 12 for value in values)
    if not bare or not isinstance(found.rule, str):
        return found
    return Proposal({"path": found.rule, "sub": COLONS}, found.doubts)


def _ip(column: Column) -> Proposal | None:
    several = any(isinstance(value, list) for value in column.given)
    return _of_several(column, shapes.IP) if several else None


def _picture(column: Column) -> Proposal | None:
    several = any(isinstance(value, list) for value in column.given)
    return _of_several(column, shapes.URL) if several else None


def _course(column: Column) -> Proposal | None:
    if not column.scalar or not any(" " in str(value).strip() for value in column.given):
        return None
    return Proposal(column.path, ("a title may change; is there a name or number that does not?",))


def _link(column: Column) -> Proposal | None:
    if not shapes.all_match(shapes.URL, column.given) or not shapes.share(_API, column.given):
        return None
    return Proposal(column.path, ("an address for programs, it seems, and not for people",))


def _region(column: Column) -> Proposal | None:
    given = [value for value in column.given if isinstance(value, str)]
    if not column.scalar or not any(shapes.ZONE.search(value) or "/" in value for value in given):
        return None
    wide = any(not re.search(r"\d", value) for value in given)  # such as `global`: a region of another kind
    rule = {"path": column.path, "sub": {**REGION, "unmatched": "keep" if wide else "omit"}}
    return Proposal(rule, ("the zone without its last letter",))


def _project(column: Column) -> Proposal | None:
    return Proposal({"path": column.path, "sub": PROJECT}) if shapes.all_match(_PROJECT, column.given) else None


def _memory(column: Column) -> Proposal | None:
    """A number with its unit, which the name may say, or the size of the number."""
    if not shapes.number_shape(column.given) or not column.names or set("{}") & set(column.path):
        return None
    named = next((_UNITS[word] for word in words_of(column.names[-1]) if word in _UNITS), None)
    large = any((value if isinstance(value, int) else float(value)) >= 2**26 for value in column.given)
    unit = named or ("bytes" if large else "MB")
    doubts = () if named else (f"the unit: {unit}?",)
    return Proposal({"template": f"{{{column.path}}} {unit}", "when": {"path": column.path, "above": 0}}, doubts)


def _name(column: Column) -> Proposal | None:
    if not column.scalar or not all(isinstance(value, str) for value in column.given):
        return None
    if any(" " in value.strip() for value in column.given):
        return Proposal(column.path, ("text with blanks: the name of an account?",))
    return None


def _code(column: Column) -> Proposal | None:
    """A region is a code; one with blanks is what people call it."""
    blank = column.scalar and any(" " in str(value).strip() for value in column.given)
    return Proposal(column.path, ("text with blanks: is there a code of it?",)) if blank else _region(column)


def _full_name(column: Column) -> Proposal | None:
    if not column.scalar or any(" " in str(value).strip() for value in column.given):
        return None
    return Proposal(column.path, ("one word: the name of a person, or of the account?",))


def _os_version(column: Column) -> Proposal | None:
    if not holds_system(column):
        return None
    return Proposal({"path": column.path, "sub": OS_VERSION}, ("the number at the end",))


def holds_system(column: Column) -> bool:
    """True for texts that have the name of a system and its version: `macOS 15.2`."""
    return column.scalar and shapes.share(_NAMED_SYSTEM, column.given) > 0


_MAKERS: Mapping[str, Maker] = {
    "mac_address": _mac,
    "ip_address": _ip,
    "avatar_url": _picture,
    "url": _link,
    "course": _course,
    "region": _code,
    "username": _name,
    "account_id": _project,
    "memory": _memory,
    "full_name": _full_name,
    "os_version": _os_version,
}
