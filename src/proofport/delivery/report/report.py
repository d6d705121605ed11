"""The report of a run, the same for library, CLI and relay, and the books that it is made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Literal

import orjson

from proofport.accounting import (
    NOT_KNOWN,
    REQUIRED_VALUE_UNKNOWN,
    Assurance,
    Outcome,
    Status,
    Tally,
    all_delivered,
    rejected,
    withheld,
)
from proofport.adapter import Batch, Mode
from proofport.delivery.ids.ids import IdSet, SkippedIds
from proofport.delivery.ids.same import keys_in
from proofport.delivery.report.problem_groups import ProblemGroups
from proofport.delivery.report.unmatched import Unmatched
from proofport.errors import Problem

INLINE_PROBLEMS = 1_000
"""At most this many problems stand in a report; a problems file holds all of them."""

LISTED = 1_000
"""At most so many ids of each group are kept; the counts are always whole."""


class Exit(IntEnum):
    """The exit code of a run. With several destinations the first that applies of 2, 3, 4, 1, 0."""

    OK = 0
    INCOMPLETE = 1
    USAGE = 2
    BLOCKED = 3
    GUARD = 4


def first_of(codes: Iterable[Exit]) -> Exit:
    """The exit code of a run whose destinations have these."""
    found = set(codes)
    order = (Exit.USAGE, Exit.BLOCKED, Exit.GUARD, Exit.INCOMPLETE)
    return next((code for code in order if code in found), Exit.OK)


@dataclass(slots=True)
class Group:
    """Some records: their number, and the first of them."""

    count: int = 0
    ids: list[str] = field(default_factory=list)

    def add(self, record_id: str) -> None:
        self.count += 1
        if len(self.ids) < LISTED:
            self.ids.append(record_id)

    def extend(self, record_ids: Iterable[str]) -> None:
        for record_id in record_ids:
            self.add(record_id)

    def as_dict(self) -> dict[str, Any]:
        return {"count": self.count, "ids": self.ids}


@dataclass(slots=True)
class Difference:
    """The records of a run, sorted by what sending them changes."""

    added: Group = field(default_factory=Group)
    changed: Group = field(default_factory=Group)
    #: The fields that differ, by id, where they can be compared.
    fields: dict[str, list[str]] = field(default_factory=dict)
    unchanged: int = 0

    def note(self, record_id: str, names: Sequence[str] | None) -> None:
        """Sort in one record: None for one that is new, else the fields that differ."""
        if names is None:
            self.added.add(record_id)
        elif not names:
            self.unchanged += 1
        else:
            self.changed.add(record_id)
            if len(self.fields) < LISTED:
                self.fields[record_id] = list(names)

    def as_dict(self) -> dict[str, Any]:
        return {
            "added": self.added.as_dict(),
            "changed": {**self.changed.as_dict(), "fields": self.fields},
            "unchanged": {"count": self.unchanged},
        }


@dataclass(frozen=True, slots=True)
class SourceReport:
    """One input."""

    input: str
    #: Records, the malformed ones included, and those that its source mapping leaves out.
    read: int
    #: Why it was not read to its end, if it was not.
    incomplete: str | None = None
    #: How many of them its source mapping leaves out, by the reason.
    skipped: Mapping[str, int] = field(default_factory=dict)
    #: What may be wrong with it, although it could be read.
    warning: str | None = None

    def as_dict(self) -> dict[str, Any]:
        books = {"input": self.input, "read": self.read, "incomplete": self.incomplete}
        found = {"skipped": dict(self.skipped), "warning": self.warning}
        return {**books, **{name: each for name, each in found.items() if each}}


@dataclass(frozen=True, slots=True)
class RecordProblem:
    """One record that was not simply delivered."""

    #: `file:line`, or `file#n` for the n-th record.
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
    """One destination's books."""

    name: str
    #: Records that have an outcome: those that were read, without those that were left out.
    input: int = 0
    #: How many are left out at this destination, by the reason. They have no outcome.
    skipped: Counter[str] = field(default_factory=Counter)
    tally: Tally = field(default_factory=Tally)
    requests: int = 0
    seconds: float = 0.0
    exit: Exit = Exit.OK
    problems: list[RecordProblem] = field(default_factory=list)
    problem_count: int = 0
    #: All of them, equal ones together.
    problem_groups: ProblemGroups = field(default_factory=ProblemGroups)
    #: Sentences about the whole set.
    notes: list[str] = field(default_factory=list)
    #: Ids of the set before that are not in this one.
    gone: Group = field(default_factory=Group)
    #: Those of `gone` that this set holds and a rule of `skip:` leaves out, by its reason.
    gone_skipped: dict[str, Group] = field(default_factory=dict)
    #: The fate of those at the vendor, as "deleted at NAME by this snapshot". Empty: nothing was done about them.
    gone_became: str = ""
    #: Those of `gone` that no snapshot had brought.
    outside: Group = field(default_factory=Group)
    #: Of a set that removes what it lacks: refused records whose last body was sent in their place.
    kept_last: Group = field(default_factory=Group)
    #: Those of `kept_last` that were rejected. The others lack a value that the vendor requires.
    kept_rejected: int = 0
    #: Of such a set: records that it left out although nobody knows that they are gone. Only an override does that.
    dropped: Group = field(default_factory=Group)
    #: Delivered from here, and not shown by a list that counts as the truth: an override says that they were removed.
    taken_as_removed: Group = field(default_factory=Group)
    #: Records that lack a value which the vendor requires, and that the configuration leaves out for that.
    excluded: Group = field(default_factory=Group)
    #: Ids that were to be removed, and that neither the vendor holds nor the journal knows.
    not_known: Group = field(default_factory=Group)
    lanes: list[str] = field(default_factory=list)
    #: How the records differ from what was held before, where they were `compared`.
    difference: Difference = field(default_factory=Difference)
    compared: bool = False
    #: What the guard said of a set.
    guard: Literal["not asked", "agreed", "overridden", "refused"] = "not asked"
    #: The number of its receipt. None: it has none.
    receipt: str | None = None
    #: In a plan: what the guard would say.
    refusal: str | None = None
    #: In a plan: the source that is missing, where that is why.
    left_out: str | None = None

    def fail(self, code: Exit) -> None:
        """Set the exit code, unless there is one already."""
        self.exit = self.exit or code

    def is_short(self, *, sends: bool) -> bool:
        """True if some record was not delivered, and that was not meant. A run that only looks withholds all."""
        count, meant = self.tally.status, self.excluded.count
        lacking = self.tally.reasons[REQUIRED_VALUE_UNKNOWN] > meant
        withheld_more = sends and count[Status.WITHHELD] > meant
        return bool(count[Status.REJECTED] or count[Status.UNKNOWN] or lacking or withheld_more)

    @property
    def done(self) -> int:
        """The number of records that have an outcome, or that are left out here."""
        return self.tally.total + self.skipped.total()

    def note_gone(self, record_id: str, *, outside: bool, skipped: str | None = None) -> None:
        """`skipped`: the reason why the set leaves it out, if it holds it."""
        self.gone.add(record_id)
        if outside:
            self.outside.add(record_id)
        if skipped is not None:
            self.gone_skipped.setdefault(skipped, Group()).add(record_id)

    def skips(self) -> dict[str, Any]:
        """The records that rules of `skip:` leave out here, and what is gone for any of them, where there are any."""
        gone = {reason: found.as_dict() for reason, found in self.gone_skipped.items()}
        found = {"skipped": dict(self.skipped), "gone_skipped": gone}
        return {name: each for name, each in found.items() if each}

    def refused_and_held(self) -> dict[str, Any]:
        """The refused records that were kept, dropped or left out on purpose, and those that count as removed, where
        there are any."""
        groups = {
            "kept_last": self.kept_last,
            "dropped": self.dropped,
            "excluded": self.excluded,
            "taken_as_removed": self.taken_as_removed,
        }
        return {name: found.as_dict() for name, found in groups.items() if found.count}

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
            **({"compared": self.difference.as_dict()} if self.compared else {}),
            "gone": self.gone.as_dict(),
            **({"gone_became": self.gone_became} if self.gone_became else {}),
            "directly_uploaded": self.outside.as_dict(),
            **self.skips(),
            **self.refused_and_held(),
            **({"not_known": self.not_known.as_dict()} if self.not_known.count else {}),
            **({"receipt": self.receipt} if self.receipt else {}),
            "notes": self.notes,
            "problem_count": self.problem_count,
            "problem_groups": self.problem_groups.as_list(),
            "problems": [problem.as_dict() for problem in self.problems],
        }


def summary(report: DestinationReport, matched: Mapping[str, Sequence[str]]) -> str:
    """A destination's books as JSON, without what is about single records that are still there.

    `matched`: by source, the fields that had a value.
    """
    books = report.as_dict() | ({"matched": matched} if matched else {})
    del books["problems"], books["problem_groups"]
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
    #: By source mapping.
    unmatched: Mapping[str, Unmatched] = field(default_factory=dict)
    #: Sentences about the whole run.
    notes: Sequence[str] = ()

    @property
    def exit_code(self) -> Exit:
        return first_of(destination.exit for destination in self.destinations.values())

    def as_dict(self) -> dict[str, Any]:
        unmatched = {name: found.as_dict() for name, found in self.unmatched.items() if found}
        return {
            "run_id": self.run_id,
            "kind": self.kind,
            "mode": self.mode,
            "dry_run": self.dry_run,
            "exit_code": int(self.exit_code),
            "sources": [source.as_dict() for source in self.sources],
            **({"unmatched": unmatched} if unmatched else {}),
            **({"notes": list(self.notes)} if self.notes else {}),
            "destinations": {name: report.as_dict() for name, report in self.destinations.items()},
        }


class Ledger:
    """Books the outcome of every record of one destination run.

    `on_problem` hears of every record that was not simply delivered.
    """

    def __init__(
        self,
        report: DestinationReport,
        describe: Callable[[int], str],
        on_problem: Callable[[str, RecordProblem], None] | None = None,
        on_other_end: Callable[[str | None, Outcome], None] | None = None,
    ) -> None:
        #: The keys of ids that were read as evidence, and refused by the vendor mapping or the vendor, or withheld
        #: because they lack a value.
        self.rejected_ids = IdSet()
        #: Those of them that lack a value which the vendor requires.
        self.unknown_ids = IdSet()
        #: Those that are left out at this destination, as far as no other record has the same id.
        self.skipped_ids = SkippedIds()
        #: Those of records that came again.
        self.repeated_ids = IdSet()
        self.report = report
        #: Says where a position is in the input.
        self.describe = describe
        self._on_problem = on_problem
        #: Hears of every record that was neither delivered nor unchanged.
        self._on_other_end = on_other_end

    def close(self) -> None:
        self.rejected_ids.close()
        self.unknown_ids.close()
        self.skipped_ids.close()
        self.repeated_ids.close()

    def book(self, record_id: str | None, position: int, outcome: Outcome) -> None:
        """Note the end of one record."""
        self.report.tally.add([outcome])
        self._list(record_id, position, outcome)

    def reject(self, record_id: str, position: int, problem: Problem, *, key: str | None = None) -> None:
        """Note a record that the destination cannot take. `key`: what its id compares by, if not by its letters."""
        self.refuse(record_id, position, rejected(problem), key=key)

    def repeat(self, record_id: str, position: int, problem: Problem, *, key: str) -> None:
        """Note a record whose id was read before. If the one before is left out here, this one is refused."""
        self.repeated_ids.add(key)
        self.book(record_id, position, rejected(problem))

    def leave_out(self, record_id: str, position: int, reason: str, *, key: str | None = None) -> None:
        """Note a record that a rule of `skip:` leaves out at this destination. It has no outcome."""
        self.report.skipped[reason] += 1
        self.skipped_ids.add(record_id if key is None else key, reason)

    def lack(
        self, record_id: str, position: int, problem: Problem, *, key: str | None = None, excluded: bool = False
    ) -> None:
        """Note a record that lacks a value which the vendor requires. `excluded`: it is left out on purpose."""
        self.unknown_ids.add(record_id if key is None else key)
        if excluded:
            self.report.excluded.add(record_id)
        self.refuse(record_id, position, withheld(REQUIRED_VALUE_UNKNOWN, None if excluded else problem), key=key)

    def refuse(self, record_id: str, position: int, outcome: Outcome, *, key: str | None) -> None:
        """Note a record that is present, and of which nothing is sent."""
        self.rejected_ids.add(record_id if key is None else key)
        self.book(record_id, position, outcome)

    def book_batch(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        """Note the end of every record of a batch."""
        self.report.tally.add(outcomes)
        if all_delivered(outcomes):
            return
        rows = zip(batch.ids, keys_in(batch), batch.positions, outcomes, strict=True)
        for record_id, key, position, outcome in rows:
            if outcome.status is Status.REJECTED:
                self.rejected_ids.add(key)
            self._list(record_id, position, outcome)

    def _list(self, record_id: str | None, position: int, outcome: Outcome) -> None:
        if outcome.reason == NOT_KNOWN.reason and record_id is not None:
            self.report.not_known.add(record_id)
        if self._on_other_end and outcome.status not in (Status.DELIVERED, Status.UNCHANGED):
            self._on_other_end(record_id, outcome)
        lacks = outcome.reason == REQUIRED_VALUE_UNKNOWN and outcome.problem is not None
        if outcome.status not in (Status.REJECTED, Status.UNKNOWN) and not lacks:
            return
        row = RecordProblem(self.describe(position), record_id, outcome)
        self.report.problem_count += 1
        self.report.problem_groups.add(row.position, record_id, outcome)
        if len(self.report.problems) < INLINE_PROBLEMS:
            self.report.problems.append(row)
        if self._on_problem:
            self._on_problem(self.report.name, row)
