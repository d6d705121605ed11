"""A rule for one field from one column, by the field's type and the column's values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, get_args, get_origin

from pydantic import BaseModel

from proofport.evidence import Evidence
from proofport.mapping.draft import values as shapes
from proofport.mapping.draft.names import fit, words_of
from proofport.mapping.draft.shape import ABSENT, Column, path_text
from proofport.mapping.draft.synonyms import PARTS

RuleText: TypeAlias = "str | dict[str, Any]"
"""A rule as it stands in YAML."""
Type: TypeAlias = Literal["text", "time", "bool", "int", "number", "choice", "texts", "choices", "parts"]

SHAPES: dict[str, re.Pattern[str]] = {
    "mac_address": shapes.MAC,
    "ip_address": shapes.IP,
    "uuid": shapes.UUID,
}


@dataclass(frozen=True, slots=True)
class Proposal:
    """A rule for a field. `doubts`: what a person has to check. `paths`: the columns that it reads."""

    rule: RuleText
    doubts: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()

    def doubted(self, *doubts: str) -> Proposal:
        return replace(self, doubts=(*self.doubts, *doubts))


def type_of(model: type[Evidence], field: str) -> Type:
    """What a field of evidence takes."""
    made = _plain(model.model_fields[field].annotation)
    if get_origin(made) is list:
        item = _plain(get_args(made)[0])
        if isinstance(item, type) and issubclass(item, BaseModel):
            return "parts"
        return "choices" if get_origin(item) is Literal else "texts"
    if get_origin(made) is Literal:
        return "choice"
    return {"datetime": "time", "bool": "bool", "int": "int", "float": "number"}.get(made.__name__, "text")  # type: ignore[return-value]


def _plain(annotation: Any) -> Any:
    """An annotation without null and without what pydantic is told beside it."""
    given = [each for each in get_args(annotation) if each is not type(None)]
    if get_origin(annotation) not in (list, Literal) and len(given) < len(get_args(annotation)):
        annotation = given[0]
    return get_args(annotation)[0] if hasattr(annotation, "__metadata__") else annotation


def propose(field: str, made: Type, column: Column) -> Proposal | None:
    """A rule that makes the field of the column; None if the values do not fit."""
    if not column.given:
        return None
    found = _MAKERS[made](field, column)
    return replace(found, paths=(column.path,)) if found is not None else None


def unless_empty(rule: dict[str, Any], column: Column) -> RuleText:
    """A rule of a path that leaves `""` out, where the column has it."""
    if "" in column.given:
        return {**rule, "when": {"path": rule["path"], "is": "", "not": True}}
    return rule["path"] if len(rule) == 1 else rule


# ------------------------------------------------------------------ one value
def _text(field: str, column: Column) -> Proposal | None:
    if any(isinstance(value, list) for value in column.given):
        return _first_text(field, column)
    if not column.scalar or any(isinstance(value, bool) for value in column.given):
        return None
    said = [value for value in column.given if value != ""]
    rule: dict[str, Any] = {"path": column.path}
    if not all(isinstance(value, str) for value in column.given):
        rule["as"] = "string"
    pattern = _pattern(field)
    matched = shapes.share(pattern, said) if pattern else 1.0
    if not said or matched == 0:
        return None
    found = Proposal(unless_empty(rule, column))
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
    said = [value for value in column.given if value != ""]
    found = {shapes.time_shape(value) for value in said}
    if not said or "" in found:
        return None
    if found == {"zoned"}:
        return Proposal(unless_empty({"path": column.path, "as": "datetime"}, column))
    return None


def _number(field: str, column: Column) -> Proposal | None:
    said = [value for value in column.given if value != ""]
    if not shapes.number_shape(said):
        return None
    return Proposal(unless_empty({"path": column.path, "as": "number"}, column))


def _int(field: str, column: Column) -> Proposal | None:
    said = [value for value in column.given if value != ""]
    if not shapes.number_shape(said) or any(float(value) % 1 for value in said):
        return None
    return Proposal(unless_empty({"path": column.path, "as": "int"}, column))


def _bool(field: str, column: Column) -> Proposal | None:
    """Words that surely mean yes or no; all others are left out, and never made false."""
    if not column.scalar:
        return None
    opposite = shapes.is_opposite(field, column.names)
    if all(isinstance(value, bool) for value in column.given) and not opposite:
        return Proposal(column.path)
    known = {value: shapes.truth(field, column.names, value) for value in _distinct(column)}
    yes, no = ([value for value, meant in known.items() if meant is truth] for truth in (True, False))
    if not yes and not no:
        return None
    for value, meant in list(known.items()):
        other = _counterpart(value)
        if other is not None and shapes.truth(field, column.names, other) is (not meant) and other not in yes + no:
            (no if meant else yes).append(other)
    rule = {"path": column.path, "as": "bool", "true": yes, "false": no, "unknown": "omit"}
    doubts = ["the words that mean true and false; any other is left out"]
    if opposite:
        doubts = [f"`{column.names[-1]}` says the opposite"]
    unsure = [str(value) for value, meant in known.items() if meant is None and value != ""]
    if unsure:
        doubts.append(f"left out, because nobody knows what they mean: {_shown(unsure)}")
    return Proposal(rule, tuple(doubts))


def _counterpart(value: Any) -> Any:
    """The word that stands beside another: `No` beside `Yes`."""
    if isinstance(value, bool):
        return not value
    if value in (0, 1):
        return 1 - value
    word = str(value)
    other = shapes.COUNTERPART.get(word.strip().lower())
    if other is None:
        return None
    return other.upper() if word.isupper() and len(word) > 1 else other.title() if word.istitle() else other


def _distinct(column: Column) -> list[Any]:
    """The different values, in their order."""
    return list(dict.fromkeys(value for value in column.given if isinstance(value, str | int | float)))


def _shown(words: Sequence[str]) -> str:
    """A few words. More than a few are no enumeration, and may be somebody's own."""
    return ", ".join(words) if len(words) <= 8 else f"{len(words)} different values"


def _choice(field: str, column: Column) -> Proposal | None:
    if not column.scalar or not (table := _table(field, _distinct(column))):
        return None
    unsure = [str(value) for value in _distinct(column) if value not in table and value != ""]
    doubts = (f"left out, because there is no word for them: {_shown(unsure)}",) if unsure else ()
    if not unsure and all(made == value for value, made in table.items()):
        return Proposal(column.path)
    return Proposal(
        {"path": column.path, "table": table, "unknown": "omit"}, ("the table; add what is missing", *doubts)
    )


def _table(field: str, given: Sequence[Any]) -> dict[Any, str]:
    found = {value: shapes.choice(field, value) for value in given if isinstance(value, str)}
    return {value: made for value, made in found.items() if made is not None}


# ------------------------------------------------------------------ several
def _texts(field: str, column: Column) -> Proposal | None:
    if column.scalar and all(isinstance(value, str) for value in column.given):
        mark, *others = shapes.separators(column.given) or [";"]
        doubts = (f"split at {mark!r}; some values have {' and '.join(map(repr, others))}",) if others else ()
        return Proposal(split_text(column.path, mark, "*"), doubts)
    items = [item for value in column.given if isinstance(value, list) for item in value]
    if items and all(isinstance(item, str) for item in items):
        return Proposal({"path": f"{column.path}[*]", "all": True})
    inner = next((name for name in ("name", "displayName", "display", "value", "title") if _in_all(items, name)), None)
    if inner is None:
        return None
    return Proposal({"path": f"{column.path}[*].{inner}", "all": True}, (f"`{inner}` of each item",))


def _in_all(items: Sequence[Any], name: str) -> bool:
    return bool(items) and all(isinstance(item, dict) and isinstance(item.get(name), str) for item in items)


def split_text(path: str, mark: str, index: int | str) -> str:
    """A part of a text, or all of its parts (`*`), as a path."""
    return f"{path}.`split({mark}, {index}, -1)`"


def _choices(field: str, column: Column) -> Proposal | None:
    found = _texts(field, column)
    if found is None:
        return None
    words = [word for value in column.given for word in (value if isinstance(value, list) else _parts(value, column))]
    return found if all(shapes.choice(field, word) == word for word in words) else None


def _parts(text: str, column: Column) -> list[str]:
    return text.split(shapes.separator(column.given))


def _of_parts(field: str, column: Column) -> Proposal | None:
    """A list of objects, item by item, by the names inside."""
    items = [item for value in column.given if isinstance(value, list) for item in value]
    known = PARTS.get(field, {})
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
            rule["when"] = {"path": path_text([kept["version"]]), "present": True}
    return Proposal(
        {"path": f"{column.path}[*]", "each": rule}, () if field == "tags" else ("the names inside of the items",)
    )


def _fits(field: str, name: str, items: Sequence[Any], key: str) -> bool:
    if name == "encrypted":
        return all(isinstance(item.get(key), bool | None) for item in items)
    return _all_text(items, key, required=False)


def _all_text(items: Sequence[Any], key: str, *, required: bool) -> bool:
    given = [item.get(key, ABSENT) for item in items]
    return all(isinstance(value, str) or (not required and (value is ABSENT or value is None)) for value in given)


_MAKERS = {
    "text": _text,
    "time": _time,
    "int": _int,
    "number": _number,
    "bool": _bool,
    "choice": _choice,
    "texts": _texts,
    "choices": _choices,
    "parts": _of_parts,
}
