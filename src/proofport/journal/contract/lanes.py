"""Lanes: who may write to one, and working on those that have something to do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import JsonValue

from proofport.accounting import Assurance
from proofport.adapter import Memory
from proofport.journal.contract.last_state import NOTHING_SENT, Intent, Sent
from proofport.journal.contract.queue import Delivery, Failure, NewDelivery
from proofport.journal.contract.receipts import NewReceipt
from proofport.journal.contract.runs import Attempt, BatchDone, NewRun

TAKEN_RECORDS = 8_000
"""The records that are taken out of the queue at a time, so that they fit into memory."""
TAKEN_BYTES = 32 * 1024 * 1024
"""Likewise, of deliveries as they are stored, which is compressed."""


def since_boot() -> float:
    """Seconds that go on counting while the machine is suspended, as a lease does: clock_gettime(2), CLOCK_BOOTTIME."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


@dataclass(frozen=True, slots=True)
class LaneView:
    """A lane as `status` shows it."""

    lane: str
    queued: int
    #: When the head was accepted.
    oldest: float | None
    dead: int
    epoch: int
    #: Who holds it.
    owner: str | None
    #: In the past: the owner has died or sleeps.
    lease_until: float | None
    #: Nothing is delivered before.
    next_at: float
    #: Why a person must act.
    parked: str | None
    #: How often in a row whoever delivered the head broke down, or died.
    broken: int = 0

    def is_leased(self, now: float) -> bool:
        """True if somebody holds it, who is not known to have died."""
        return self.owner is not None and (self.lease_until or 0.0) > now


@dataclass(frozen=True, slots=True)
class Places:
    """The lanes that one process has, by tenant: see `proofport.config.names`."""

    held: Mapping[str, int] = field(default_factory=dict)
    #: The tenants that get no more for now.
    full: Sequence[str] = ()


NO_PLACES = Places()


class LaneRun(Protocol):
    """The right to write to one lane. Every method but `release` raises LaneLost once the epoch is not ours."""

    lane: str
    #: Whose lane it is.
    tenant: str
    epoch: int
    #: The queued deliveries that whoever held the lane before was about to send, each with the number of its request.
    #: Known once `take` was called.
    left: Mapping[int, int]

    async def renew(self) -> None:
        """Extend the lease. The engine calls it well within every lease, from the background."""
        ...

    async def release(self) -> None:
        """Give the lane back; harmless when it was lost."""
        ...

    async def excuse(self) -> None:
        """Keep the lane, and deliver no more: what was not delivered is not to blame when the lease runs out."""
        ...

    # queued deliveries: the first in order is the head, and stays it until it is done, dead or cancelled
    async def take(self, n: int, *, records: int = TAKEN_RECORDS) -> list[Delivery]:
        """The first `n` in order; the same again until they have ended. None when the lane is parked or rests.

        Not one more once they hold that many `records`, or `TAKEN_BYTES`. What whoever held the lane before was about
        to send becomes IN_DOUBT. Of deliveries that still wait it stays known which were to go in one request (`left`).
        """
        ...

    async def done(
        self,
        delivery: Delivery,
        outcome: str,
        *,
        sent: Sent = NOTHING_SENT,
        dead: tuple[NewDelivery, Failure] | None = None,
        intents: Sequence[Intent] = (),
        arrived: Assurance | None = None,
    ) -> None:
        """It was delivered, which also wins over a cancellation, or setting it aside, meanwhile. Its own intents end.

        `dead`: the records of it that were rejected; they become a dead delivery of their own, at the same time, with
        as many attempts. `intents`: what is sent next, durable at the same time.
        `arrived`: how sure the surest of its records is, see `Arrival`. None: none was delivered.
        """
        ...

    async def dead(self, delivery: Delivery, failure: Failure, *, bodies: bytes | None = None) -> None:
        """Set it aside, and go on with the next. A delivery that was cancelled meanwhile stays cancelled.

        Nothing of it has arrived: its intents end. `bodies`: what was sent of it, which replaces what was to be sent.
        """
        ...

    async def set_aside(self, delivery: Delivery, failure: Failure) -> None:
        """As `dead`, where something of it may have arrived: what was about to be sent becomes IN_DOUBT."""
        ...

    async def unreceipted(self, n: int, *, after: int = 0) -> list[Delivery]:
        """The first `n` deliveries with an id above `after` that have ended, and whose receipt is to follow."""
        ...

    async def add_receipt(self, new: NewReceipt, deliveries: Sequence[int], *, after: int) -> bool:
        """As `Receipts.add_receipt`: these deliveries name it from then on, in the same transaction.

        Raises JournalError, and adds nothing, where one of them is not due.
        """
        ...

    async def later(self, delivery: Delivery, delay: float, failure: Failure, *, broke_down: bool = False) -> None:
        """Count an attempt, and let the lane rest for `delay` seconds.

        `broke_down`: that is counted as well; otherwise it is counted from the start.
        """
        ...

    async def park(self, reason: str) -> None:
        """Keep everything and deliver nothing until `Journal.resume`."""
        ...

    # runs: what follows `begin` is for a run that this LaneRun has begun; UsageError for any other
    async def begin(self, run: NewRun) -> None:
        """Open a run. One that exists (same `run_id` and destination) is opened again, with its memory and batches.

        Others of its lane, destination and kind that are still open end here: what they had staged at the vendor is
        cancelled by this one, and what they had not sent is older than what this one sends.

        A run that is found open (this one, or any of its lane and kind) was cut off, and may have sent what it has not
        noted: what was delivered of the kind before is PERHAPS_OVERWRITTEN from now on, without a write for each id.
        Each cut counts once: a run that stays open is only counted again when it was begun again.

        Intents that were left become IN_DOUBT, and end; those of this very run stay until their batches are noted.
        """
        ...

    async def remember(self, run_id: str, memory: Memory) -> None: ...
    async def batch_done(self, run_id: str, batch: BatchDone, *, intents: Sequence[Intent] = ()) -> None:
        """Durable when it returns, together with the last delivered state of its ids. Replaces one of its number.

        Its intent ends. `intents`: what is sent next, durable at the same time.
        """
        ...

    async def intend(self, kind: str, intents: Sequence[Intent], *, run_id: str | None = None) -> None:
        """Note what is about to be sent: of the run, or of queued deliveries. Durable when it returns."""
        ...

    async def withdraw(self, kind: str, intents: Sequence[Intent], *, run_id: str | None = None) -> None:
        """Drop intents of what was not sent after all."""
        ...

    async def completing(self, run_id: str) -> None:
        """Note that the vendor is about to be told to complete a staged run. Durable when it returns.

        If the run is not known to be complete when the next one begins, what it has sent becomes IN_DOUBT then.
        """
        ...

    async def number_sources(self, kind: str, names: Sequence[str]) -> list[int]:
        """The numbers of sources of the lane and kind, from 1 on. New names get new numbers."""
        ...

    async def end(self, run_id: str, *, complete: bool, report: str, arrived: Assurance | None = None) -> None:
        """Close a run with its report. `arrived`: how sure the surest of its records is. None: none is there."""
        ...

    async def note_missing(self, kind: str, ids: Sequence[str], *, at: float) -> list[float]:
        """Note that the set that is about to be sent lacks these ids. Returns when each was first missing.

        That is `at`, or the time that an earlier attempt noted, or that of its tombstone. What was noted of other ids
        is dropped: they are not missing any more. Nothing else changes.
        """
        ...

    async def forget(self, kind: str, ids: Sequence[str], *, gone_at: float | None = None, since: float = 0.0) -> None:
        """Drop these ids from the last delivered state: gone at the vendor, or known to be gone at the source.

        `gone_at`: those with a body become tombstones of this time, or of the one that `note_missing` has noted, and
        all tombstones of the kind from before `since` are dropped. Without it, the ids have no tombstone any more.
        """
        ...

    async def rekey(self, kind: str, keys: Sequence[tuple[str, str]], *, done: bool = False) -> None:
        """Move ids of the last delivered state under their keys, each unless another id stands there: `(id, key), …`.

        The id stays as the first spelling. `done`: every id that can be moved has been.
        """
        ...

    async def keep_adapter_memory(self, key: str, value: JsonValue, *, doubts: str | None) -> None:
        """Write the value of a key that has none; otherwise nothing happens.

        `doubts`: what was delivered of this kind before is IN_DOUBT from now on, if the value was written.
        """
        ...

    async def attempted(self, attempts: Sequence[Attempt]) -> None: ...


class Lanes(Protocol):
    async def lanes(self) -> list[LaneView]: ...
    async def resume(self, lane: str) -> bool:
        """Unpark a lane and let it go at once. False when there is no such lane."""
        ...

    async def claim(
        self, lane: str | None = None, *, owner: str, lease: float, places: Places = NO_PLACES
    ) -> LaneRun | None:
        """Take a lane that nobody holds (or whose lease has run out). None of these: None.

        Without a name: any lane with queued work that is neither parked nor resting, to drain it. Of the tenants that
        are not `full` the one that holds the fewest `places` goes first, and of its lanes the longest claimable.
        With a name: that lane, made if need be, even when parked or resting: for runs.

        Where the owner before was to drain the lane, and did not give it back, that counts as a breakdown of the head.
        """
        ...

    async def work(
        self,
        drain: Callable[[LaneRun], Awaitable[None]],
        *,
        owner: str,
        slots: int,
        lease: float,
        stop: asyncio.Event,
        shared: bool = False,
    ) -> None:
        """Claim lanes and drain them, up to `slots` at a time, woken by new work, until `stop` is set.

        `shared`: a tenant gets one more slot only while it has fewer than are free, so that it never takes all.
        Running drains are brought to their end. Each lane is released after its drain; a drain that raises keeps its
        lane until the lease runs out, so that a broken one cannot spin.
        """
        ...
