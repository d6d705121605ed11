"""Queued deliveries: evidence that was accepted, and waits until its lane delivers it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from proofport.adapter import Mode

State: TypeAlias = Literal["queued", "done", "dead", "cancelled"]


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """Work to accept: evidence for one destination."""

    lane: str
    destination: str
    kind: str
    mode: Mode
    #: Neutral records as `proofport.delivery.lane.payload` packs them. They are mapped when they are delivered.
    payload: bytes
    records: int
    #: The body of each record, to be sent as it is: see `Delivery`. None: the evidence is mapped.
    bodies: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Accepted:
    """One delivery that is queued."""

    id: int
    #: Its key was known: this is the delivery that was accepted then.
    duplicate: bool


@dataclass(frozen=True, slots=True)
class IdempotencyRecord:
    """Lets a submission happen once: the same `key` of the same tenant is given the first answer again."""

    tenant: str
    key: str
    #: Of all that was asked, so that a key that comes back with another request is recognised.
    digest: bytes
    answer: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Submitted:
    """The result of a submission."""

    #: Of its deliveries, in their order. The first is the number of the submission.
    ids: Sequence[int]
    #: What was submitted under this key before. Then nothing was accepted now, and `ids` are those of then.
    first: IdempotencyRecord | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a delivery is not done."""

    #: A stable word.
    reason: str
    #: Text for programs: outcomes.
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One queued delivery."""

    id: int
    lane: str
    destination: str
    kind: str
    mode: Mode
    payload: bytes
    records: int
    state: State
    #: Every try, the last one included.
    attempts: int
    created: float
    finished: float | None = None
    #: What `done` was given. Of a cancelled delivery JSON: `{"reason": …}` or `{"replayed_as": id}`.
    outcome: str | None = None
    #: The last one. Of a dead delivery: why it is dead.
    failure: Failure | None = None
    #: The id of the first delivery that was accepted with it.
    submission: int | None = None
    #: The body of each record, as `proofport.delivery.lane.payload` packs them. Of a dead delivery: those that were
    #: sent. Of any other: those to be sent as they are, instead of what its evidence is mapped to.
    bodies: bytes | None = field(default=None, repr=False)
    #: How often in a row its lane was held to deliver it, and whoever held it broke down or died.
    breakdowns: int = 0
    #: The name of the receipt that it stands in, once there is one.
    receipt: str | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which deliveries. Every given field must match."""

    ids: Sequence[int] | None = None
    lane: str | None = None
    state: State | None = None
    #: Whose lanes: see `proofport.config.names`.
    tenant: str | None = None
    #: Any of these.
    destinations: Sequence[str] | None = None
    #: Any of these.
    kinds: Sequence[str] | None = None
    submission: int | None = None


class Queue(Protocol):
    """Accepting deliveries, and looking after those that were accepted."""

    async def accept(self, deliveries: Sequence[NewDelivery], *, record: IdempotencyRecord | None = None) -> Submitted:
        """Accept deliveries as one submission: all of them or none, durable when it returns.

        Order within a lane is the order of acceptance. When the key of `record` is known for its tenant, nothing is
        accepted, whatever the digest is: compare it.
        """
        ...

    async def find(
        self, chosen: Filter, *, after: int = 0, before: int | None = None, limit: int = 100
    ) -> list[Delivery]:
        """In id order, those with an id above `after`; with `before` the latest first, those with an id below it."""
        ...

    async def replay(self, chosen: Filter, *, as_it_was: bool = False) -> list[Accepted]:
        """Accept dead deliveries again, at the tail of their lanes; the dead become `cancelled`, naming the new.

        `as_it_was`: with the bodies that were sent; otherwise without, so that their evidence is mapped again.
        """
        ...

    async def set_aside(self, chosen: Filter, failure: Failure) -> int:
        """Make dead letters of queued deliveries. The number of them. One that arrives all the same is done."""
        ...

    async def cancel(self, chosen: Filter, reason: str) -> int:
        """Drop queued or dead deliveries; they stay readable with the reason. The number of them."""
        ...

    async def waiting_bytes(self) -> dict[str, int]:
        """By tenant, the size of the evidence that waits: queued, or in parts of snapshots. All of it is looked at."""
        ...

    async def amend_delivery(self, delivery: int, outcome: str) -> None:
        """Replace the outcome of a delivery that is done."""
        ...
