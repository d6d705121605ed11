"""Where a sample has its records, and which columns these have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, TypeAlias

from proofport.mapping.draft.values import stands_for_nothing
from proofport.mapping.language.paths import PathError, parse

RuleText: TypeAlias = "str | dict[str, Any]"
"""A rule, or a place for records, as it stands in YAML."""
ABSENT: Final = object()
"""Stands in a column where a record has no such field."""

DEEPEST, MOST_RECORDS, MOST_COLUMNS = 4, 500, 400
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = ("parent", "where", "wherenot")
_MEMBERS = re.compile(r"(?i)(user)?(tags|labels|annotations|taglist|tagset)")


class Step(NamedTuple):
    """A name on the way to the records; without one, the document itself. Below it is an array, an object, or one whose
    members are the records: `keyed`."""

    name: str
    listed: bool = False
    keyed: bool = False


Place: TypeAlias = tuple[Step, ...]


class Held(NamedTuple):
    """A record, the elements around it (the document first), and its key where it is a member of an object."""

    holders: tuple[Any, ...]
    record: Any
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """The values that the records have in one place: ABSENT where a record lacks it."""

    path: str
    names: tuple[str, ...]
    values: tuple[Any, ...]

    @property
    def given(self) -> list[Any]:
        """The values that say something."""
        return [value for value in self.values if says(value)]

    @property
    def scalar(self) -> bool:
        return not any(isinstance(value, dict | list) for value in self.values)

    @property
    def whole(self) -> bool:
        """True if every record has a value."""
        return all(map(says, self.values))

    @property
    def of_members(self) -> bool:
        """True for objects whose names are anybody's: tags and labels."""
        return bool(self.names) and _MEMBERS.fullmatch(self.names[-1]) is not None

    def without_nothing(self, no_times: tuple[str, ...] = ()) -> Column:
        """The column in which a value that stands for nothing is absent, or one that begins with one of `no_times`."""

        def is_nothing(value: object) -> bool:
            return stands_for_nothing(value) or (isinstance(value, str) and value.strip().startswith(no_times))

        return replace(self, values=tuple(ABSENT if is_nothing(value) else value for value in self.values))


def says(value: object) -> bool:
    """True unless a value is absent or null."""
    return value is not ABSENT and value is not None


def step_text(name: str) -> str:
    """A name as a step of a JSONPath."""
    if _PLAIN.fullmatch(name) and name not in _RESERVED:
        return f".{name}"
    return f'["{name}"]' if "'" in name else f"['{name}']"


def path_text(names: Sequence[str]) -> str:
    return "$" + "".join(map(step_text, names))


def place_text(place: Sequence[Step], further: str = "") -> RuleText:
    """The path to a place, and `further` from there. Members of an object are opened by `entries:`."""
    keyed = next((number for number, step in enumerate(place) if step.keyed), None)
    if keyed is None:
        return "$" + _steps(place) + further
    rest = "$.value" + _steps(place[keyed + 1 :]) + further
    return {"path": "$" + _steps(place[: keyed + 1]), "entries": True, "then": rest}


def _steps(place: Sequence[Step]) -> str:
    return "".join((step_text(step.name) if step.name else "") + "[*]" * step.listed for step in place)


def places(documents: Sequence[Any]) -> list[Place]:
    """Every place that may have the records, the document itself first."""
    if all(isinstance(document, list) for document in documents):
        return [(Step("", listed=True),)]
    found: dict[Place, None] = {(): None}
    for document in documents[:20]:
        if _is_keyed(document):
            found[(Step("", keyed=True),)] = None
            for inner in list(document.values())[:20]:
                found.update(dict.fromkeys(_places(inner, (Step("", keyed=True),))))
        found.update(dict.fromkeys(_places(document, ())))
    return list(found)


def _places(value: Any, before: Place) -> Iterator[Place]:
    if not isinstance(value, dict) or len(before) >= DEEPEST:
        return
    opened = any(step.keyed for step in before)
    for name, inner in value.items():
        if isinstance(inner, list) and inner:
            here = (*before, Step(name, listed=True))
            yield here
            for item in inner[:20]:
                yield from _places(item, here)
        elif isinstance(inner, dict) and _is_keyed(inner) and not opened:
            here = (*before, Step(name, keyed=True))
            yield here
            for item in list(inner.values())[:20]:
                yield from _places(item, here)
        elif isinstance(inner, dict):
            here = (*before, Step(name))
            yield here
            yield from _places(inner, here)


def _is_keyed(value: Any) -> bool:
    """True for an object whose members are alike, under names that look like ids: numbers, regions, addresses."""
    members = list(value.values()) if isinstance(value, dict) else []
    if len(members) < 2 or not all(isinstance(member, dict) and member for member in members):
        return False
    if not all(re.search(r"\d|@", name) for name in value):
        return False
    shared = set(members[0]).intersection(*members[1:])
    return len(shared) * 2 >= max(map(len, members))


def held_at(documents: Sequence[Any], place: Place) -> list[Held]:
    """The records in a place, at most MOST_RECORDS."""
    found = [Held((), document) for document in documents]
    for step in place:
        found = [deeper for each in found for deeper in _below(each, step)][:MOST_RECORDS]
    return found


def _below(held: Held, step: Step) -> Iterator[Held]:
    value = held.record
    inner = value if not step.name else value.get(step.name, ABSENT) if isinstance(value, dict) else ABSENT
    holders = (*held.holders, value)
    if step.keyed:
        yield from (Held(holders, item, key) for key, item in (inner.items() if isinstance(inner, dict) else ()))
    elif step.listed:
        yield from (Held(holders, item, held.key) for item in (inner if isinstance(inner, list) else ()))
    elif inner is not ABSENT:
        yield Held(holders, inner, held.key)


def columns_of(records: Sequence[Any]) -> list[Column]:
    """The columns of records, in the order in which they occur. Objects are entered; arrays and tags are columns."""
    if not all(isinstance(record, dict) for record in records):
        return [Column("$", (), tuple(records))]
    found: dict[tuple[str, ...], None] = {}
    for record in records:
        found.update(dict.fromkeys(_leaves(record, ())))
    columns = []
    for names in list(found)[:MOST_COLUMNS]:
        column = Column(path_text(names), names, tuple(_value(record, names) for record in records))
        mixed = any(isinstance(value, dict) for value in column.values) and not column.of_members
        if not mixed and can_be_written(names):
            columns.append(column)
    return columns


def can_be_written(names: Sequence[str]) -> bool:
    """True if a JSONPath of these names is read as these names."""
    try:
        return parse(path_text(names)).prefix == tuple(names)
    except PathError:
        return False


def _leaves(value: dict[str, Any], before: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name, inner in value.items():
        here = (*before, name)
        if isinstance(inner, dict) and len(here) < DEEPEST and not _MEMBERS.fullmatch(name):
            yield from _leaves(inner, here)
        else:
            yield here


def _value(record: Any, names: Sequence[str]) -> Any:
    for name in names:
        if not isinstance(record, dict) or name not in record:
            return ABSENT
        record = record[name]
    return record
