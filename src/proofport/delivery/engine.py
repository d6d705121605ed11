"""One run: every input through one pipeline into one lane per destination, and the books that must balance."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from proofport.accounting import Status, unknown, withheld
from proofport.adapter import Adapter, Job, Mode
from proofport.delivery.batching import Batcher
from proofport.delivery.closing import ComparedEnding, Ending, StagedEnding, Terms, hold_back_parts
from proofport.delivery.lane import Lane
from proofport.delivery.lease import hold
from proofport.delivery.ledger import Ledger
from proofport.delivery.pacer import Pacer
from proofport.delivery.pipeline import Branch, Pipeline, Reads
from proofport.delivery.report import DestinationReport, Exit, RecordProblem, RunReport, SourceReport
from proofport.delivery.sender import Sender
from proofport.delivery.skipping import compare_with_live
from proofport.errors import ProofportError, Retryable
from proofport.evidence import Neutral
from proofport.journal.contract import Journal, NewRun
from proofport.logs import get_logger
from proofport.mapping import encode
from proofport.planning.ids import IdStore
from proofport.sources import Reader

POSITION_BITS = 40
"""A position is the number of the input above these bits, and the line or record number within them."""

NOT_VERIFIED = unknown("not_verified")
"""The end of what a vendor only queued, where more is required."""

TELL_EVERY = 1.0
"""Seconds between two tellings of progress; every block that was read is told, too."""

log = get_logger("delivery")


class Render(Protocol):
    @property
    def fields(self) -> tuple[str, ...]: ...
    def __call__(self, neutral: Neutral) -> dict[str, Any]: ...
    def encode(self, block: Sequence[Neutral]) -> list[bytes]: ...


@dataclass(frozen=True, slots=True)
class Target:
    """One destination of a run, with the mapping that renders its bodies.

    `types`: the JSON type of each field, where the mapping proves it.
    """

    name: str
    adapter: Adapter
    render: Render
    types: Mapping[str, str] | None = None

    def bodies(self, kind: str, mode: Mode) -> Callable[[Neutral], dict[str, Any]] | None:
        """What makes the body of a record, or of a removal when it ended. None where the id is enough."""
        if mode != "remove":
            return self.render
        return _when_it_ended if self.adapter.capability(kind, mode).dated else None

    def items(self, kind: str, mode: Mode) -> Callable[[Sequence[Neutral]], list[bytes]] | None:
        """The same as JSON, for several. Raises Rejected or TypeError when there is none for one of them."""
        if mode != "remove":
            return self.render.encode
        body = self.bodies(kind, mode)
        return None if body is None else lambda block: encode(list(map(body, block)))


@dataclass(frozen=True, slots=True)
class DestinationProgress:
    done: int
    rejected: int
    note: str | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: records read, and per destination how many have their outcome."""

    read: int
    destinations: Mapping[str, DestinationProgress]


@dataclass(frozen=True, slots=True)
class Order:
    """What one run is asked to do. `resume`: go on with the interrupted run of this `run_id`."""

    run_id: str
    instance: str
    kind: str
    mode: Mode
    inputs: Sequence[tuple[Reader, Reads]]
    targets: Sequence[Target]
    terms: Terms
    patience: float
    lease: float
    dry_run: bool = False
    assume_unique: bool = False
    journal: Journal = field(kw_only=True)
    skip_unchanged: bool = False
    delete_gone: bool = False
    require_verified: bool = False
    resume: bool = False
    on_progress: Callable[[Progress], None] | None = None
    on_problem: Callable[[str, RecordProblem], None] | None = None


class Run:
    """Carries out an order. `execute` returns the report, or raises AccountingError when the books do not balance."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.sources: list[SourceReport] = []
        self._started = time.monotonic()

    async def execute(self) -> RunReport:
        order = self.order
        log.info("run_started", run=order.run_id, kind=order.kind, mode=order.mode)
        async with AsyncExitStack() as stack:
            branches = [await self._branch(target, stack) for target in order.targets]
            lanes = [branch.lane for branch in branches]
            await self._hold(lanes, stack)
            needs_ids = order.mode == "snapshot" or not order.assume_unique
            ids = stack.enter_context(closing(IdStore())) if needs_ids else None
            pipeline = Pipeline(branches, ids, self._describe, lambda: self._tell(pipeline, lanes))
            async with self._telling(pipeline, lanes):
                ends = await self._ends(lanes, ids)
                for lane in lanes if order.skip_unchanged else ():
                    await compare_with_live(lane, stack, resumed=order.resume)
                await self._deliver(pipeline, branches)
                for end in ends:
                    await end.settle(self._incomplete())
            reports = {lane.name: await self._balance(lane, pipeline.read) for lane in lanes}
            self._tell(pipeline, lanes)
        report = RunReport(order.run_id, order.kind, order.mode, self.sources, reports, order.dry_run)
        log.info("run_ended", run=order.run_id, exit_code=int(report.exit_code))
        return report

    async def _branch(self, target: Target, stack: AsyncExitStack) -> Branch:
        order = self.order
        job = Job(order.run_id, order.instance, order.kind, order.mode, target.render.fields, time.time())
        sender = await stack.enter_async_context(Sender(target.adapter, Pacer(order.journal, target.adapter)))
        lane = Lane(
            target.name,
            target.adapter,
            job,
            sender,
            patience=order.patience,
            describe=self._describe,
            on_problem=order.on_problem,
            skip_unchanged=order.skip_unchanged,
            types=target.types,
        )
        stack.callback(lane.rejected_ids.close)
        if order.dry_run:
            lane.stopped = withheld("dry_run")
        return Branch(lane, target.items(order.kind, order.mode), Batcher(lane.capability))

    async def _hold(self, lanes: Sequence[Lane], stack: AsyncExitStack) -> None:
        """Take every lane, in one order for all processes, so that no two wait for each other."""
        for lane in sorted(lanes, key=lambda lane: lane.report.lanes[0]):
            if lane.stopped is None:
                await self._hold_one(lane, stack)

    async def _hold_one(self, lane: Lane, stack: AsyncExitStack) -> None:
        order, job = self.order, lane.job

        def waits(note: str) -> None:
            lane.note = note
            self._tell_of([lane], 0)

        def lost(error: ProofportError) -> None:
            lane.stop(error, "lane_lost", Exit.INCOMPLETE)

        held = hold(
            order.journal,
            lane.report.lanes[0],
            patience=order.patience,
            lease=order.lease,
            on_wait=waits,
            on_lost=lost,
        )
        try:
            holder = await stack.enter_async_context(held)
        except Retryable as error:
            lane.stop(error, "lane_busy", Exit.INCOMPLETE)
            return
        inputs = [reader.name for reader, _ in order.inputs]
        run = NewRun(
            job.run_id, lane.name, job.kind, job.mode, inputs, lane.capability.staged and job.mode == "snapshot"
        )
        earlier = await order.journal.run(job.run_id, lane.name) if order.resume else None
        lane.ledger = Ledger(order.journal, holder, run, earlier)
        await lane.ledger.begin()

    async def _ends(self, lanes: Sequence[Lane], ids: IdStore | None) -> list[Ending]:
        """How each lane's snapshot ends: staged ones are completed, the others compared with the set before."""
        order = self.order
        if order.mode != "snapshot" or order.dry_run or ids is None:
            return []
        endings: list[Ending] = []
        for lane in lanes:
            if lane.capability.staged:
                endings.append(StagedEnding(lane, order.terms, ids))
            else:
                previous = await order.journal.known_count(lane.report.lanes[0], order.kind)
                ending = ComparedEnding(lane, order.terms, ids, previous, delete_gone=order.delete_gone)
                await ending.prepare()
                endings.append(ending)
        return endings

    async def _deliver(self, pipeline: Pipeline, branches: Sequence[Branch]) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for branch in branches:
                    group.create_task(branch.lane.run())
                await self._read(pipeline)
                for branch in branches:
                    if branch.lane.capability.whole:
                        hold_back_parts(branch.lane, self.order.terms, self._incomplete())
                await pipeline.finish()
        except BaseExceptionGroup as failures:
            error = _first(failures)
            raise error from error.__cause__

    async def _read(self, pipeline: Pipeline) -> None:
        for number, (reader, reads) in enumerate(self.order.inputs):
            before = pipeline.read
            said = await pipeline.feed(reader, reads, number << POSITION_BITS)
            incomplete = reader.incomplete or said
            self.sources.append(SourceReport(reader.name, pipeline.read - before, incomplete))

    def _incomplete(self) -> list[str]:
        return [source.incomplete for source in self.sources if source.incomplete]

    async def _balance(self, lane: Lane, read: int) -> DestinationReport:
        """Close the books of one lane, here and in the journal."""
        report, count = lane.report, lane.report.tally.status
        report.input = read
        report.tally.check(read)
        if self.order.require_verified and (accepted := report.tally.doubt(NOT_VERIFIED)):
            report.notes.append(
                f"{accepted:,} accepted, and not verified yet: `proofport verify {lane.name} --kind {lane.job.kind}`."
            )
        report.requests = lane.requests
        report.seconds = time.monotonic() - self._started
        failed = count[Status.REJECTED] + count[Status.UNKNOWN]
        short = failed or (count[Status.WITHHELD] and not self.order.dry_run)
        if short and (report.exit is Exit.OK or (report.exit is Exit.GUARD and failed)):
            report.exit = Exit.INCOMPLETE
        if any(source.incomplete for source in self.sources) and report.exit is Exit.OK:
            report.exit = Exit.INCOMPLETE
        await lane.end()
        return report

    def _describe(self, position: int) -> str:
        number, place = position >> POSITION_BITS, position & ((1 << POSITION_BITS) - 1)
        reader = self.order.inputs[number][0]
        return f"{reader.name}#{place}" if reader.whole else reader.position(place)

    @asynccontextmanager
    async def _telling(self, pipeline: Pipeline, lanes: Sequence[Lane]) -> AsyncIterator[None]:
        """Tell of progress while nothing is read, too: that is when a vendor makes us wait, and the seconds count."""

        async def tell() -> None:
            while True:
                await asyncio.sleep(TELL_EVERY)
                self._tell(pipeline, lanes)

        telling = asyncio.create_task(tell())
        try:
            yield
        finally:
            telling.cancel()
            with suppress(asyncio.CancelledError):
                await telling

    def _tell(self, pipeline: Pipeline, lanes: Sequence[Lane]) -> None:
        self._tell_of(lanes, pipeline.read)

    def _tell_of(self, lanes: Sequence[Lane], read: int) -> None:
        if self.order.on_progress is None:
            return
        states = {
            lane.name: DestinationProgress(
                lane.report.tally.total, lane.report.tally.status[Status.REJECTED], lane.note
            )
            for lane in lanes
        }
        self.order.on_progress(Progress(read, states))


def _when_it_ended(neutral: Neutral) -> dict[str, Any]:
    moment = neutral.get("separated_at")
    return {"separated_at": moment} if moment else {}


def _first(failures: BaseExceptionGroup) -> BaseException:
    """What went wrong first: the rest was cancelled for it, and the caller knows nothing of tasks."""
    error = failures.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
