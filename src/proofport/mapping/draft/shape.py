"""Where a sample has its records, and which columns these have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from proofport.mapping.language.paths import PathError, parse

ABSENT: Final = object()
"""Stands in a column where a record has no such field."""

DEEPEST, MOST_RECORDS, MOST_COLUMNS = 4, 500, 400
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = ("parent", "where", "wherenot")
_MEMBERS = re.compile(r"(?i)(user)?(tags|labels|annotations|taglist|tagset)")


class Step(NamedTuple):
    """A name on the way to the records, and if an array stands there. Without a name: the document is the array."""

    name: str
    listed: bool


@dataclass(frozen=True, slots=True)
class Column:
    """The values that the records have in one place: ABSENT where a record lacks it."""

    path: str
    names: tuple[str, ...]
    values: tuple[Any, ...]

    @property
    def given(self) -> list[Any]:
        """The values that say something."""
        return [value for value in self.values if value is not ABSENT and value is not None]

    @property
    def scalar(self) -> bool:
        return not any(isinstance(value, dict | list) for value in self.values)

    @property
    def whole(self) -> bool:
        """True if every record has a value."""
        return all(map(says, self.values))


def says(value: object) -> bool:
    """True unless a value is absent, null or empty text."""
    return value is not ABSENT and value is not None and value != ""


def step_text(name: str) -> str:
    """A name as a step of a JSONPath."""
    if _PLAIN.fullmatch(name) and name not in _RESERVED:
        return f".{name}"
    return f'["{name}"]' if "'" in name else f"['{name}']"


def path_text(names: Sequence[str]) -> str:
    return "$" + "".join(map(step_text, names))


def records_text(place: Sequence[Step]) -> str:
    """The path of `records:`."""
    return "$" + "".join(step_text(step.name) * bool(step.name) + "[*]" * step.listed for step in place)


def places(documents: Sequence[Any]) -> list[tuple[Step, ...]]:
    """Every place that may have the records, the document itself first."""
    found: dict[tuple[Step, ...], None] = {(): None}
    if all(isinstance(document, list) for document in documents):
        return [(Step("", listed=True),)]
    for document in documents[:20]:
        found.update(dict.fromkeys(_places(document, ())))
    return list(found)


def _places(value: Any, before: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    if not isinstance(value, dict) or len(before) >= DEEPEST:
        return
    for name, inner in value.items():
        if isinstance(inner, dict):
            here = (*before, Step(name, listed=False))
            yield here
            yield from _places(inner, here)
        elif isinstance(inner, list) and inner:
            here = (*before, Step(name, listed=True))
            yield here
            for item in inner[:20]:
                yield from _places(item, here)


def records_at(documents: Sequence[Any], place: Sequence[Step]) -> list[Any]:
    """The records in a place, at most MOST_RECORDS."""
    return [record for _, record in holders_and_records(documents, place)]


def holders_and_records(documents: Sequence[Any], place: Sequence[Step]) -> list[tuple[tuple[Any, ...], Any]]:
    """Each record with the elements around it, the document first."""
    found: list[tuple[tuple[Any, ...], Any]] = [((), document) for document in documents]
    for step in place:
        deeper: list[tuple[tuple[Any, ...], Any]] = []
        for holders, value in found:
            inner = value.get(step.name, ABSENT) if isinstance(value, dict) else value if not step.name else ABSENT
            if step.listed:
                items = inner if isinstance(inner, list) else []
                deeper += [((*holders, value), item) for item in items]
            elif inner is not ABSENT:
                deeper.append(((*holders, value), inner))
            if len(deeper) >= MOST_RECORDS:
                break
        found = deeper[:MOST_RECORDS]
    return found


def columns_of(records: Sequence[Any]) -> list[Column]:
    """The columns of records, in the order in which they occur. Objects are entered; arrays and tags are columns."""
    if not all(isinstance(record, dict) for record in records):
        return [Column("$", (), tuple(records))]
    found: dict[tuple[str, ...], None] = {}
    for record in records:
        found.update(dict.fromkeys(_leaves(record, ())))
    columns = []
    for names in list(found)[:MOST_COLUMNS]:
        values = tuple(_value(record, names) for record in records)
        mixed = any(isinstance(value, dict) for value in values) and not _MEMBERS.fullmatch(names[-1])
        if not mixed and can_be_written(names):
            columns.append(Column(path_text(names), names, values))
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
