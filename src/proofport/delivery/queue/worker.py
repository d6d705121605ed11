"""Drains the lanes of queued deliveries: a run over a lane's deliveries, in order, resting where the vendor says so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TypeGuard

from proofport.accounting import Outcome, withheld
from proofport.adapter import Mode
from proofport.delivery.destination_run import DestinationRun
from proofport.delivery.ids.spellings import Spellings
from proofport.delivery.lane.lease import Holder, alongside, new_owner, renewing
from proofport.delivery.lane.payload import DamagedPayload
from proofport.delivery.queue.books import QueueBooks, QueueLedger, Watch
from proofport.delivery.queue.taken import Group, Taken, groups, taken, that_fit
from proofport.delivery.reading.reading import Branch
from proofport.delivery.report.report import DestinationReport
from proofport.delivery.report.stops import first_of
from proofport.delivery.target import LONGEST_REASON, Target
from proofport.delivery.witness import LaneWitness
from proofport.errors import (
    AdapterFault,
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
from proofport.journal.contract import Attempt, Delivery, Failure, Journal, LaneRun
from proofport.logs import get_logger

SLOTS = 16
TAKEN_AT_ONCE = 16
"""Deliveries, where a request does not take more."""

BREAKDOWNS = 3
"""In a row, after which a delivery is set aside."""

BROKE_DOWN = "broke_down"
LONGEST_REST = 300.0
NO_BODY = Problem(
    "no body: the mapping refused this record",
    "a body that was sent before",
    hint="Replay it without sending it as it was: it is mapped again.",
)

log = get_logger("delivery")


@dataclass(frozen=True, slots=True)
class Worker:
    """Delivers what a journal holds."""

    journal: Journal
    #: Gives the adapter and mapping of a destination, kind and mode.
    target: Callable[[str, str, Mode], Target]
    sender: Callable[[Target], Sender]
    instance: str
    lease: float
    #: The number of lanes that go at a time.
    slots: int = SLOTS
    #: Several tenants share them: none takes all.
    shared: bool = False
    #: Seconds after which a lane lets others go on, and waits for its next turn.
    turn: float = 5.0
    #: Seconds that what is in flight may take to end once it is time to stop. What has not ended stays queued, its lane
    #: is released, and whoever claims that sends it again. None: it is waited for.
    grace: float | None = None
    watch: Watch | None = None
    #: Writes the receipts of what has ended. None: none are wanted.
    witness: LaneWitness | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set. Deliveries in flight are brought to their end first, within `grace`."""
        if self.witness is None:
            await self._work(stop)
            return
        await self.witness.begin()
        async with alongside(self.witness.keep()):
            await self._work(stop)
        await self.witness.finish()

    async def _work(self, stop: asyncio.Event) -> None:

        async def drain(run: LaneRun) -> None:
            try:
                async with _limited(stop, self.grace) as limit:
                    await self._drain(run, stop)
            except TimeoutError:
                if not limit.expired():
                    raise
                log.warning("delivery_released", lane=run.lane, seconds=self.grace)

        await self.journal.work(
            drain, owner=new_owner(), slots=self.slots, lease=self.lease, stop=stop, shared=self.shared
        )

    async def _drain(self, run: LaneRun, stop: asyncio.Event) -> None:
        """Deliver in order until the lane is empty, rests, is parked or lost, or its turn or all is over."""
        holder = Holder(run, self.lease)
        try:
            async with (
                renewing(holder.confirm, self.lease, lambda error: None, lane=run.lane),
                AsyncExitStack() as stack,
            ):
                drain, turn = _Drain(self, holder, stop, stack), _Turn(self.turn)
                while (waiting := await drain.take()) is not None:
                    for group in waiting:
                        if stop.is_set():
                            return
                        if self.witness is not None:
                            await self.witness.cut(run, len(group))
                        goes_on = await drain.deliver(group)
                        if self.witness is not None:
                            await self.witness.cut(run, 1)
                        if not goes_on or turn.is_over():
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
        self._watch = worker.watch if worker.witness is None else _Watched(worker.watch, worker.witness)
        self._senders: dict[str, Sender] = {}
        self._spellings: dict[str, Spellings] = {}
        #: So many deliveries are still to go one by one, to find the one at which the lane has broken down.
        self._alone = 0

    async def take(self) -> Iterator[Group] | None:
        """The next deliveries. None where nothing waits, or the lane rests."""
        run = self._holder.run
        while deliveries := await run.take(TAKEN_AT_ONCE):
            if (
                not self._alone
                and len(deliveries) == TAKEN_AT_ONCE
                and (many := self._room(deliveries[0])) > TAKEN_AT_ONCE
            ):
                deliveries = await run.take(many)
            head = deliveries[0]
            together = sum(run.left.get(each.id, -1) == run.left.get(head.id) for each in deliveries)
            if head.breakdowns > 1 or (head.breakdowns and together < 2):
                self._alone = max(TAKEN_AT_ONCE, together)
            if self._alone:
                deliveries, self._alone = deliveries[:1], self._alone - 1
            fitting = that_fit(deliveries, run.left)
            readable = [each for delivery in fitting if (each := await self._readable(delivery)) is not None]
            if readable:
                return groups(readable, run.left)
        return None

    def _room(self, head: Delivery) -> int:
        """The number of deliveries of one record that fill requests, one or as many as it takes."""
        try:
            limits = self._worker.target(head.destination, head.kind, head.mode).resource.limits(head.mode)
        except Exception:
            return TAKEN_AT_ONCE  # whoever delivers it meets the same, and parks the lane
        room = limits.max_records * -(-TAKEN_AT_ONCE // limits.max_records)
        return room if self._worker.witness is None else min(room, self._worker.witness.most)

    async def _readable(self, delivery: Delivery) -> Taken | None:
        """A delivery with its records. None: it was set aside, so that the lane goes on without it."""
        if delivery.breakdowns >= BREAKDOWNS:
            told = f"{delivery.breakdowns} times, whoever was to deliver it died or broke down"
            await self._set_aside(delivery, Failure(BROKE_DOWN, told))
            return None
        try:
            return taken(delivery)
        except DamagedPayload as error:
            await self._set_aside(delivery, Failure("damaged", error.message))
            return None

    async def _set_aside(self, delivery: Delivery, failure: Failure) -> None:
        run, watch = self._holder.run, self._watch
        await run.set_aside(delivery, failure)
        log.error("delivery_set_aside", **_names(delivery), delivery=delivery.id, reason=failure.reason)
        if watch is not None:
            watch.settled(delivery, [withheld(failure.reason)] * delivery.records)

    async def deliver(self, group: Group) -> bool:
        """Deliver a group. False: the lane does not go on with its next delivery.

        It rests where time may mend it, and is parked for everything that a person has to look at. What nobody foresaw
        is tried some times, alone, and then set aside.
        """
        run, parked = self._holder.run, False
        books = QueueBooks(run, self._watch)
        error: Exception | None
        try:
            error = await self._send(group, books)
            parked = isinstance(error, Blocked)  # again would undo it when a person resumes
        except Exception as raised:
            error = raised
        if _is_unforeseen(error) and len(group) == 1:
            return await self._broke_down(group[0].delivery, error)
        if error is None or _is_unforeseen(error):
            left = {delivery.id for delivery in books.unsettled} if len(group) > 1 else ()
            for each in group:
                if each.delivery.id in left and not await self.deliver([each]):
                    return False
            return True
        assert isinstance(error, ProofportError)
        if isinstance(error, LaneLost | JournalError):  # without its journal a lane can be neither rested nor parked
            raise error
        if isinstance(error, Retryable | OutcomeUnknown):  # what may have arrived is sent again: at least once
            head = books.unsettled[0] if books.unsettled else group[0].delivery
            asked = error.after if isinstance(error, Retryable) else None
            rest = asked or min(2.0 ** min(head.attempts, 8), LONGEST_REST)
            await run.later(head, rest, Failure("vendor_unavailable", str(error)))
            log.warning("lane_rests", **_names(head), seconds=round(rest, 1), error=error.message)
        else:
            if not parked:
                await run.park(str(error))
            log.error("lane_parked", **_names(group[0].delivery), error=error.message)
        return False

    async def _broke_down(self, delivery: Delivery, error: Exception) -> bool:
        """Let the lane rest, and try it again; set it aside at last. False: the lane does not go on."""
        run, failure = self._holder.run, Failure(BROKE_DOWN, f"{type(error).__name__}: {str(error)[:LONGEST_REASON]}")
        log.error("delivery_broke_down", **_names(delivery), delivery=delivery.id, exc_info=error)
        if delivery.breakdowns + 1 < BREAKDOWNS:
            await run.later(delivery, 2.0**delivery.breakdowns, failure, broke_down=True)
            return False
        await self._set_aside(delivery, failure)
        return True

    async def _send(self, group: Group, books: QueueBooks) -> ProofportError | None:
        """Why the destination has stopped, if it has."""
        worker, first = self._worker, group[0].delivery
        target = worker.target(first.destination, first.kind, first.mode)
        if first.destination not in self._senders:
            sender = await self._stack.enter_async_context(worker.sender(target))
            self._senders[first.destination] = sender
        sender = self._senders[first.destination]
        if worker.witness is not None:
            sender.on_exchange = worker.witness.follow(self._holder.run.lane, target)
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
            await books.settle(all_that_can=True)
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
                spellings = None if as_it_was else self._spellings_of(first.kind)
                leave_out = None if as_it_was else target.leaves_out(first.mode)
                branch = Branch(destination, encode, spellings, leave_out)
                for each in group:
                    delivery, records = each.delivery, each.records
                    if self._stop.is_set() and delivery is not first:
                        break
                    if each.bodies is not None:
                        kept_bodies.update(zip(map(id, records), each.bodies, strict=True))
                    if delivery.submission != submission:
                        submission = delivery.submission
                        destination.collisions.begin_another()
                    start = books.add(delivery, records, fold=each.fold)
                    await branch.take(records, range(start, start + len(records)), keys=each.keys, fold=each.fold)
                await branch.finish()
        except BaseExceptionGroup as failures:
            raise first_of(failures) from None


def _names(delivery: Delivery) -> dict[str, str]:
    """The configured names of where a delivery goes, with the lane, for the log."""
    return {"destination": delivery.destination, "kind": delivery.kind, "lane": delivery.lane}


class _Watched:
    """Lets whoever writes receipts hear what has ended, too."""

    def __init__(self, watch: Watch | None, witness: LaneWitness) -> None:
        self._watch = watch
        self._witness = witness

    def settled(self, delivery: Delivery, outcomes: Sequence[Outcome]) -> None:
        self._witness.ended(delivery)
        if self._watch is not None:
            self._watch.settled(delivery, outcomes)

    def attempted(self, destination: str, attempts: Sequence[Attempt]) -> None:
        if self._watch is not None:
            self._watch.attempted(destination, attempts)


class _Turn:
    """The time for which a lane goes on before others do."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def is_over(self) -> bool:
        return time.monotonic() > self._end


def _is_unforeseen(error: Exception | None) -> TypeGuard[Exception]:
    """True if code has failed at a delivery, and not the vendor, the journal or the configuration.

    What fails in an adapter once something was sent may be the vendor's answer, which a person has to look at.
    """
    if isinstance(error, AdapterFault):
        return not error.lost
    return error is not None and not isinstance(error, ProofportError)


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
