"""Rules for lists: texts, words, and objects item by item."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from proofport.mapping.draft import values as shapes
from proofport.mapping.draft.names import fit, words_of
from proofport.mapping.draft.rules import Proposal
from proofport.mapping.draft.shape import ABSENT, Column, RuleText, path_text
from proofport.mapping.draft.synonyms import PARTS
from proofport.mapping.draft.words import chosen, distinct

NAMED = ("name", "displayName", "display", "value", "title")
"""Where an item of a list has its name."""


def texts(field: str, column: Column) -> Proposal | None:
    """A list of texts, also from one text with marks between its parts, or from objects with names."""
    if all(isinstance(value, str) for value in column.given):
        mark, *others = shapes.separators(column.given) or [";"]
        doubts: tuple[str, ...] = ()
        if others:
            doubts = (f"split at {mark!r}; some values have {' and '.join(map(repr, others))}",)
        elif not shapes.separators(column.given):
            doubts = (f"one text; if there are several, is {mark!r} between them?",)
        return Proposal({"path": column.path, "split": mark}, doubts)
    items = _items(column)
    if items and all(isinstance(item, str) for item in items):
        return Proposal({"path": f"{column.path}[*]", "all": True})
    if not items or not all(isinstance(item, dict) for item in items):
        return None
    inner = [name for name in NAMED if any(_has_text(item, name) for item in items)]
    whole = [name for name in inner if all(_has_text(item, name) for item in items)]
    if whole:
        return Proposal({"path": f"{column.path}[*].{whole[0]}", "all": True}, (f"`{whole[0]}` of each item",))
    if not all(any(_has_text(item, name) for name in inner) for item in items):
        return None
    each = {"first_of": [f"$.{name}" for name in inner]}
    return Proposal({"path": f"{column.path}[*]", "each": each}, (f"{' or '.join(inner)} of each item",))


def _items(column: Column) -> list[Any]:
    return [item for value in column.given if isinstance(value, list) for item in value]


def _has_text(item: Any, name: str) -> bool:
    return isinstance(item.get(name), str) and not shapes.stands_for_nothing(item[name])


def choices(field: str, column: Column) -> Proposal | None:
    """A list of words of evidence."""
    if all(isinstance(value, str) for value in column.given):
        mark = next(iter(shapes.separators(column.given)), ";")
        words = distinct([part for value in column.given for part in value.split(mark) if part.strip()])
        return chosen(field, {"path": column.path, "split": mark}, words)
    items = _items(column)
    if not items or not all(isinstance(item, str) for item in items):
        return None
    found = chosen(field, {"path": "$"}, distinct(items))
    return Proposal({"path": f"{column.path}[*]", "each": found.rule}, found.doubts) if found is not None else None


def parts(field: str, column: Column) -> Proposal | None:
    """A list of objects, item by item, by the names inside. Tags may be the members of an object, too."""
    if field == "tags" and all(isinstance(value, dict) for value in column.given):
        return _of_members(column)
    items = _items(column)
    known = PARTS.get(field, {})
    if field == "tags" and items and all(isinstance(item, str) for item in items):
        return Proposal(
            {"path": f"{column.path}[*]", "each": {"fields": {"key": "$"}}}, ("each text is the key of a tag",)
        )
    if not items or not known or not all(isinstance(item, dict) for item in items):
        return None
    inner: dict[str, str] = {}
    for name, names in known.items():
        fitting = {key: fit([key], names, set(words_of(field))) for item in items for key in item}
        best = max(fitting, key=fitting.__getitem__, default=None)
        if best is not None and fitting[best] > 0:
            inner[name] = best
    first = next(iter(known))
    if first not in inner or not _all_text(items, inner[first], required=True):
        return None
    kept = {name: key for name, key in inner.items() if name == first or _fits(field, name, items, key)}
    rule: dict[str, Any] = {"fields": {name: path_text([key]) for name, key in kept.items()}}
    if field == "applications":
        if "version" not in kept:
            return None
        if not _all_text(items, kept["version"], required=True):
            rule["fields"]["version"] = {
                "path": path_text([kept["version"]]),
                "if_null": "unknown",
                "default": "unknown",
            }
    doubts = ("the names inside of the items",) if field != "tags" else ()
    return Proposal(
        {"path": f"{column.path}[*]", "each": rule},
        doubts + _empty(item.get(inner.get("value", "")) for item in items) if field == "tags" else doubts,
    )


def _empty(values: Iterable[Any]) -> tuple[str, ...]:
    return ("a tag with an empty value has none",) if "" in list(values) else ()


def _of_members(column: Column) -> Proposal | None:
    found = [each for value in column.given for each in value.values()]
    if any(isinstance(each, dict | list) for each in found):
        return None
    text = all(isinstance(each, str | None) for each in found)
    value: RuleText = "$.value" if text else {"path": "$.value", "as": "string"}
    each = {"fields": {"key": "$.key", "value": value}}
    return Proposal(
        {"path": column.path, "entries": True, "each": each},
        ("each member of the object becomes a tag", *_empty(found)),
    )


def _fits(field: str, name: str, items: Sequence[Any], key: str) -> bool:
    if name == "encrypted":
        return all(isinstance(item.get(key), bool | None) for item in items)
    return _all_text(items, key, required=False)


def _all_text(items: Sequence[Any], key: str, *, required: bool) -> bool:
    given = [ABSENT if shapes.stands_for_nothing(item.get(key, ABSENT)) else item.get(key, ABSENT) for item in items]
    return all(isinstance(value, str) or (not required and (value is ABSENT or value is None)) for value in given)
