"""One destination's part in a run: takes batches in order, leads the adapter's flows, keeps the destination's books."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from pydantic import JsonValue

from proofport.accounting import Outcome, Status, withheld
from proofport.adapter import Batch, Job, Memory, Opens, Replaces, Stages, Tombstone
from proofport.delivery.batching import exchange, joined, part, too_large
from proofport.delivery.books import Books, Entry, InputChanged, entry_of
from proofport.delivery.conversation import Conversation
from proofport.delivery.ids.collisions import Collisions
from proofport.delivery.lane.last_delivered import Filtered, LastState, may_have_arrived, removed
from proofport.delivery.lane.lease import Holder
from proofport.delivery.lane.live_set import LiveSet, WaitingSet
from proofport.delivery.lane.payload import digests_of
from proofport.delivery.preparing import Decided, Prepared, ToSend, prepared
from proofport.delivery.report.report import Exit, Ledger
from proofport.delivery.report.stops import notes_of, outcome_of, outcomes_of, taken_of, why_stopped
from proofport.delivery.target import Target
from proofport.errors import Blocked, JournalError, LaneLost, ProofportError
from proofport.http.sender import Sender
from proofport.journal.contract import Attempt, Journal
from proofport.logs import get_logger

QUEUED_BATCHES = 2
UNACKNOWLEDGED = 1
"""Batches whose outcomes may be on their way into the journal while the next is being sent."""

PREPARED = 2
"""Batches that wait for their turn ready to be sent, so that their intents go with what is noted before they leave."""

NOTHING = Batch((), (), ())

log = get_logger("delivery")


class DestinationRun:
    """Delivers to one destination until it ends or stops. Stopped, it withholds what still comes, with the reason."""

    def __init__(
        self,
        target: Target,
        job: Job,
        sender: Sender,
        ledger: Ledger,
        *,
        retry_seconds: float,
        skip_unchanged: bool = False,
        keep_last: bool = False,
        in_order: bool = False,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        on_news: Callable[[], None] | None = None,
    ) -> None:
        """`in_order`: send a batch after the answer to the one before, though the vendor takes several at a time."""
        self.name = target.name
        self.lane = target.lane
        self.resource = target.resource
        self.job = job
        self.limits = target.resource.limits(job.mode)
        self.vendor = Conversation(
            target.resource, job.mode, sender, retry_seconds=retry_seconds, sleep=sleep, on_news=on_news
        )
        self.ledger = ledger
        self.report = ledger.report
        #: Finds two records that are one at the vendor. Whoever makes the destination run closes it.
        self.collisions = Collisions(target.resource, job.mode, ledger.describe)
        #: The adapter's memory, once the delivery is open.
        self.memory: Memory | None = None
        #: Why it has stopped: the outcome of everything that still comes, and the error, if any.
        self.stopped: Outcome | None = None
        self.error: ProofportError | None = None
        #: False: something may have been sent that could not be written down.
        self.all_noted = True
        #: Set aside until the guard has agreed: the set of a vendor that takes it only whole.
        self.whole: Batch | None = None
        self._queue: asyncio.Queue[Batch | None] = asyncio.Queue(QUEUED_BATCHES)
        self._waiting: WaitingSet | None = None
        self._compare: Callable[[Batch], Awaitable[None]] | None = None
        self._target = target
        self._skip_unchanged = skip_unchanged
        self._keep_last = keep_last
        self._parallel = 1 if in_order else self.limits.parallel
        self._books: Books | None = None
        self._last: LastState | None = None

    def attach(self, journal: Journal, holder: Holder, books: Books) -> None:
        """Give it the right to deliver: the lane that is held, and the books to write to."""
        self.vendor.holder, self._books = holder, books
        self._last = LastState(journal, self._target, keep_last=self._keep_last)

    @property
    def replaces(self) -> bool:
        """True if the set goes whole, in one request."""
        return self.job.mode == "snapshot" and isinstance(self.resource, Replaces)

    @property
    def stages(self) -> bool:
        """True if the set stays invisible until it is complete."""
        return self.job.mode == "snapshot" and isinstance(self.resource, Stages)

    @property
    def goes_whole(self) -> bool:
        """True if the vendor takes the set only whole: what it lacks is gone there."""
        return self.stages or self.replaces

    # ------------------------------------------------------------------ stopping
    async def only_read(self, last: LastState) -> None:
        """Send nothing at all: a dry run or a plan. What a delivery would refuse to send is rejected all the same."""
        self.stopped, self._last = withheld("dry_run"), last
        self.job = replace(self.job, lane_memory=await last.lane_memory())

    def stop(self, error: ProofportError, reason: str, code: Exit) -> None:
        """Deliver nothing more: everything that still comes is withheld for `reason`."""
        if self.stopped is None:
            self.stopped, self.error = withheld(reason), error
            self.report.exit = code
            self.report.notes.append(str(error))
            log.error("destination_stopped", destination=self.name, reason=reason, error=error.message)

    async def halt(self, error: ProofportError) -> None:
        """Stop for an error that is about the destination, not about a record. A refusal parks the lane.

        When the lane is another's by now, that is the reason: the vendor refused what the other had ended.
        """
        reason, code = why_stopped(error)
        self.stop(error, reason, code)
        if isinstance(error, Blocked) and self.vendor.holder is not None:
            try:
                await self.vendor.holder.run.park(str(error))
            except LaneLost as lost:
                if self.error is error:
                    self.stopped = None
                    self.report.notes.remove(str(error))
                self.stop(lost, "lane_lost", Exit.INCOMPLETE)
            except JournalError as failed:
                self.error = failed
                self.report.notes.append(f"That the lane is parked could not be noted: {failed}")

    # ------------------------------------------------------------------ taking batches
    def compare_with(self, live: LiveSet, waiting: WaitingSet | None) -> None:
        """Leave out what the vendor holds already. A staged set waits until a record of it differs."""
        self.last_state.live, self._waiting = live, waiting

    def compare_only(self, compare: Callable[[Batch], Awaitable[None]]) -> None:
        """Let `compare` see each batch, and send nothing."""
        self._compare = compare

    async def take(self, batch: Batch) -> None:
        """One more batch of the run, in order."""
        if self.replaces and self.stopped is None:
            if self.whole is None:
                self.whole = batch
                return
            self.stop(too_large(self.limits), "too_large", Exit.USAGE)
            await self._queue.put(self.whole)
            self.whole = None
        for each in (batch,) if self._waiting is None else self._waiting.offer(batch):
            await self._queue.put(each)

    async def finish(self) -> None:
        """No more batches come. A set that goes whole waits for the guard (`replace`)."""
        for each in self._waiting.finish() if self._waiting is not None else ():
            await self._queue.put(each)
        await self._queue.put(None)

    @property
    def is_live_already(self) -> bool:
        """The staged set was compared to its end, and the vendor holds just that."""
        return self._waiting is not None and self._waiting.is_live

    # ------------------------------------------------------------------ the work
    async def run(self) -> None:
        """Deliver what was taken, until `finish`, several batches at a time where the vendor allows it."""
        slots, places = asyncio.Semaphore(self._parallel), asyncio.Semaphore(self._parallel + UNACKNOWLEDGED)
        ready = asyncio.Semaphore(self._parallel + UNACKNOWLEDGED + PREPARED)
        async with asyncio.TaskGroup() as group:
            async for batch in self._checked():
                await ready.acquire()
                task = group.create_task(self._deliver(batch, slots, places))
                task.add_done_callback(lambda _: ready.release())
                if isinstance(batch, ToSend) and batch.wanted.freezes is not None:
                    await asyncio.wait([task])  # the next is held against the schema that this one makes

    async def _checked(self) -> AsyncIterator[Prepared]:
        """The batches, prepared. A resumed run sends none before all that was sent is known to be in this input."""
        number, kept = 0, list[Prepared]()
        while (batch := await self._queue.get()) is not None:
            await self._open_if_needed()
            ready = await self._prepare(number, batch)
            number += 1
            unchecked = self._books is not None and self._books.unchecked
            if unchecked and isinstance(ready, ToSend):
                kept.append(ready)
                continue
            for each in () if unchecked else kept:
                yield each
            kept = kept if unchecked else []
            yield ready
        if kept:
            try:
                self._held_books.check_end()
            except InputChanged as error:
                await self.halt(error)
        for each in kept:
            yield each

    async def open(self) -> Memory:
        """Lead the adapter's opening. Raises the error that has stopped the destination."""
        await self._open_if_needed()
        if self.memory is None:
            assert self.error is not None, "a delivery that cannot be opened has stopped"
            raise self.error
        return self.memory

    async def _open_if_needed(self) -> None:
        if self.stopped is not None or self.memory is not None:
            return
        try:
            self.job = replace(self.job, lane_memory=await self.last_state.lane_memory())
            memory = dict(self._held_books.memory)
            if isinstance(opens := self.resource, Opens):
                memory = await self.vendor.lead(lambda: opens.open(self.job, dict(self._held_books.memory)))
            await self._held_books.opened(memory)
            self.memory = memory
        except ProofportError as error:
            await self.halt(error)

    async def replace(self, batch: Batch, tombstones: Sequence[Tombstone], kept: Batch = NOTHING) -> Sequence[Outcome]:
        """Put the whole set in place of the one before. The guard has agreed. Returns the outcomes of both batches.

        `kept` are the last bodies of refused records. They are in the set, and not among the records of the run.
        """
        await self._open_if_needed()
        one = asyncio.Semaphore(1)
        outcomes = await self._settled(await self._prepare(0, joined(batch, kept)), one, tombstones)
        self.ledger.book_batch(batch, outcomes[: len(batch)])
        return outcomes

    async def is_unchanged(self, batch: Batch) -> bool:
        """True if unchanged records are left out, and each of the set was delivered last with this very body."""
        return self._skip_unchanged and await self.last_state.all_unchanged(self.job, batch, digests_of(batch))

    async def _prepare(self, number: int, batch: Batch) -> Prepared:
        if self.stopped is not None or self.memory is None:
            return Decided(Entry(number, batch, ()), await self._withheld(batch))
        entry, skip, live = entry_of(number, batch), self._skip_unchanged, self.is_live_already
        try:
            ready = await prepared(
                entry, self.job, self._held_books, self.last_state, skip_unchanged=skip, is_live=live
            )
        except ProofportError as error:
            return Decided(entry, await self._failed(entry, error))
        self._take_note(ready.wanted)
        return ready

    async def _deliver(self, batch: Prepared, slots: asyncio.Semaphore, places: asyncio.Semaphore) -> None:
        async with places:
            outcomes = await self._settled(batch, slots)
        self.ledger.book_batch(batch.entry.batch, outcomes)

    async def _settled(
        self, batch: Prepared, slots: asyncio.Semaphore, tombstones: Sequence[Tombstone] = ()
    ) -> Sequence[Outcome]:
        """Send a batch when it has its slot, which is free again while the outcomes are written down."""
        async with slots:
            if isinstance(batch, Decided):
                outcomes, new = batch.outcomes, batch.new
            else:
                outcomes, new = await self._answered(batch, tombstones)
            outcomes = self.collisions.judged(batch.entry.batch, outcomes)
        return await self._noted(batch.entry, outcomes) if new else outcomes

    async def _withheld(self, batch: Batch) -> Sequence[Outcome]:
        """The outcomes of a batch that is not sent."""
        only_reads = self._last is not None and self._books is None
        refused = await self._foreseen(batch) if only_reads and self.error is None else {}
        if self._compare is not None:
            await self._compare(part(batch, [i for i in range(len(batch)) if i not in refused]))
        return [refused.get(i) or self.stopped or withheld("not_opened") for i in range(len(batch))]

    async def _foreseen(self, batch: Batch) -> Mapping[int, Outcome]:
        """The records of a batch that a delivery would refuse, by their index, in a run that only reads."""
        try:
            wanted = await self.last_state.foreseen(self.job, batch, digests_of(batch))
        except ProofportError as error:
            self.stopped = None
            await self.halt(error)
            return {}
        self._take_note(wanted)
        if wanted.freezes is not None:
            self._remember(*wanted.freezes)
        return wanted.decided

    def _remember(self, key: str, value: JsonValue) -> None:
        """Hold the next batches against the schema that this one makes."""
        self.job = replace(self.job, lane_memory={**self.job.lane_memory, key: value})

    def _take_note(self, wanted: Filtered | None) -> None:
        self.report.notes += [wanted.note] if wanted is not None and wanted.note else []

    async def _answered(self, batch: ToSend, tombstones: Sequence[Tombstone]) -> tuple[Sequence[Outcome], bool]:
        """The outcomes of a batch. True: they are still to be written down."""
        try:
            if self.stopped is None:
                await self._held_books.intended(batch.entry)
            if self.stopped is not None or self.memory is None:
                return [self.stopped or withheld("not_opened")] * len(batch.entry.batch), False
            sent = await self._send(batch.rest, self.memory, batch.wanted, tombstones)
            taken_of(self.memory)
            if self.job.mode == "remove":
                sent = removed(batch.rest, sent)
            self.report.notes += notes_of(self.memory)
            return batch.merged(sent), True
        except ProofportError as error:
            taken = taken_of(self.memory or {})
            self.report.notes += notes_of(self.memory or {})
            return await self._failed(batch.entry, error, taken), False

    async def _noted(self, entry: Entry, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """The outcomes of a batch, durable when they are returned."""
        try:
            kept = await self.last_state.to_keep(self.job, entry.batch, outcomes)
            await self._held_books.done(entry, outcomes, self._attempts(), kept)
        except ProofportError as error:
            error.lost = True
            return await self._failed(entry, error)
        return outcomes

    async def _failed(self, entry: Entry, error: ProofportError, taken: Sequence[object] = ()) -> Sequence[Outcome]:
        await self.halt(error)
        outcomes = outcomes_of(error, self.stopped, len(entry.batch), taken)
        if may_have_arrived(outcomes):
            try:  # as far as the journal can be written: it may be the very thing that failed
                if taken:
                    kept = await self.last_state.to_keep(self.job, entry.batch, outcomes)
                    await self._held_books.done(entry, outcomes, self._attempts(), kept)
                else:
                    await self._held_books.doubted(entry, outcomes, self._attempts())
            except (LaneLost, JournalError):
                self.all_noted = False
        return outcomes

    async def _send(
        self, batch: Batch, memory: Memory, wanted: Filtered, tombstones: Sequence[Tombstone]
    ) -> Sequence[Outcome]:
        resource = self.resource
        try:
            if self.job.mode == "snapshot" and isinstance(resource, Replaces):
                flow = partial(resource.replace, self.job, memory, tombstones=tombstones)
            else:
                flow = partial(resource.send, self.job, memory)
            outcomes = await exchange(
                batch,
                lambda some: self.vendor.lead(partial(flow, some), cleared=self.replaces),
                splits=not self.replaces,
            )
        except ProofportError as error:
            if outcome_of(error, self.stopped).status is Status.UNKNOWN:
                with suppress(LaneLost, JournalError):
                    await self._freeze(wanted)
            raise
        if may_have_arrived(outcomes):
            try:
                await self._freeze(wanted)
            except ProofportError as error:
                error.lost = True
                raise
        return outcomes

    async def _freeze(self, wanted: Filtered) -> None:
        """Keep the schema that the vendor has made of the batch."""
        if wanted.freezes is None or self.vendor.holder is None:
            return
        await self.vendor.holder.run.keep_adapter_memory(*wanted.freezes, doubts=self.job.kind)
        self._remember(*wanted.freezes)

    # ------------------------------------------------------------------ the gifts of `attach`
    def _attempts(self) -> list[Attempt]:
        return self.vendor.sender.take_attempts(run_id=self.job.run_id)

    @property
    def last_state(self) -> LastState:
        assert self._last is not None, "a destination run delivers only while its lane is held"
        return self._last

    @property
    def _held_books(self) -> Books:
        assert self._books is not None, "a destination run delivers only while its lane is held"
        return self._books
