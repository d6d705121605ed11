"""A rule for one field from one column, by the field's type and the column's values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from proofport.mapping.draft import lists, words
from proofport.mapping.draft import values as shapes
from proofport.mapping.draft.moments import how_written
from proofport.mapping.draft.rules import Proposal, Type
from proofport.mapping.draft.shape import Column, RuleText
from proofport.mapping.draft.shaped import shaped

SHAPES: dict[str, re.Pattern[str]] = {
    "mac_address": shapes.MAC,
    "ip_address": shapes.IP,
    "uuid": shapes.UUID,
}


ZERO = (0, "0")


def propose(field: str, made: Type, column: Column) -> Proposal | None:
    """A rule that makes the field of the column; None if the values do not fit."""
    if not column.given:
        return None
    found = _MAKERS[made](field, column)
    return replace(found, paths=(column.path,)) if found is not None else None


def without_values(made: Type, column: Column) -> Proposal | None:
    """A rule for a column that is null in each record."""
    rules: dict[Type, RuleText] = {
        "text": column.path,
        "bool": column.path,
        "time": {"path": column.path, "as": "datetime"},
        "number": {"path": column.path, "as": "number"},
    }
    return Proposal(rules[made], ("the sample has no value here",), (column.path,)) if made in rules else None


def _short(rule: dict[str, Any]) -> RuleText:
    """A rule of nothing but a path is the path."""
    path: str = rule["path"]
    return rule if len(rule) > 1 else path


def _text(field: str, column: Column) -> Proposal | None:
    if found := shaped(field, column):
        return found
    if not column.scalar or any(isinstance(value, bool) for value in column.given):
        return None
    rule: dict[str, Any] = {"path": column.path, **words.trimmed(column)}
    if not all(isinstance(value, str) for value in column.given):
        rule["as"] = "string"
    pattern = _pattern(field)
    matched = shapes.share(pattern, column.given) if pattern else 1.0
    if matched < 0.5 or (pattern is None and shapes.all_match(shapes.URL, column.given)):
        return None
    if field == "name" and shapes.all_match(shapes.RESOURCE, column.given):
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


def _time(field: str, column: Column) -> Proposal | None:
    times = [value for value in column.given if value not in ZERO]
    found = how_written(times)
    if found is None:
        return None
    rule, doubts = {"path": column.path, **found[0]}, found[1]
    if len(times) < len(column.given):
        rule["when"] = {"path": column.path, "in": list(ZERO), "not": True}
        doubts.append("zero is taken for no time")
    for begin in shapes.EPOCHS:
        if any(isinstance(value, str) and value.strip().startswith(begin) for value in times):
            doubts.append(f"{begin} may stand for no time: if so, put it into `nothing:`")
    return Proposal(rule, tuple(doubts))


def _number(field: str, column: Column) -> Proposal | None:
    bare = [value.rstrip("% ") if isinstance(value, str) else value for value in column.given]
    if not shapes.number_shape(bare):
        return None
    percent = {} if bare == column.given else {"sub": {"pattern": " *%$", "with": "", "unmatched": "keep"}}
    return Proposal({"path": column.path, **percent, "as": "number"})


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
