"""What a run says when it ends: the one report of library, CLI and relay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import orjson

from proofport.accounting import Assurance, Outcome, Status, Tally
from proofport.adapter import Mode
from proofport.planning.difference import Difference, Group

INLINE_PROBLEMS = 1_000
"""At most this many problems stand in a report; a problems file holds all of them."""


class Exit(IntEnum):
    """The exit code of a run. With several destinations the first that applies of 2, 3, 4, 1, 0."""

    OK = 0
    INCOMPLETE = 1
    USAGE = 2
    BLOCKED = 3
    GUARD = 4


@dataclass(frozen=True, slots=True)
class SourceReport:
    """One input. `incomplete` says why it was not read to its end, if it was not."""

    input: str
    read: int
    incomplete: str | None = None


@dataclass(frozen=True, slots=True)
class RecordProblem:
    """One record that was not simply delivered. `position` is `file:line`, or `file#n` for the n-th record."""

    position: str
    id: str | None
    outcome: Outcome

    def as_dict(self) -> dict[str, Any]:
        problem = self.outcome.problem
        row: dict[str, Any] = {"position": self.position, "id": self.id, "outcome": self.outcome.status.value}
        row["reason"] = self.outcome.reason
        row |= problem.as_dict() if problem else dict.fromkeys(("field", "found", "expected", "hint", "vendor_message"))
        return row


@dataclass(slots=True)
class DestinationReport:
    """One destination's books. `notes` are sentences about the whole set, `gone` ids that the vendor held before.

    `outside`: those of `gone` that no snapshot had brought. `difference`: how the records differ from what was live
    before, where that was read to leave out what is equal.
    """

    name: str
    input: int = 0
    tally: Tally = field(default_factory=Tally)
    requests: int = 0
    seconds: float = 0.0
    exit: Exit = Exit.OK
    problems: list[RecordProblem] = field(default_factory=list)
    problem_count: int = 0
    notes: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    gone_count: int = 0
    outside: Group = field(default_factory=Group)
    lanes: list[str] = field(default_factory=list)
    difference: Difference | None = None

    def as_dict(self) -> dict[str, Any]:
        counts = {status.value: self.tally.status[status] for status in Status}
        assurance = {level.value: self.tally.assurance[level] for level in Assurance}
        return {
            "input": self.input,
            **counts,
            "assurance": assurance,
            "reasons": dict(self.tally.reasons),
            "exit_code": int(self.exit),
            "requests": self.requests,
            "seconds": round(self.seconds, 3),
            **({"compared": self.difference.as_dict()} if self.difference is not None else {}),
            "gone": {"count": self.gone_count, "ids": self.gone},
            "directly_uploaded": self.outside.as_dict(),
            "notes": self.notes,
            "problem_count": self.problem_count,
            "problems": [problem.as_dict() for problem in self.problems],
        }


def summary(report: DestinationReport) -> str:
    """A destination's books as JSON, without what is about single records that are still there."""
    books = report.as_dict()
    del books["problems"]
    books.pop("compared", None)
    return orjson.dumps(books).decode()


@dataclass(frozen=True, slots=True)
class RunReport:
    run_id: str
    kind: str
    mode: Mode
    sources: Sequence[SourceReport]
    destinations: dict[str, DestinationReport]
    dry_run: bool = False

    @property
    def exit_code(self) -> Exit:
        found = {destination.exit for destination in self.destinations.values()}
        order = (Exit.USAGE, Exit.BLOCKED, Exit.GUARD, Exit.INCOMPLETE)
        return next((code for code in order if code in found), Exit.OK)

    def as_dict(self) -> dict[str, Any]:
        return {
            "run_id": self.run_id,
            "kind": self.kind,
            "mode": self.mode,
            "dry_run": self.dry_run,
            "exit_code": int(self.exit_code),
            "sources": [{"input": s.input, "read": s.read, "incomplete": s.incomplete} for s in self.sources],
            "destinations": {name: report.as_dict() for name, report in self.destinations.items()},
        }
