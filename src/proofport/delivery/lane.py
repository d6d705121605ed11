"""One destination in one run: takes batches in order, leads the adapter's flows, keeps the destination's books."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from proofport.accounting import Outcome, Status, rejected, unknown, withheld
from proofport.adapter import Adapter, Batch, Capability, Flow, Job, Memory
from proofport.delivery.batching import halves
from proofport.delivery.conversation import allow_destruction, converse, refuse_destruction
from proofport.delivery.report import INLINE_PROBLEMS, DestinationReport, Exit, RecordProblem
from proofport.delivery.sender import Sender
from proofport.errors import (
    AdapterFault,
    Blocked,
    GuardRefused,
    OutcomeUnknown,
    Problem,
    ProofportError,
    Rejected,
    Retryable,
    TooLarge,
)
from proofport.logs import get_logger

T = TypeVar("T")
QUEUED_BATCHES = 2
LONGEST_PAUSE = 60.0
REMEMBERED_REJECTS = 10_000

log = get_logger("delivery")


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
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.name = name
        self.adapter = adapter
        self.job = job
        self.capability: Capability = adapter.capability(job.kind, job.mode)
        self.report = DestinationReport(name, lanes=[adapter.lane(job.kind)])
        self.memory: Memory | None = None
        self.stopped: Outcome | None = None
        self.note: str | None = None
        self.rejected_ids: set[str] = set()
        self.queue: asyncio.Queue[Batch | None] = asyncio.Queue(QUEUED_BATCHES)
        self._sender = sender
        self._patience = patience
        self._describe = describe
        self._on_problem = on_problem
        self._sleep = sleep

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
        if all(outcome.problem is None and outcome.status is Status.DELIVERED for outcome in outcomes):
            return
        for record_id, position, outcome in zip(batch.ids, batch.positions, outcomes, strict=True):
            if outcome.status is Status.REJECTED:
                self._drop(record_id)
            self._list(record_id, position, outcome)

    def _drop(self, record_id: str) -> None:
        """Remember that this id was read and yet is not in the new set."""
        if len(self.rejected_ids) < REMEMBERED_REJECTS:
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

    # ------------------------------------------------------------------ the work
    async def run(self) -> None:
        """Deliver what comes through the queue, up to the `None` that ends it, `parallel` batches at a time."""
        slots = asyncio.Semaphore(self.capability.parallel)
        async with asyncio.TaskGroup() as group:
            while (batch := await self.queue.get()) is not None:
                if self.stopped is None and self.memory is None:
                    await self._open()
                await slots.acquire()
                task = group.create_task(self._deliver(batch))
                task.add_done_callback(lambda _: slots.release())

    async def _open(self) -> None:
        try:
            self.memory = await self.patiently(lambda: self.adapter.open(self.job, {}))
        except ProofportError as error:
            self._stop_for(error)

    async def _deliver(self, batch: Batch) -> None:
        if self.stopped is not None or self.memory is None:
            self._settle_batch(batch, [self.stopped or withheld("not_opened")] * len(batch))
            return
        memory = self.memory
        try:
            outcomes = await self.patiently(lambda: self.adapter.send(self.job, memory, batch))
        except TooLarge as error:
            await self._deliver_halves(batch, error)
        except Rejected as error:
            self._settle_batch(batch, [rejected(error.problem)] * len(batch))
        except ProofportError as error:
            self._stop_for(error)
            self._settle_batch(batch, [self._end_of(error)] * len(batch))
        else:
            self._settle_batch(batch, _verdicts(outcomes, batch))

    async def _deliver_halves(self, batch: Batch, error: TooLarge) -> None:
        if len(batch) > 1:
            for half in halves(batch):
                await self._deliver(half)
            return
        found = f"a record of {len(batch.items[0])} bytes"
        self._settle_batch(
            batch, [rejected(Problem(found, "a record that fits one request", vendor_message=str(error)))]
        )

    def _end_of(self, error: ProofportError) -> Outcome:
        """The end of a batch whose flow failed: unknown when a request may have taken effect."""
        problem = Problem("no usable answer", "an answer to every request", hint=error.message)
        if isinstance(error, AdapterFault):
            return unknown("adapter_fault", problem)
        if isinstance(error, OutcomeUnknown) or error.lost:
            return unknown("answer_lost", problem)
        return self.stopped or withheld("not_sent", problem)

    def _stop_for(self, error: ProofportError) -> None:
        if isinstance(error, Blocked):
            self.stop(error, "lane_parked", Exit.BLOCKED)
        elif isinstance(error, Retryable | OutcomeUnknown):
            self.stop(error, "vendor_unavailable", Exit.INCOMPLETE)
        elif isinstance(error, AdapterFault):
            self.stop(error, "adapter_fault", Exit.INCOMPLETE)
        elif isinstance(error, GuardRefused):
            self.stop(error, "guard", Exit.GUARD)
        else:
            self.stop(error, "refused", Exit.USAGE)

    async def patiently(self, flow: Callable[[], Flow[T]], *, cleared: bool = False) -> T:
        """Lead a flow to its end, beginning it anew after each pause, until it succeeds or patience ends."""
        gate = allow_destruction if cleared or self.job.mode == "remove" else refuse_destruction
        waited, attempt, lost = 0.0, 0, False
        while True:
            try:
                result = await converse(flow(), self._sender, gate=gate)
            except ProofportError as error:
                lost = error.lost = error.lost or lost
                if not isinstance(error, Retryable):
                    raise
                pause = error.after or min(2.0 ** min(attempt, 6), LONGEST_PAUSE)
                if waited + pause > self._patience:
                    raise
                await self._pause(pause, error)
                waited, attempt = waited + pause, attempt + 1
            else:
                self.note = None
                return result

    async def _pause(self, seconds: float, error: Retryable) -> None:
        log.warning("lane_waits", destination=self.name, seconds=round(seconds, 1), error=error.message)
        for left in range(int(seconds), -1, -1):
            self.note = f"{error.message}; goes on in {left + 1} s"
            await self._sleep(min(1.0, seconds - int(seconds)) if left == 0 else 1.0)


def _verdicts(outcomes: Sequence[Outcome] | None, batch: Batch) -> Sequence[Outcome]:
    """One outcome for each record. More than that belong to none of them for sure; a missing one is unknown."""
    given = outcomes if outcomes and len(outcomes) <= len(batch) else ()
    missing = len(batch) - len(given)
    return [*given, *[unknown("no_verdict")] * missing] if missing else given
