"""The outcome of each record, and the five counts that must sum to the input."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from proofport.errors import AccountingError, Problem


class Status(StrEnum):
    DELIVERED = "delivered"
    UNCHANGED = "unchanged"
    REJECTED = "rejected"
    WITHHELD = "withheld"
    UNKNOWN = "unknown"


class Assurance(StrEnum):
    """How sure we are of a delivery: the vendor queued it, confirmed the record, or was read back."""

    ACCEPTED = "accepted"
    CONFIRMED = "confirmed"
    VERIFIED = "verified"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one record at one destination."""

    status: Status
    assurance: Assurance | None = None
    #: A stable word such as `snapshot_cancelled`.
    reason: str | None = None
    problem: Problem | None = None
    #: The vendor's own id of the record, where its answer says it: no two records of a run may have one.
    vendor_id: str | None = None


SKIP_RULE = "skip: "
"""Before a reason, where what left records out stands beside the names of fields."""


class LeftOut(Exception):
    """One record is not meant to be delivered: a rule of `skip:` leaves it out."""

    def __init__(self, reason: str, record_id: str | None = None) -> None:
        super().__init__(f"left out: {reason}")
        self.reason = reason
        #: The id, where the record was read and left out before.
        self.record_id = record_id


ACCEPTED = Outcome(Status.DELIVERED, Assurance.ACCEPTED)
CONFIRMED = Outcome(Status.DELIVERED, Assurance.CONFIRMED)
UNCHANGED = Outcome(Status.UNCHANGED)
SKIPPED = "skipped"
"""The reason of a queued record that is withheld because its destination leaves it out. In a run it has no outcome."""
REQUIRED_VALUE_UNKNOWN = "required_value_unknown"
"""The reason of a withheld record: it lacks a value that the vendor requires, and its source does not know it."""

NOT_HELD = Outcome(Status.UNCHANGED, reason="not_held")
"""The vendor does not hold the record that was to be removed: an adapter's answer. See `NOT_KNOWN`."""
NOT_KNOWN = Outcome(
    Status.UNCHANGED,
    reason="not_known",
    problem=Problem(
        "an id that neither the vendor holds nor this journal has delivered",
        "the id of a record that is there, or was",
        field="id",
        hint="Nothing was removed. Look for a spelling mistake in the id.",
    ),
)
"""The end of a removal that named nothing: what the vendor does not hold was never delivered from here. Where a vendor
does not say what it holds, the adapter rejects the removal, for the same reason."""


def rejected(problem: Problem, *, reason: str | None = None) -> Outcome:
    return Outcome(Status.REJECTED, reason=reason, problem=problem)


def withheld(reason: str, problem: Problem | None = None) -> Outcome:
    return Outcome(Status.WITHHELD, reason=reason, problem=problem)


def unknown(reason: str, problem: Problem | None = None) -> Outcome:
    return Outcome(Status.UNKNOWN, reason=reason, problem=problem)


def surest(outcomes: Sequence[Outcome]) -> Assurance | None:
    """The highest assurance of any record. None: none was delivered."""
    found = {outcome.assurance for outcome in outcomes}
    return next((level for level in reversed(Assurance) if level in found), None)


def all_delivered(outcomes: Sequence[Outcome]) -> bool:
    """True: each record was delivered, and none has a problem. Most batches repeat one outcome."""
    return not outcomes or (
        outcomes[0].status is Status.DELIVERED and outcomes[0].problem is None and _all_alike(outcomes)
    )


def _all_alike(outcomes: Sequence[Outcome]) -> bool:
    return outcomes.count(outcomes[0]) == len(outcomes)


@dataclass(slots=True)
class Tally:
    """The running counts of one destination in one run."""

    status: Counter[Status] = field(default_factory=Counter)
    assurance: Counter[Assurance] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, outcomes: Sequence[Outcome]) -> None:
        """Count a batch."""
        if outcomes and _all_alike(outcomes):
            self._count(outcomes[0], len(outcomes))
        else:
            for outcome in outcomes:
                self._count(outcome, 1)

    def _count(self, outcome: Outcome, times: int) -> None:
        self.status[outcome.status] += times
        if outcome.assurance is not None:
            self.assurance[outcome.assurance] += times
        if outcome.reason is not None:
            self.reasons[outcome.reason] += times

    def withdraw(self, outcome: Outcome) -> int:
        """Give every delivered record another outcome: a staged set was not completed. Returns their number."""
        delivered = self.status.pop(Status.DELIVERED, 0)
        self.assurance.clear()
        if delivered:
            self._count(outcome, delivered)
        return delivered

    def call(self, reason: str, other: str) -> None:
        """Give every record that ended for one reason another one."""
        if count := self.reasons.pop(reason, 0):
            self.reasons[other] += count

    def doubt(self, outcome: Outcome) -> int:
        """Give every record that was only accepted another outcome. Returns their number."""
        accepted = self.assurance.pop(Assurance.ACCEPTED, 0)
        if accepted:
            self.status[Status.DELIVERED] -= accepted
            self._count(outcome, accepted)
        return accepted

    @property
    def surest(self) -> Assurance | None:
        """The highest assurance of any record; an unchanged one counts as accepted. None: none is at the vendor."""
        found = next((level for level in reversed(Assurance) if self.assurance[level]), None)
        return found or (Assurance.ACCEPTED if self.status[Status.UNCHANGED] else None)

    @property
    def total(self) -> int:
        return self.status.total()

    def check(self, records: int) -> None:
        """Raise AccountingError unless every one of `records` has exactly one outcome."""
        if self.total != records or self.assurance.total() != self.status[Status.DELIVERED]:
            counts = ", ".join(f"{status} {self.status[status]}" for status in Status)
            raise AccountingError(
                f"{records} records went in and {self.total} outcomes came out ({counts})",
                hint="This is a bug in proofport or in an adapter: do not rely on this run, and report it.",
            )
