"""Abilities that only some vendors have. The engine asks with `isinstance`: the methods are there, or they are not.

`Opens`, `Stages`, `Replaces`, `Splits`, `Ends`, `Matches`, `Lists`, `ListsWhole`, `ReadsBack`, `MakesSchema` and
`Provisions` are for resources; `Checks` and `HasOperations` for adapters. Nothing that follows from a record's absence
leaves before the guard has agreed: the engine calls `Stages.complete`, `Replaces.replace` and `Ends.end` only then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from pydantic import JsonValue

from proofport.accounting import Outcome, Tally
from proofport.adapter.values import (
    Batch,
    Blueprint,
    Finding,
    Flow,
    Job,
    Memory,
    Operation,
    Page,
    Provisioned,
    ReadBack,
)
from proofport.errors import Problem


# ------------------------------------------------------------------ delivering
@runtime_checkable
class Opens(Protocol):
    """Something must happen before the first batch."""

    def open(self, job: Job, memory: Memory) -> Flow[Memory]:
        """Prepare the delivery. `memory` is that of the run that is resumed, or empty.

        Returns what later flows need. Other data than before mean that the vendor's side began anew: then the engine
        sends everything again.
        """


@runtime_checkable
class Stages(Protocol):
    """A snapshot stays invisible at the vendor until it is complete. Then it takes the place of the set before."""

    @property
    def empty_set(self) -> Literal["refuse", "end"]:
        """The meaning of an empty snapshot: a mistake, or that all records are to be ended one by one (`Ends`)."""

    def complete(self, job: Job, memory: Memory, tally: Tally) -> Flow[None]:
        """Make the staged set the live one. Completing again a set that is complete already is no error.

        `tally` counts the records that were staged as delivered, with those that `guard.refused` keeps as they were.
        """

    def cancel(self, job: Job, memory: Memory) -> Flow[None]:
        """Drop what was staged, and leave the live set as it was."""


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A record that has gone within the days that `Replaces.keeps_gone` names."""

    id: str
    body: bytes  #: The body that was sent last.
    gone_at: float  #: When it was first missing, in seconds since 1970.


@runtime_checkable
class Replaces(Protocol):
    """The vendor takes a set only whole, in one request: what the request lacks is gone."""

    @property
    def keeps_gone(self) -> int:
        """Days for which `replace` is given what has gone. 0: never. More than 0 needs `keeps_bodies`."""

    def replace(self, job: Job, memory: Memory, batch: Batch, tombstones: Sequence[Tombstone]) -> Flow[list[Outcome]]:
        """Put the whole set in place of the one before. One outcome for each record of the batch, as in `send`.

        The engine never splits the set. It repeats the request only byte for byte, and only while the lane is its own.
        `tombstones` are in the order of their ids. They have no outcome, and the limits do not count them.
        """


@runtime_checkable
class Splits(Replaces, Protocol):
    """The vendor keeps the records of a kind in several objects of its own, and each of them is replaced whole.

    An object that holds records is emptied only where a person agrees, as an empty set is refused.
    """

    def object_of(self, body: bytes) -> str:
        """The object that a record belongs to. `body` is as it is given to `replace`, or as the list shows it."""


@runtime_checkable
class Ends(Protocol):
    """The vendor can be told that a record is gone."""

    @property
    def ends(self) -> Literal["always", "on_request"]:
        """`on_request`: ending destroys the record, so it takes `--delete-gone`."""

    def end(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        """End records that are gone. The bodies are empty; `batch.last` says what was delivered last."""


@runtime_checkable
class Matches(Protocol):
    """The vendor takes two records for one when they share a value, although their ids differ."""

    def matched_on(self, body: bytes) -> Sequence[tuple[str, str]]:
        """Field and value of all that the vendor matches this record on, besides its id.

        Values that the vendor may take for equal are given in one spelling. Empty values and placeholders are left
        out. The engine refuses the later of two records of a run that share a field and value.
        """


# ------------------------------------------------------------------ reading
@runtime_checkable
class Lists(Protocol):
    """The vendor shows the records that it holds, under our ids."""

    @property
    def lags(self) -> bool:
        """True: a write shows up later, so that the list cannot say what is unchanged or gone."""

    def page(self, cursor: str | None) -> Flow[Page]:
        """One page of the live records."""


@runtime_checkable
class ListsWhole(Lists, Protocol):
    """The vendor may show all that was sent of a record."""

    @property
    def lists_whole(self) -> bool:
        """True: each listed record is `whole`. False, or without this protocol: the journal keeps the last bodies of a
        set that goes whole, where `guard.refused` may have to send them again.
        """


@runtime_checkable
class ReadsBack(Protocol):
    """`verify` can compare what was sent with what the vendor shows, whatever ids it shows."""

    @property
    def read_back(self) -> ReadBack: ...

    @property
    def ended_fields(self) -> Mapping[str, JsonValue]:
        """The fields, with their values, that say of a record that it is gone."""

    def rows(self, cursor: str | None) -> Flow[Page]:
        """One page of rows to compare with what was sent."""


# ------------------------------------------------------------------ schemas
@dataclass(frozen=True, slots=True)
class Schema:
    """A schema that the vendor made, or will make, from what it is sent, as `proofport schema` shows it."""

    slug: str
    kind: str
    #: The JSON type of each field; "any" while no record has shown it. Empty: nothing was published from here.
    fields: Mapping[str, str] = field(default_factory=dict)
    primary_id: str = "id"
    published: float = 0.0  #: When it was first published from here, in seconds since 1970. 0: never.
    #: When a person said that it is complete at the vendor, in seconds since 1970. 0: not known.
    confirmed: float = 0.0
    configured: bool = False  #: The configuration says that it is complete at the vendor.
    current: bool = True  #: The configuration delivers the kind under this slug now.

    @property
    def defined(self) -> bool:
        """True if it is known to be complete at the vendor."""
        return self.configured or self.confirmed > 0


@dataclass(frozen=True, slots=True)
class Admission:
    """The records of a batch that may go, by their index, and what the vendor makes of them."""

    order: Sequence[int]  #: The indexes to send, in this order.
    refused: Mapping[int, Problem] = field(default_factory=dict)
    #: Key and value to keep in the lane's adapter memory as soon as the vendor may have taken one of the records.
    #: What was delivered of the kind before belongs to another schema: it is in doubt from then on.
    freezes: tuple[str, JsonValue] | None = None
    note: str | None = None  #: A sentence for the report, about what the vendor makes of them.


@runtime_checkable
class MakesSchema(Protocol):
    """The first delivery freezes a schema. The adapter keeps it in the lane's memory (`Job.lane_memory`)."""

    def admit(self, job: Job, batch: Batch) -> Admission:
        """Sort out what the schema cannot take. Raises UsageError when no record is fit to be the first.

        Asked before every batch, also in a dry run and for a plan.
        """

    def schemas(self, lane_memory: Mapping[str, JsonValue]) -> Sequence[Schema]:
        """The schemas of this kind: the current one, then those that were published under other slugs."""

    def confirm(self, lane_memory: Mapping[str, JsonValue], now: float) -> tuple[str, JsonValue]:
        """Key and new value, once a person has completed the schema at the vendor. Raises UsageError: none is known."""


# ------------------------------------------------------------------ beside delivering
@runtime_checkable
class Provisions(Protocol):
    """The object of a kind can be found or made by the vendor's API, or a person is told the steps."""

    def provision(self, blueprint: Blueprint) -> Flow[Provisioned]:
        """Find or make the object. Where only a person can, the result has no settings, and the steps as its notes."""


@runtime_checkable
class Checks(Protocol):
    """`doctor` can look at credentials, objects and permissions."""

    def check(self) -> Flow[list[Finding]]:
        """The findings, as far as reading calls can tell."""


@runtime_checkable
class HasOperations(Protocol):
    """The vendor has calls of its own, for what no kind and mode stands for."""

    def operations(self) -> Sequence[Operation]: ...
