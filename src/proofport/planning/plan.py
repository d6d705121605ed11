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
from proofport.planning.difference import LISTED, Difference, Group, changes
from proofport.planning.guard import Change


@dataclass(slots=True)
class DestinationPlan:
    """`outside`: those of `gone` that no snapshot had brought. `hidden`: fields that the vendor never shows. `refusal`:
    what the guard would say. `rejected`: what cannot be delivered, with its place."""

    name: str
    difference: Difference = field(default_factory=Difference)
    gone: Group = field(default_factory=Group)
    outside: Group = field(default_factory=Group)
    hidden: set[str] = field(default_factory=set)
    held: int = 0
    rejected: int = 0
    problems: list[tuple[str, str | None, Problem]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    refusal: str | None = None

    @property
    def added(self) -> Group:
        return self.difference.added

    @property
    def changed(self) -> Group:
        return self.difference.changed

    @property
    def fields(self) -> Mapping[str, Sequence[str]]:
        """The fields that differ, of each changed record whose fields can be compared."""
        return self.difference.fields

    @property
    def unchanged(self) -> int:
        return self.difference.unchanged

    def reject(self, position: str, record_id: str | None, problem: Problem) -> None:
        self.rejected += 1
        if len(self.problems) < LISTED:
            self.problems.append((position, record_id, problem))

    def change(self) -> Change:
        return Change(self.held, self.gone.count, self.added.count + self.changed.count + self.unchanged)

    def as_dict(self) -> dict[str, Any]:
        return {
            **self.difference.as_dict(),
            "gone": self.gone.as_dict(),
            "directly_uploaded": self.outside.as_dict(),
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

    def meet(
        self, records: Sequence[Observed], mode: Mode, plan: DestinationPlan, sent: Mapping[str, int] | None = None
    ) -> None:
        """Sort a page of what the vendor holds into the plan. `sent`: digests of the bodies that were sent last."""
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
                body = orjson.loads(row[0])
                is_last = xxh3_64_intdigest(row[0]) == sent.get(record.id) if sent else False
                names = changes(record, body, partial=mode == "patch", sent=is_last)
                plan.difference.note(record.id, names)
                plan.hidden.update(() if record.whole else (name for name in body if name not in record.fields))

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
                plan.difference.unchanged += 1
            else:
                plan.changed.add(record_id)

    def finish(self, mode: Mode, plan: DestinationPlan) -> None:
        """What the vendor does not hold is added, or, in a removal, gone already."""
        for record_id in self.left():
            if mode == "remove":
                plan.difference.unchanged += 1
            else:
                plan.added.add(record_id)

    def left(self) -> Iterator[str]:
        """The ids that were not met."""
        for (record_id,) in self._database.execute("SELECT id FROM new WHERE met = 0 ORDER BY id"):
            yield record_id


def _remove(record: Observed, plan: DestinationPlan) -> None:
    if record.ended:
        plan.difference.unchanged += 1
    else:
        plan.gone.add(record.id)
