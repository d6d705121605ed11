"""Equal problems, counted together: one line says what is wrong with 5,000 records, with some of them as examples."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from dataclasses import field as setting
from typing import Any, TypeAlias

from proofport.accounting import Outcome

EXAMPLES = 3
MOST = 200
"""So many groups are kept. Problems beyond are in the counts of the report, and in no group."""

Key: TypeAlias = tuple[str, str | None, str | None, str | None]
_INDEX = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True)
class Example:
    #: The place of the record in the input, or its delivery.
    position: str
    id: str | None
    found: str | None


@dataclass(slots=True)
class ProblemGroup:
    """Records with the same outcome for which the same was expected of the same field."""

    outcome: str
    reason: str | None
    field: str | None
    expected: str | None
    #: Of the first of them, like the vendor's words.
    hint: str | None
    vendor_message: str | None
    count: int = 0
    examples: list[Example] = setting(default_factory=list)

    @property
    def words(self) -> str:
        """The fault in words: `created_at: expected a time zone`."""
        if self.expected is None:
            return (self.reason or self.outcome).replace("_", " ")
        return f"{f'{self.field}: ' if self.field else ''}expected {self.expected}"

    def as_dict(self, *, found: bool = True) -> dict[str, Any]:
        return {
            "count": self.count,
            "outcome": self.outcome,
            "reason": self.reason,
            "field": self.field,
            "expected": self.expected,
            "hint": self.hint,
            "vendor_message": self.vendor_message,
            "examples": [
                {"position": each.position, "id": each.id, **({"found": each.found} if found else {})}
                for each in self.examples
            ],
        }


class ProblemGroups:
    """Sorts problems into groups as they occur."""

    def __init__(self) -> None:
        self._groups: dict[Key, ProblemGroup] = {}

    def __iter__(self) -> Iterator[ProblemGroup]:
        """The largest first."""
        return iter(sorted(self._groups.values(), key=lambda group: -group.count))

    def add(self, position: str, record_id: str | None, outcome: Outcome) -> None:
        key, problem = key_of(outcome), outcome.problem
        group = self._groups.get(key)
        if group is None:
            if len(self._groups) == MOST:
                return
            hint, words = (problem.hint, problem.vendor_message) if problem else (None, None)
            group = self._groups[key] = ProblemGroup(*key, hint, words)
        group.count += 1
        if len(group.examples) < EXAMPLES:
            group.examples.append(Example(position, record_id, problem.found if problem else None))

    def as_list(self, *, found: bool = True) -> list[dict[str, Any]]:
        """As JSON. `found`: with what was found in the examples, which may be a part of a record."""
        return [group.as_dict(found=found) for group in self]


def key_of(outcome: Outcome) -> Key:
    """The group of a problem. Items of an array are one field."""
    problem = outcome.problem
    name = _INDEX.sub("[]", problem.field) if problem and problem.field else None
    return outcome.status.value, outcome.reason, name, problem.expected if problem else None


def grouped(rows: Iterable[tuple[str, str | None, Outcome]]) -> ProblemGroups:
    """Those of rows of position, id and outcome."""
    groups = ProblemGroups()
    for row in rows:
        groups.add(*row)
    return groups
