"""Two records of a run that are one at the vendor: found by what it matches on, or by its own id in two answers."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from proofport.accounting import Outcome, Status, unknown
from proofport.adapter import Batch, Matches, Mode, Resource
from proofport.delivery.ids.ids import temporary_database
from proofport.errors import Problem

VENDOR_ID = ""
"""The name under which the vendor's own ids are kept, beside the fields that it matches on."""

_vendor_id = attrgetter("vendor_id")


@dataclass(frozen=True, slots=True)
class _Earlier:
    """The record of the run that has a value."""

    field: str
    id: str
    position: int


class Collisions:
    """Remembers the values of one destination run on disk. Nothing is kept where a vendor matches on ids alone."""

    def __init__(self, resource: Resource, mode: Mode, describe: Callable[[int], str]) -> None:
        self._matches = resource if isinstance(resource, Matches) and mode != "remove" else None
        self._describe = describe
        self._database: sqlite3.Connection | None = None

    def close(self) -> None:
        if self._database is not None:
            self._database.close()

    def begin_another(self) -> None:
        """Begin another submission: it may change what was sent before."""
        if self._database is not None:
            self._database.execute("DELETE FROM held WHERE field <> ?", (VENDOR_ID,))

    def refused(self, ids: Sequence[str], bodies: Sequence[bytes], positions: Sequence[int]) -> dict[int, Problem]:
        """The records that share what the vendor matches on with an earlier one, by their index."""
        if self._matches is None:
            return {}
        problems = {}
        for index, body in enumerate(bodies):
            earlier = self._take(self._matches.matched_on(body), ids[index], positions[index])
            if earlier is not None:
                problems[index] = _shared(earlier, self._describe(earlier.position), self._describe(positions[index]))
        return problems

    def judged(self, batch: Batch, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """The outcomes, where an answer with the vendor's id of another record confirms nothing."""
        if not any(map(_vendor_id, outcomes)):
            return outcomes
        rows = zip(batch.ids, batch.positions, outcomes, strict=True)
        return [self._judged(*row) for row in rows]

    def _judged(self, record_id: str, position: int, outcome: Outcome) -> Outcome:
        if outcome.vendor_id is None or outcome.status is not Status.DELIVERED:
            return outcome
        earlier = self._take([(VENDOR_ID, outcome.vendor_id)], record_id, position)
        return outcome if earlier is None else _repeated(outcome.vendor_id, earlier, self._describe(earlier.position))

    def _take(self, values: Sequence[tuple[str, str]], record_id: str, position: int) -> _Earlier | None:
        """The other record that has one of the values; if there is none, they are this record's from now on."""
        if self._database is None:
            self._database = temporary_database(
                "CREATE TABLE held (field TEXT, value TEXT, id TEXT, position INTEGER, PRIMARY KEY (field, value))"
                " WITHOUT ROWID"
            )
        for field, value in values:
            found = "SELECT id, position FROM held WHERE field = ? AND value = ?"
            row = self._database.execute(found, (field, value)).fetchone()
            if row is not None and row[0] != record_id:
                return _Earlier(field, *row)
        rows = [(field, value, record_id, position) for field, value in values]
        self._database.executemany("INSERT OR IGNORE INTO held VALUES (?, ?, ?, ?)", rows)
        return None


def _shared(earlier: _Earlier, first: str, second: str) -> Problem:
    return Problem(
        field=earlier.field,
        found=f"the {earlier.field} that {earlier.id} at {first} already has",
        expected="a value that no other record has: the vendor would take the two for one",
        hint=f"{earlier.id} was kept and this one, at {second}, was not sent. Correct the value, or leave it out where "
        "it is no record's own.",
    )


def _repeated(vendor_id: str, earlier: _Earlier, first: str) -> Outcome:
    problem = Problem(
        found=f"the vendor's id {vendor_id}, with which it had answered for {earlier.id} at {first}",
        expected="an id of its own: the vendor has taken the two records for one",
        hint="Only the later of the two is there now. Compare what they share with what the vendor holds.",
    )
    return unknown("same_at_vendor", problem)
