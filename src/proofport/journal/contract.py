"""The seam between delivery and durable state. Every journal passes the suite in `tests/journal_contract`.

A journal keeps two kinds of work in lanes. Queued deliveries carry their evidence and are drained in order by whoever
holds the lane. Bulk runs keep their evidence in the user's files: the journal holds positions, digests and outcomes.
A lane has one writer at a time: a `LaneRun` with a lease and a fencing epoch. Every write of a `LaneRun` raises
`LaneLost` once another owner has taken the lane over, so that a process that was frozen can do no harm when it wakes.
A lease that has run out is still good as long as nobody else has claimed the lane.
All times are seconds since 1970. Every method raises JournalError when the store cannot be read or written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from proofport.adapter import Memory, Mode, Schema
from proofport.journal.access import AccessKeys
from proofport.journal.deliveries import Accepted as Accepted
from proofport.journal.deliveries import Delivery as Delivery
from proofport.journal.deliveries import Failure as Failure
from proofport.journal.deliveries import Filter as Filter
from proofport.journal.deliveries import NewDelivery as NewDelivery
from proofport.journal.deliveries import Once as Once
from proofport.journal.deliveries import State as State
from proofport.journal.deliveries import Submitted as Submitted
from proofport.journal.snapshots import Snapshots

RunState: TypeAlias = Literal["open", "complete", "ended"]


@dataclass(frozen=True, slots=True)
class LaneView:
    """A lane as `status` shows it. `parked`: why a person must act; `next_at`: not before; `owner`: who holds it.

    `oldest`: when the head was accepted. A `lease_until` in the past: its owner has died or sleeps.
    """

    lane: str
    queued: int
    oldest: float | None
    dead: int
    epoch: int
    owner: str | None
    lease_until: float | None
    next_at: float
    parked: str | None


@dataclass(frozen=True, slots=True)
class NewRun:
    """A bulk run of one destination, as it begins. `staged`: nothing of it counts as delivered until it is complete."""

    run_id: str
    destination: str
    kind: str
    mode: Mode
    inputs: Sequence[str] = ()
    staged: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """What became the last delivered state of its ids: 64-bit unsigned digests of the bodies, and when the source had
    looked (seconds, 0 for unknown; empty when that is unknown for all).

    A body of 0: the id belongs to the run's set, and what was delivered for it before still holds. In mode `remove`
    the ids leave the state. What is sent later wins, also when it was observed earlier.
    `items`: the bodies themselves, where they are kept; an empty one leaves the one before. A removal empties them.
    """

    ids: Sequence[str] = ()
    bodies: Sequence[int] = ()
    observed: Sequence[float] = ()
    items: Sequence[bytes] = ()


NOTHING_SENT = Sent()
IN_DOUBT = 1
"""Noted as the last delivered body where it is not known to have arrived: no body equals it, so none is unchanged."""
PERHAPS_OVERWRITTEN = 2
"""Stands for a body that was delivered, and may have been followed by another that was not noted. None equals it."""


@dataclass(frozen=True, slots=True)
class BatchDone:
    """One acknowledged batch of a bulk run: where it was in the input, what was sent, what became of it.

    `digest` is over the ids and bodies, `outcomes` text of the counts and problems. `sent` updates the last delivered
    state of the run's lane and kind; when the run is read back, it is empty.
    """

    number: int
    first: int
    last: int
    records: int
    digest: bytes
    outcomes: str
    sent: Sent = field(default=NOTHING_SENT, repr=False)


@dataclass(frozen=True, slots=True)
class RunView:
    """A bulk run as it stands. `complete`: the whole set was delivered (a snapshot: completed); `report`: JSON."""

    run_id: str
    lane: str
    destination: str
    kind: str
    mode: Mode
    state: RunState
    memory: Memory
    started: float
    ended: float | None
    report: str | None
    inputs: Sequence[str] = ()
    batches: Sequence[BatchDone] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call to a vendor. `status` 0 = no answer. Never a body, never a secret."""

    operation: str
    status: int
    seconds: float
    sent_bytes: int
    digest: str
    message: str
    at: float
    run_id: str | None = None
    delivery: int | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What was last delivered for one id: digest of the body, and when the source had looked (0: unknown)."""

    body: int
    observed: float


@dataclass(frozen=True, slots=True)
class Kept:
    """The body that was last sent for one id, and the run or the queued delivery that sent it.

    `removed`: it was removed since, by that run or delivery if any is named, and its body is empty.
    """

    id: str
    run_id: str | None
    body: bytes = field(repr=False)
    delivery: int | None = None
    removed: bool = False


class LaneRun(Protocol):
    """The right to write to one lane. Every method but `release` raises LaneLost once the epoch is not ours."""

    lane: str
    epoch: int

    async def renew(self) -> None:
        """Extend the lease. The engine calls it well within every lease, from the background."""
        ...

    async def release(self) -> None:
        """Give the lane back; harmless when it was lost."""
        ...

    # queued deliveries: the first in order is the head, and stays it until it is done, dead or cancelled
    async def take(self, n: int) -> list[Delivery]:
        """The first `n` in order; the same again until they have ended. None when the lane is parked or rests."""
        ...

    async def done(
        self,
        delivery: Delivery,
        outcome: str,
        *,
        sent: Sent = NOTHING_SENT,
        dead: tuple[NewDelivery, Failure] | None = None,
    ) -> None:
        """It was delivered, which also wins over a cancellation meanwhile.

        `dead`: the records of it that were rejected; they become a dead delivery of their own, at the same time, with
        as many attempts.
        """
        ...

    async def dead(self, delivery: Delivery, failure: Failure, *, bodies: bytes | None = None) -> None:
        """Set it aside, and go on with the next. A delivery that was cancelled meanwhile stays cancelled.

        `bodies`: what was sent of it, which replaces what was to be sent.
        """
        ...

    async def later(self, delivery: Delivery, delay: float, failure: Failure) -> None:
        """Count an attempt, and let the lane rest for `delay` seconds."""
        ...

    async def park(self, reason: str) -> None:
        """Keep everything and deliver nothing until `Journal.resume`."""
        ...

    # bulk runs: what follows `begin` is for a run that this LaneRun has begun; UsageError for any other
    async def begin(self, run: NewRun) -> None:
        """Open a run. One that exists (same `run_id` and destination) is opened again, with its memory and batches.

        Others of its lane, destination and kind that are still open end here: what they had staged at the vendor is
        cancelled by this one, and what they had not sent is older than what this one sends.

        A run that is found open (this one, or any of its lane and kind) was cut off, and may have sent what it has not
        noted: what was delivered of the kind before is PERHAPS_OVERWRITTEN from now on, without a write for each id.
        Each cut counts once: a run that stays open is only counted again when it was begun again.
        """
        ...

    async def remember(self, run_id: str, memory: Memory) -> None: ...
    async def batch_done(self, run_id: str, batch: BatchDone) -> None:
        """Durable when it returns, together with the last delivered state of its ids. Replaces one of its number."""
        ...

    async def end(self, run_id: str, *, complete: bool, report: str) -> None: ...
    async def forget(self, kind: str, ids: Sequence[str]) -> None:
        """Drop these ids from the last delivered state: gone at the vendor, or known to be gone at the source."""
        ...

    async def note_schema(self, schema: Schema) -> None:
        """Note what the first delivery under this slug froze, and when; what is noted already stays as it is.

        What was delivered of the kind before belongs to another schema: it is in doubt from now on.
        """
        ...

    async def attempted(self, attempts: Sequence[Attempt]) -> None: ...


class Journal(AccessKeys, Snapshots, Protocol):
    async def open(self) -> None:
        """Raises ConfigError when the place cannot hold a journal, or holds something else."""
        ...

    async def close(self) -> None:
        """Whatever was asked before is brought to its end first."""
        ...

    # accepting and looking
    async def accept(self, deliveries: Sequence[NewDelivery]) -> list[Accepted]:
        """All of them or none, durable when it returns. Order within a lane is the order of acceptance."""
        ...

    async def submit(self, deliveries: Sequence[NewDelivery], *, once: Once | None = None) -> Submitted:
        """Accept at least one delivery, none of them with a key, as one submission; all of them or none, durably.

        When `once.key` is known for its tenant, nothing is accepted, whatever the digest is: compare it.
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

    async def cancel(self, chosen: Filter, reason: str) -> int:
        """Drop queued or dead deliveries; they stay readable with the reason. The number of them."""
        ...

    async def queued_bytes(self) -> int:
        """The size of all evidence that waits. Every queued delivery is looked at."""
        ...

    # lanes
    async def lanes(self) -> list[LaneView]: ...
    async def resume(self, lane: str) -> bool:
        """Unpark a lane and let it go at once. False when there is no such lane."""
        ...

    async def claim(self, lane: str | None = None, *, owner: str, lease: float) -> LaneRun | None:
        """Take a lane that nobody holds (or whose lease has run out). None of these: None.

        Without a name: any lane with queued work that is neither parked nor resting, the longest claimable first.
        With a name: that lane, made if need be, even when parked or resting: for bulk runs.
        """
        ...

    async def work(
        self, drain: Callable[[LaneRun], Awaitable[None]], *, owner: str, slots: int, lease: float, stop: asyncio.Event
    ) -> None:
        """Claim lanes and drain them, up to `slots` at a time, woken by new work, until `stop` is set.

        Running drains are brought to their end. Each lane is released after its drain; a drain that raises keeps its
        lane until the lease runs out, so that a broken one cannot spin.
        """
        ...

    # bulk runs
    async def run(self, run_id: str, destination: str) -> RunView | None:
        """With its batches."""
        ...

    async def runs(self, *, lane: str | None = None, limit: int = 20) -> list[RunView]:
        """The latest first, without batches."""
        ...

    async def attempts(self, *, run_id: str | None = None, lane: str | None = None, limit: int = 100) -> list[Attempt]:
        """The latest first."""
        ...

    # the last delivered state, per lane and kind
    async def known(self, lane: str, kind: str, ids: Sequence[str]) -> list[Known | None]: ...
    async def gone(self, lane: str, kind: str, run_id: str, *, after: str = "", limit: int = 500) -> list[str]:
        """Ids delivered before and in no batch of `run_id`, the latest run of its lane and kind; in id order."""
        ...

    async def known_count(self, lane: str, kind: str) -> int: ...
    async def bodies(self, lane: str, kind: str, ids: Sequence[str]) -> list[bytes | None]:
        """The bodies that were last sent; an empty one for an id that was removed since. None: none was kept."""
        ...

    async def kept(self, lane: str, kind: str, *, after: str = "", limit: int = 500) -> list[Kept]:
        """The last delivered state with its bodies, and what was removed of it, in id order.

        Without ids whose body was never kept.
        """
        ...

    async def amend(self, run_id: str, destination: str, report: str) -> None:
        """Replace the report of a run that has ended: what was found out about it later."""
        ...

    async def amend_delivery(self, delivery: int, outcome: str) -> None:
        """Replace the outcome of a delivery that is done."""
        ...

    # schemas that vendors make from what they are sent
    async def schemas(self, lane: str) -> list[Schema]:
        """In the order in which they were first published."""
        ...

    async def confirm_schema(self, lane: str, slug: str) -> bool:
        """Note that a person has completed it at the vendor. False when nothing was published under this slug."""
        ...

    # the pacer
    async def permit(self, key: str, *, per_minute: int, burst: int) -> float:
        """Take the next permit of a budget that all processes share; the seconds to wait before using it."""
        ...
