"""Drains the lanes of queued deliveries: a run over a lane's deliveries, in order, resting where the vendor says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

from proofport.adapter import Adapter, Mode
from proofport.delivery.destination_run import DestinationRun
from proofport.delivery.lease import Holder, alongside, new_owner, renewing
from proofport.delivery.payload import unpack_all, unpack_bodies
from proofport.delivery.queue.books import QueueBooks, QueueLedger, Watch
from proofport.delivery.reading import Branch
from proofport.delivery.report import DestinationReport
from proofport.delivery.same import keys_of
from proofport.delivery.spellings import Spellings
from proofport.delivery.target import Target
from proofport.errors import (
    Blocked,
    JournalError,
    LaneLost,
    OutcomeUnknown,
    Problem,
    ProofportError,
    Rejected,
    Retryable,
)
from proofport.evidence import Neutral
from proofport.http.sender import Sender
from proofport.journal.contract import Delivery, Failure, Journal, LaneRun
from proofport.logs import get_logger

TAKEN_AT_ONCE = 16
LONGEST_REST = 300.0
NO_BODY = Problem(
    "no body: the mapping refused this record",
    "a body that was sent before",
    hint="Replay it without sending it as it was: it is mapped again.",
)

Group: TypeAlias = "Sequence[_Taken]"

log = get_logger("delivery")


@dataclass(frozen=True, slots=True)
class _Taken:
    """A delivery with its records."""

    delivery: Delivery
    records: Sequence[Neutral]
    #: What their ids compare by. None: the ids themselves.
    keys: Sequence[str] | None
    #: They compare without case.
    fold: bool


@dataclass(frozen=True, slots=True)
class Worker:
    """Delivers what a journal holds."""

    journal: Journal
    #: Gives the adapter and mapping of a destination, kind and mode.
    target: Callable[[str, str, Mode], Target]
    sender: Callable[[Adapter], Sender]
    instance: str
    lease: float
    #: The number of lanes that go at a time.
    slots: int = 8
    #: Seconds that what is in flight may take to end once it is time to stop. What has not ended stays queued, its lane
    #: is released, and whoever claims that sends it again. None: it is waited for.
    grace: float | None = None
    watch: Watch | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set. Deliveries in flight are brought to their end first, within `grace`."""

        async def drain(run: LaneRun) -> None:
            try:
                async with _limited(stop, self.grace) as limit:
                    await self._drain(run, stop)
            except TimeoutError:
                if not limit.expired():
                    raise
                log.warning("delivery_released", lane=run.lane, seconds=self.grace)

        await self.journal.work(drain, owner=new_owner(), slots=self.slots, lease=self.lease, stop=stop)

    async def _drain(self, run: LaneRun, stop: asyncio.Event) -> None:
        """Deliver in order until the lane is empty, rests, is parked, or is lost, or it is time to stop."""
        holder = Holder(run, self.lease)
        try:
            async with (
                renewing(holder.confirm, self.lease, lambda error: None, lane=run.lane),
                AsyncExitStack() as stack,
            ):
                drain = _Drain(self, holder, stop, stack)
                while deliveries := await run.take(TAKEN_AT_ONCE):
                    for group in _groups(deliveries):
                        if stop.is_set() or not await drain.deliver(group):
                            return
        except LaneLost as error:
            log.error("lane_lost", lane=run.lane, error=error.message)


class _Drain:
    """Delivers what is queued on one lane, which a worker holds."""

    def __init__(self, worker: Worker, holder: Holder, stop: asyncio.Event, stack: AsyncExitStack) -> None:
        self._worker = worker
        self._holder = holder
        self._stop = stop
        self._stack = stack
        self._senders: dict[str, Sender] = {}
        self._spellings: dict[str, Spellings] = {}

    async def deliver(self, group: Group) -> bool:
        """Deliver a group. False: the lane does not go on with its next delivery.

        It rests where time may mend it, and is parked for everything that a person has to look at.
        """
        run, parked = self._holder.run, False
        books = QueueBooks(run, self._worker.watch)
        error: ProofportError | None
        try:
            error = await self._send(group, books)
            parked = isinstance(error, Blocked)  # again would undo it when a person resumes
        except ProofportError as raised:
            error = raised
        if error is None:
            left = {delivery.id for delivery in books.unsettled} if len(group) > 1 else ()
            for each in group:
                if each.delivery.id in left and not await self.deliver([each]):
                    return False
            return True
        if isinstance(error, LaneLost | JournalError):  # without its journal a lane can be neither rested nor parked
            raise error
        if isinstance(error, Retryable | OutcomeUnknown):  # what may have arrived is sent again: at least once
            head = books.unsettled[0] if books.unsettled else group[0].delivery
            asked = error.after if isinstance(error, Retryable) else None
            rest = asked or min(2.0 ** min(head.attempts, 8), LONGEST_REST)
            await run.later(head, rest, Failure("vendor_unavailable", str(error)))
            log.warning("lane_rests", lane=run.lane, seconds=round(rest, 1), error=error.message)
        else:
            if not parked:
                await run.park(str(error))
            log.error("lane_parked", lane=run.lane, error=error.message)
        return False

    async def _send(self, group: Group, books: QueueBooks) -> ProofportError | None:
        """Why the destination has stopped, if it has."""
        worker, first = self._worker, group[0].delivery
        target = worker.target(first.destination, first.kind, first.mode)
        if first.destination not in self._senders:
            sender = await self._stack.enter_async_context(worker.sender(target.adapter))
            self._senders[first.destination] = sender
        sender = self._senders[first.destination]
        job = target.job(f"delivery-{first.id}", worker.instance, first.kind, first.mode)
        report = DestinationReport(target.name, lanes=[target.lane])
        ledger = QueueLedger(report, books.describe, books)
        destination = DestinationRun(target, job, sender, ledger, retry_seconds=0.0, in_order=True)
        destination.attach(worker.journal, self._holder, books)
        try:
            await self._feed(destination, target, group, books)
        finally:
            await books.attempted(sender.take_attempts(), books.unsettled[:1])
            ledger.close()
            destination.collisions.close()
        if not isinstance(destination.error, LaneLost | JournalError):
            await books.withdraw()
            await books.settle()
        return destination.error

    def _spellings_of(self, kind: str) -> Spellings:
        if kind not in self._spellings:
            run = self._holder.run
            self._spellings[kind] = Spellings(self._worker.journal, run.lane, kind, run)
            self._stack.callback(self._spellings[kind].close)
        return self._spellings[kind]

    async def _feed(self, destination: DestinationRun, target: Target, group: Group, books: QueueBooks) -> None:
        """Give the destination run the records of the group, until it is time to stop."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(destination.run())
                kept_bodies: dict[int, bytes | None] = {}
                first, submission = group[0].delivery, group[0].delivery.submission
                as_it_was = first.bodies is not None
                encode = _as_it_was(kept_bodies) if as_it_was else target.encoder(first.mode)
                branch = Branch(destination, encode, None if as_it_was else self._spellings_of(first.kind))
                for each in group:
                    delivery, records = each.delivery, each.records
                    if self._stop.is_set() and delivery is not first:
                        break
                    if delivery.bodies is not None:
                        bodies = unpack_bodies(delivery.bodies)
                        kept_bodies.update(zip(map(id, records), bodies, strict=True))
                    if delivery.submission != submission:
                        submission = delivery.submission
                        destination.collisions.begin_another()
                    start = books.add(delivery, records, fold=each.fold)
                    await branch.take(records, range(start, start + len(records)), keys=each.keys, fold=each.fold)
                await branch.finish()
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None


def _groups(deliveries: Sequence[Delivery]) -> Iterator[Group]:
    """Deliveries that may share a batch: of one destination, kind and mode, and with no id twice.

    A record that comes again waits until what came before it is written down.
    """
    group: list[_Taken] = []
    keys: set[str] = set()
    for delivery in deliveries:
        taken = _taken(delivery)
        own = {record["id"] for record in taken.records} if taken.keys is None else set(taken.keys)
        if group and (not keys.isdisjoint(own) or _sort(group[0].delivery) != _sort(delivery)):
            yield group
            group, keys = [], set()
        group.append(taken)
        keys |= own
    if group:
        yield group


def _taken(delivery: Delivery) -> _Taken:
    """A delivery with its records. Those whose ids are the same get the spelling of the first."""
    records, fold = unpack_all(delivery.payload)
    ids = [record["id"] for record in records]
    keys = keys_of(ids, fold=fold)
    if keys is ids:
        return _Taken(delivery, records, None, fold)
    first = dict(zip(reversed(keys), reversed(ids), strict=True))
    return _Taken(delivery, [{**each, "id": first[key]} for each, key in zip(records, keys, strict=True)], keys, fold)


def _sort(delivery: Delivery) -> tuple[str, str, Mode, bool]:
    return delivery.destination, delivery.kind, delivery.mode, delivery.bodies is not None


def _as_it_was(kept_bodies: dict[int, bytes | None]) -> Callable[[Sequence[Neutral]], list[bytes]]:
    """Gives the bodies that were sent before. Raises Rejected for a record that never had one.

    `kept_bodies` has them by the identity of the record: its id may come twice in one delivery.
    """

    def encode(block: Sequence[Neutral]) -> list[bytes]:
        bodies = [kept_bodies[id(record)] for record in block]
        if None in bodies:
            raise Rejected(NO_BODY)
        return [body for body in bodies if body is not None]

    return encode


@asynccontextmanager
async def _limited(stop: asyncio.Event, grace: float | None) -> AsyncIterator[asyncio.Timeout]:
    """Raises TimeoutError when the block has not ended `grace` seconds after `stop` was set."""
    async with asyncio.timeout(None) as limit:

        async def begin() -> None:
            await stop.wait()
            if grace is not None:
                limit.reschedule(asyncio.get_running_loop().time() + grace)

        async with alongside(begin()):
            yield limit
