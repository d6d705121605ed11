"""A rule for one field from one column, by the field's type and the column's values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from proofport.mapping.draft import lists, words
from proofport.mapping.draft import values as shapes
from proofport.mapping.draft.moments import how_written
from proofport.mapping.draft.rules import Proposal, Type
from proofport.mapping.draft.shape import Column, RuleText

SHAPES: dict[str, re.Pattern[str]] = {
    "mac_address": shapes.MAC,
    "ip_address": shapes.IP,
    "uuid": shapes.UUID,
}


def propose(field: str, made: Type, column: Column) -> Proposal | None:
    """A rule that makes the field of the column; None if the values do not fit."""
    if not column.given:
        return None
    found = _MAKERS[made](field, column)
    return replace(found, paths=(column.path,)) if found is not None else None


def _short(rule: dict[str, Any]) -> RuleText:
    """A rule of nothing but a path is the path."""
    path: str = rule["path"]
    return rule if len(rule) > 1 else path


def _text(field: str, column: Column) -> Proposal | None:
    if any(isinstance(value, list) for value in column.given):
        return _first_text(field, column)
    if not column.scalar or any(isinstance(value, bool) for value in column.given):
        return None
    rule: dict[str, Any] = {"path": column.path, **words.trimmed(column)}
    if not all(isinstance(value, str) for value in column.given):
        rule["as"] = "string"
    pattern = _pattern(field)
    matched = shapes.share(pattern, column.given) if pattern else 1.0
    if matched == 0 or (pattern is None and shapes.all_match(shapes.URL, column.given)):
        return None
    found = Proposal(_short(rule))
    return found if matched == 1 else found.doubted(f"{_some(column, matched)} do not look like {_called(field)}")


def _pattern(field: str) -> re.Pattern[str] | None:
    if field.endswith("email"):
        return shapes.EMAIL
    return shapes.URL if field.endswith("url") else SHAPES.get(field)


def _called(field: str) -> str:
    return {"email": "an e-mail address", "url": "a link"}.get(field.rpartition("_")[2], f"a {field.replace('_', ' ')}")


def _some(column: Column, matched: float) -> str:
    return f"{round((1 - matched) * len(column.given)) or 1} of {len(column.given)} values"


def _first_text(field: str, column: Column) -> Proposal | None:
    """The main one of several: of objects the one marked `primary`, else the first."""
    items = [item for value in column.given if isinstance(value, list) for item in value]
    if items and all(isinstance(item, str) for item in items):
        return _checked(field, f"{column.path}[0]", items, "the first of several")
    if not items or not all(isinstance(item, dict) for item in items):
        return None
    inner = next((name for name in ("value", "address", "email") if name in items[0]), None)
    if inner is None:
        return None
    texts = [item.get(inner) for item in items]
    if any(item.get("primary") is True for item in items):
        return _checked(field, f"{column.path}[?(@.primary==true)].{inner}", texts, "the one that is marked primary")
    return _checked(field, f"{column.path}[0].{inner}", texts, "the first of several")


def _checked(field: str, path: str, texts: Sequence[Any], doubt: str) -> Proposal | None:
    pattern = _pattern(field)
    fits = pattern is not None and not field.endswith("url") and shapes.share(pattern, texts) > 0
    return Proposal(path, (doubt,)) if fits else None


def _time(field: str, column: Column) -> Proposal | None:
    found = how_written(column.given)
    return Proposal({"path": column.path, **found[0]}, tuple(found[1])) if found is not None else None


def _number(field: str, column: Column) -> Proposal | None:
    return Proposal({"path": column.path, "as": "number"}) if shapes.number_shape(column.given) else None


def _int(field: str, column: Column) -> Proposal | None:
    if not shapes.number_shape(column.given) or any(float(value) % 1 for value in column.given):
        return None
    return Proposal({"path": column.path, "as": "int"})


_MAKERS: Mapping[Type, Callable[[str, Column], Proposal | None]] = {
    "text": _text,
    "time": _time,
    "int": _int,
    "number": _number,
    "bool": words.boolean,
    "choice": words.choice,
    "texts": lists.texts,
    "choices": lists.choices,
    "parts": lists.parts,
}
