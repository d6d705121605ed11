"""What a delivery would do at one destination: the new bodies against what the vendor holds, in flat memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from xxhash import xxh3_64_intdigest

from proofport.adapter import Mode, Observed
from proofport.errors import Problem
from proofport.planning.guard import Change

LISTED = 1_000
"""At most so many ids of each group stand in a plan; the counts are always whole."""


@dataclass(slots=True)
class Group:
    """Some records: how many, and the first of them."""

    count: int = 0
    ids: list[str] = field(default_factory=list)

    def add(self, record_id: str) -> None:
        self.count += 1
        if len(self.ids) < LISTED:
            self.ids.append(record_id)


@dataclass(slots=True)
class DestinationPlan:
    """`changed` names the fields of each. `outside`: those of `gone` that no snapshot had brought. `refusal`: what the
    guard would say. `rejected`: what cannot be delivered, with its place."""

    name: str
    added: Group = field(default_factory=Group)
    changed: Group = field(default_factory=Group)
    fields: dict[str, list[str]] = field(default_factory=dict)
    unchanged: int = 0
    gone: Group = field(default_factory=Group)
    outside: Group = field(default_factory=Group)
    held: int = 0
    rejected: int = 0
    problems: list[tuple[str, str | None, Problem]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    refusal: str | None = None

    def reject(self, position: str, record_id: str | None, problem: Problem) -> None:
        self.rejected += 1
        if len(self.problems) < LISTED:
            self.problems.append((position, record_id, problem))

    def change(self) -> Change:
        return Change(self.held, self.gone.count, self.added.count + self.changed.count + self.unchanged)

    def as_dict(self) -> dict[str, Any]:
        return {
            "added": {"count": self.added.count, "ids": self.added.ids},
            "changed": {"count": self.changed.count, "ids": self.changed.ids, "fields": self.fields},
            "unchanged": {"count": self.unchanged},
            "gone": {"count": self.gone.count, "ids": self.gone.ids},
            "directly_uploaded": {"count": self.outside.count, "ids": self.outside.ids},
            "not_expressible": {
                "count": self.rejected,
                "problems": [{"position": at, "id": each, **problem.as_dict()} for at, each, problem in self.problems],
            },
            "notes": self.notes,
            "guard": self.refusal,
        }


class NewSet:
    """The bodies of a run in a temporary database, to be met by what the vendor holds, page by page."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
            "CREATE TABLE new (id TEXT PRIMARY KEY, body BLOB, position TEXT, met INTEGER DEFAULT 0) WITHOUT ROWID;"
            "BEGIN"
        )

    def close(self) -> None:
        self._database.close()

    def add(self, record_id: str, body: Mapping[str, Any] | None, position: str) -> str | None:
        """Keep a body (None where only the id counts). Returns the position of an earlier record of that id."""
        given = None if body is None else orjson.dumps(body)
        done = self._database.execute(
            "INSERT OR IGNORE INTO new (id, body, position) VALUES (?, ?, ?)", (record_id, given, position)
        )
        if done.rowcount:
            return None
        (first,) = self._database.execute("SELECT position FROM new WHERE id = ?", (record_id,)).fetchone()
        return str(first)

    def meet(self, records: Sequence[Observed], mode: Mode, plan: DestinationPlan) -> None:
        """Sort a page of what the vendor holds into the plan."""
        for record in records:
            plan.held += not record.ended
            row = self._database.execute("SELECT body FROM new WHERE id = ?", (record.id,)).fetchone()
            if row is None:
                if mode == "snapshot" and not record.ended:
                    plan.gone.add(record.id)
                    if record.outside:
                        plan.outside.add(record.id)
                continue
            self._database.execute("UPDATE new SET met = 1 WHERE id = ?", (record.id,))
            if mode == "remove":
                _remove(record, plan)
            else:
                self._compare(record, orjson.loads(row[0]), partial=mode == "patch", plan=plan)

    def meet_sent(self, digests: Mapping[str, int], mode: Mode, plan: DestinationPlan) -> None:
        """The same for what was sent before, of which only digests of the bodies are known."""
        for record_id, digest in digests.items():
            plan.held += 1
            row = self._database.execute("SELECT body FROM new WHERE id = ?", (record_id,)).fetchone()
            if row is None:
                if mode == "snapshot":
                    plan.gone.add(record_id)
                continue
            self._database.execute("UPDATE new SET met = 1 WHERE id = ?", (record_id,))
            if mode == "remove":
                plan.gone.add(record_id)
            elif xxh3_64_intdigest(row[0]) == digest:
                plan.unchanged += 1
            else:
                plan.changed.add(record_id)

    def _compare(self, record: Observed, body: Mapping[str, Any], *, partial: bool, plan: DestinationPlan) -> None:
        names = differing(body, record.fields, whole=record.whole and not partial)
        if not names:
            plan.unchanged += 1
            return
        plan.changed.add(record.id)
        if len(plan.fields) < LISTED:
            plan.fields[record.id] = names

    def finish(self, mode: Mode, plan: DestinationPlan) -> None:
        """What the vendor does not hold is added, or, in a removal, gone already."""
        for record_id in self.left():
            if mode == "remove":
                plan.unchanged += 1
            else:
                plan.added.add(record_id)

    def left(self) -> Iterator[str]:
        """The ids that were not met."""
        for (record_id,) in self._database.execute("SELECT id FROM new WHERE met = 0 ORDER BY id"):
            yield record_id


def _remove(record: Observed, plan: DestinationPlan) -> None:
    if record.ended:
        plan.unchanged += 1
    else:
        plan.gone.add(record.id)


def differing(body: Mapping[str, Any], held: Mapping[str, Any], *, whole: bool) -> list[str]:
    """The fields that would change. `whole`: a field that the body leaves out goes away, too."""
    names = [name for name, value in body.items() if (name in held or whole) and not same(value, held.get(name, ...))]
    return names + ([name for name in held if name not in body] if whole else [])


def same(one: object, other: object) -> bool:
    """Equal as JSON: true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other
