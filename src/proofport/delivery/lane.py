"""One destination in one run: takes batches in order, leads the adapter's flows, keeps the destination's books."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from proofport.accounting import Outcome, Status, all_delivered, rejected, unknown, withheld
from proofport.adapter import Adapter, Batch, Capability, Flow, Job, Memory
from proofport.delivery.batching import part
from proofport.delivery.conversation import converse, refuse_destruction
from proofport.delivery.exchange import exchange
from proofport.delivery.last_state import LastState
from proofport.delivery.ledger import Entry, InputChanged, Ledger
from proofport.delivery.patience import patiently
from proofport.delivery.report import INLINE_PROBLEMS, DestinationReport, Exit, RecordProblem, summary
from proofport.delivery.sender import Sender
from proofport.errors import (
    AdapterFault,
    Blocked,
    GuardRefused,
    JournalError,
    LaneLost,
    OutcomeUnknown,
    Problem,
    ProofportError,
    Retryable,
)
from proofport.logs import get_logger
from proofport.planning.ids import IdSet
from proofport.wire import Call

T = TypeVar("T")
QUEUED_BATCHES = 2
UNACKNOWLEDGED = 1
"""Batches whose outcomes may be on their way into the journal while the next is being sent."""

_ENDS: Mapping[type[ProofportError], tuple[str, Exit]] = {
    Blocked: ("lane_parked", Exit.BLOCKED),
    Retryable: ("vendor_unavailable", Exit.INCOMPLETE),
    OutcomeUnknown: ("vendor_unavailable", Exit.INCOMPLETE),
    LaneLost: ("lane_lost", Exit.INCOMPLETE),
    InputChanged: ("input_changed", Exit.INCOMPLETE),
    AdapterFault: ("adapter_fault", Exit.INCOMPLETE),
    JournalError: ("journal_failed", Exit.INCOMPLETE),
    GuardRefused: ("guard", Exit.GUARD),
}
RESUMABLE = ("lane_parked", "vendor_unavailable", "lane_lost", "lane_busy")
"""Reasons to stop that end without the set's fault: what was staged is kept, and the run can be resumed."""

log = get_logger("delivery")


@dataclass(frozen=True, slots=True)
class _Sent:
    """The outcomes of a batch; `new`: they have to be written down still."""

    outcomes: Sequence[Outcome]
    new: bool = True


class Lane:
    """Delivers to one destination until it ends or stops. A stopped lane withholds what still comes, with the reason.

    `patience`: seconds that it goes on waiting for a vendor that gives no usable answer, anew after each success.
    """

    def __init__(
        self,
        name: str,
        adapter: Adapter,
        job: Job,
        sender: Sender,
        *,
        patience: float,
        describe: Callable[[int], str],
        on_problem: Callable[[str, RecordProblem], None] | None = None,
        skip_unchanged: bool = False,
        types: Mapping[str, str] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.name = name
        self.adapter = adapter
        self.job = job
        self.capability: Capability = adapter.capability(job.kind, job.mode)
        self.report = DestinationReport(name, lanes=[adapter.lane(job.kind)])
        self.ledger: Ledger | None = None
        self.memory: Memory | None = None
        self.complete = False
        self._all_noted = True
        self.stopped: Outcome | None = None
        self.note: str | None = None
        self.rejected_ids = IdSet()
        self.queue: asyncio.Queue[Batch | None] = asyncio.Queue(QUEUED_BATCHES)
        self._sender = sender
        self._patience = patience
        self._describe = describe
        self._on_problem = on_problem
        self._skip_unchanged = skip_unchanged
        self._types = types
        self._last: LastState | None = None
        self._sleep = sleep

    @property
    def _held(self) -> Ledger:
        assert self.ledger is not None, "a lane delivers only while it is held"
        return self.ledger

    @property
    def last(self) -> LastState:
        """What the journal knows of this lane and kind."""
        if self._last is None:
            self._last = LastState(self._held.journal, self.adapter, self.capability, self.job, self._types)
        return self._last

    @property
    def requests(self) -> int:
        return self._sender.requests

    # ------------------------------------------------------------------ the books
    def settle(self, record_id: str | None, position: int, outcome: Outcome) -> None:
        """Book the end of one record."""
        self.report.tally.add([outcome])
        self._list(record_id, position, outcome)

    def reject(self, record_id: str, position: int, problem: Problem) -> None:
        """Book a record that this destination cannot take."""
        self._drop(record_id)
        self.settle(record_id, position, rejected(problem))

    def _settle_batch(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        self.report.tally.add(outcomes)
        if all_delivered(outcomes):
            return
        for record_id, position, outcome in zip(batch.ids, batch.positions, outcomes, strict=True):
            if outcome.status is Status.REJECTED:
                self._drop(record_id)
            self._list(record_id, position, outcome)

    def _drop(self, record_id: str) -> None:
        """Remember that this id was read and yet is not in the new set."""
        self.rejected_ids.add(record_id)

    def _list(self, record_id: str | None, position: int, outcome: Outcome) -> None:
        if outcome.status not in (Status.REJECTED, Status.UNKNOWN):
            return
        row = RecordProblem(self._describe(position), record_id, outcome)
        self.report.problem_count += 1
        if len(self.report.problems) < INLINE_PROBLEMS:
            self.report.problems.append(row)
        if self._on_problem:
            self._on_problem(self.name, row)

    def stop(self, error: ProofportError, reason: str, code: Exit) -> None:
        """Deliver nothing more: everything that still comes is withheld for `reason`."""
        if self.stopped is None:
            self.stopped = withheld(reason)
            self.report.exit = code
            self.report.notes.append(str(error))
            log.error("lane_stopped", destination=self.name, reason=reason, error=error.message)

    async def end(self) -> None:
        """Write the end into the journal. A run that only waits for somebody stays open there, to be resumed.

        So does one that has sent what it could not note: the next one then takes nothing that was delivered for sure.
        """
        if self.ledger is None:
            return
        try:
            with suppress(LaneLost):
                await self._write_end(self.ledger)
        except JournalError as error:
            self.report.exit = self.report.exit or Exit.INCOMPLETE
            self.report.notes.append(f"The end of this run could not be noted: {error}")

    async def _write_end(self, ledger: Ledger) -> None:
        await ledger.attempted(self._sender.take_attempts(run_id=self.job.run_id))
        if not self._all_noted or (self.stopped is not None and self.stopped.reason in RESUMABLE):
            return
        count = self.report.tally.status
        lost = count[Status.UNKNOWN] - self.report.tally.reasons["not_verified"]
        whole = self.job.mode != "snapshot" and not (count[Status.WITHHELD] or lost)
        await ledger.end(complete=self.complete or whole, report=summary(self.report))
        if self.stopped is None and count[Status.DELIVERED]:
            await ledger.unpark()

    # ------------------------------------------------------------------ the work
    async def run(self) -> None:
        """Deliver what comes through the queue, up to the `None` that ends it, `parallel` batches at a time."""
        parallel = self.capability.parallel
        slots, places = asyncio.Semaphore(parallel), asyncio.Semaphore(parallel + UNACKNOWLEDGED)
        number = 0
        async with asyncio.TaskGroup() as group:
            while (batch := await self.queue.get()) is not None:
                if self.stopped is None and self.memory is None:
                    await self.open()
                await places.acquire()
                task = group.create_task(self._deliver(number, batch, slots))
                task.add_done_callback(lambda _: places.release())
                number += 1

    async def open(self) -> None:
        """Lead the adapter's opening; a failure stops the lane."""
        try:
            self.job = await self.last.load()
            memory = await self.patiently(lambda: self.adapter.open(self.job, dict(self._held.memory)))
            await self._held.opened(memory)
            self.memory = memory
        except ProofportError as error:
            await self.halt(error)

    async def _deliver(self, number: int, batch: Batch, slots: asyncio.Semaphore) -> None:
        """Send a batch when it has its slot, which is free again while the outcomes are written down."""
        async with slots:
            if self.stopped is not None or self.memory is None:
                self._settle_batch(batch, [self.stopped or withheld("not_opened")] * len(batch))
                return
            entry = self._held.enter(number, batch)
            outcomes = await self._sent(entry, self.memory)
        self._settle_batch(batch, await self._acknowledged(entry, outcomes))

    async def _sent(self, entry: Entry, memory: Memory) -> _Sent:
        try:
            earlier = self._held.acknowledged(entry)
            return _Sent(earlier, new=False) if earlier is not None else _Sent(await self._outcomes(entry, memory))
        except ProofportError as error:
            return await self._failed(entry, error)

    async def _acknowledged(self, entry: Entry, sent: _Sent) -> Sequence[Outcome]:
        """The outcomes of a batch, durable when they are returned."""
        if not sent.new:
            return sent.outcomes
        try:
            kept = await self.last.kept(entry.batch, sent.outcomes)
            await self._held.done(entry, sent.outcomes, self._sender.take_attempts(run_id=self.job.run_id), kept)
        except ProofportError as error:
            error.lost = True
            return (await self._failed(entry, error)).outcomes
        return sent.outcomes

    async def _failed(self, entry: Entry, error: ProofportError) -> _Sent:
        await self.halt(error)
        outcomes = [self._end_of(error)] * len(entry.batch)
        if outcomes[0].status is Status.UNKNOWN:
            await self._note_doubt(entry, outcomes)
        return _Sent(outcomes, new=False)

    async def _note_doubt(self, entry: Entry, outcomes: Sequence[Outcome]) -> None:
        """As far as the journal can be written: it may be the very thing that failed."""
        try:
            self.job = await self._held.froze(self.last, outcomes)
            await self._held.done(entry, outcomes, self._sender.take_attempts(run_id=self.job.run_id))
        except (LaneLost, JournalError):
            self._all_noted = False

    async def _outcomes(self, entry: Entry, memory: Memory) -> Sequence[Outcome]:
        """What the vendor, or what is known of the vendor, says of a batch."""
        batch, last = entry.batch, self.last
        order, decided = await last.sift(batch, entry.bodies, skip_unchanged=self._skip_unchanged)
        rest = batch if isinstance(order, range) else part(batch, order)
        sent: Sequence[Outcome] = ()
        if rest:
            if self.job.mode == "remove":
                rest = await last.with_bodies(rest)
            sent = await exchange(rest, lambda some: self.patiently(lambda: self.adapter.send(self.job, memory, some)))
            self.report.notes += taken_notes(memory)
        if rest is not batch:
            ends = {**decided, **dict(zip(order, sent, strict=True))}
            sent = [ends[i] for i in range(len(batch))]
        try:
            self.job = await self._held.froze(last, sent)
        except ProofportError as error:
            error.lost = True
            raise
        return sent

    def _end_of(self, error: ProofportError) -> Outcome:
        """The end of a batch whose flow failed: unknown when a request may have taken effect."""
        problem = Problem("no usable answer", "an answer to every request", hint=error.message)
        if isinstance(error, AdapterFault):
            return unknown("adapter_fault", problem)
        if isinstance(error, OutcomeUnknown) or error.lost:
            return unknown("answer_lost", problem)
        return self.stopped or withheld("not_sent", problem)

    async def halt(self, error: ProofportError) -> None:
        """Stop for an error that is about the destination, not about a record. A refusal parks the lane.

        Where the lane is another's by now, that is the reason: the vendor refused what the other had ended.
        """
        reason, code = next((end for kind, end in _ENDS.items() if isinstance(error, kind)), ("refused", Exit.USAGE))
        self.stop(error, reason, code)
        if isinstance(error, Blocked) and self.ledger is not None:
            try:
                await self.ledger.park(str(error))
            except LaneLost as lost:
                self.stopped = None
                self.report.notes = [note for note in self.report.notes if note != str(error)]
                self.stop(lost, "lane_lost", Exit.INCOMPLETE)
            except JournalError as failed:
                self.report.notes.append(f"That the lane is parked could not be noted: {failed}")

    async def patiently(self, flow: Callable[[], Flow[T]], *, cleared: bool = False) -> T:
        """Lead a flow to its end, beginning it anew after each pause, until it succeeds or patience ends."""
        attempt = partial(self._once, flow, cleared)
        return await patiently(attempt, self._patience, self._tell, sleep=self._sleep)

    async def _once(self, flow: Callable[[], Flow[T]], cleared: bool) -> T:
        return await converse(flow(), self._sender, gate=partial(self._permit, cleared))

    def _tell(self, note: str | None) -> None:
        self.note = note

    async def _permit(self, cleared: bool, call: Call) -> None:
        """The gate of every call: the guard has agreed to what destroys, and the lane is still ours."""
        if not (cleared or self.job.mode == "remove"):
            await refuse_destruction(call)
        await self._held.permit(call)


def taken_notes(memory: Memory) -> list[str]:
    """What an adapter has to say about the whole delivery; said once."""
    notes = memory.pop("notes", None)
    return [str(note) for note in notes] if isinstance(notes, list) else []
