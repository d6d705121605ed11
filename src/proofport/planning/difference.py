"""How records differ from what a vendor holds: field by field, and in groups that stay small however many there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from proofport.adapter import Observed

LISTED = 1_000
"""At most so many ids of each group are kept; the counts are always whole."""


@dataclass(slots=True)
class Group:
    """Some records: how many, and the first of them."""

    count: int = 0
    ids: list[str] = field(default_factory=list)

    def add(self, record_id: str) -> None:
        self.count += 1
        if len(self.ids) < LISTED:
            self.ids.append(record_id)

    def as_dict(self) -> dict[str, Any]:
        return {"count": self.count, "ids": self.ids}


@dataclass(slots=True)
class Difference:
    """`changed` names the fields of each record."""

    added: Group = field(default_factory=Group)
    changed: Group = field(default_factory=Group)
    fields: dict[str, list[str]] = field(default_factory=dict)
    unchanged: int = 0

    def note(self, record_id: str, names: list[str] | None) -> None:
        """Sort in one record: None for one that is new, else the fields that differ."""
        if names is None:
            self.added.add(record_id)
        elif not names:
            self.unchanged += 1
        else:
            self.changed.add(record_id)
            if len(self.fields) < LISTED:
                self.fields[record_id] = names

    def as_dict(self) -> dict[str, Any]:
        return {
            "added": self.added.as_dict(),
            "changed": {**self.changed.as_dict(), "fields": self.fields},
            "unchanged": {"count": self.unchanged},
        }


def changes(record: Observed, body: Mapping[str, Any], *, partial: bool, sent: bool) -> list[str]:
    """The fields of a held record that sending `body` would change, or may change.

    Where the vendor does not show every field, those that it hides count as the same only if this very body was the
    last one `sent`.
    """
    names = differing(body, record.fields, whole=record.whole, partial=partial)
    if names or record.whole or sent:
        return names
    return [name for name in body if name not in record.fields]


def differing(body: Mapping[str, Any], held: Mapping[str, Any], *, whole: bool, partial: bool = False) -> list[str]:
    """The fields that are seen to differ.

    `whole`: all that is held is seen, so that a field which is not seen is not there. Unless the body is `partial`, a
    field that it leaves out goes away then.
    """
    names = [name for name, value in body.items() if (name in held or whole) and not same(value, held.get(name, ...))]
    return names + ([name for name in held if name not in body] if whole and not partial else [])


def same(one: object, other: object) -> bool:
    """Equal as JSON: true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other
