"""One run: every input through one pipeline into one lane per destination, and the books that must balance."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from proofport.accounting import Status, withheld
from proofport.adapter import Adapter, Job, Mode
from proofport.delivery.batching import Batcher
from proofport.delivery.closing import ComparedEnding, Ending, StagedEnding, Terms
from proofport.delivery.lane import Lane
from proofport.delivery.pipeline import Branch, Pipeline, Reads
from proofport.delivery.report import DestinationReport, Exit, RecordProblem, RunReport, SourceReport
from proofport.delivery.sender import Sender
from proofport.evidence import Neutral
from proofport.journal.delivered import DeliveredSets
from proofport.logs import get_logger
from proofport.planning.ids import IdStore
from proofport.sources import Reader

POSITION_BITS = 40
"""A position is the number of the input above these bits, and the line or record number within them."""

TELL_EVERY = 1.0
"""Seconds between two tellings of progress; every block that was read is told, too."""

log = get_logger("delivery")


class Render(Protocol):
    @property
    def fields(self) -> tuple[str, ...]: ...
    def __call__(self, neutral: Neutral) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Target:
    """One destination of a run, with the mapping that renders its bodies."""

    name: str
    adapter: Adapter
    render: Render


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
    """What one run is asked to do."""

    run_id: str
    instance: str
    kind: str
    mode: Mode
    inputs: Sequence[tuple[Reader, Reads]]
    targets: Sequence[Target]
    terms: Terms
    patience: float
    dry_run: bool = False
    assume_unique: bool = False
    open_sets: Callable[[], DeliveredSets] = field(kw_only=True)
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
            needs_ids = order.mode == "snapshot" or not order.assume_unique
            ids = stack.enter_context(closing(IdStore())) if needs_ids else None
            ends = self._ends(lanes, ids, stack)
            pipeline = Pipeline(branches, ids, self._describe, ends, lambda: self._tell(pipeline, lanes))
            async with self._telling(pipeline, lanes):
                await self._deliver(pipeline, lanes)
                for end in ends:
                    await end.settle([source.incomplete for source in self.sources if source.incomplete])
            reports = {lane.name: self._balance(lane, pipeline.read) for lane in lanes}
            self._tell(pipeline, lanes)
        report = RunReport(order.run_id, order.kind, order.mode, self.sources, reports, order.dry_run)
        log.info("run_ended", run=order.run_id, exit_code=int(report.exit_code))
        return report

    async def _branch(self, target: Target, stack: AsyncExitStack) -> Branch:
        order = self.order
        job = Job(order.run_id, order.instance, order.kind, order.mode, target.render.fields)
        sender = await stack.enter_async_context(Sender(target.adapter))
        lane = Lane(
            target.name,
            target.adapter,
            job,
            sender,
            patience=order.patience,
            describe=self._describe,
            on_problem=order.on_problem,
        )
        if order.dry_run:
            lane.stopped = withheld("dry_run")
        render = None if order.mode == "remove" else target.render
        return Branch(lane, render, Batcher(lane.capability))

    def _ends(self, lanes: Sequence[Lane], ids: IdStore | None, stack: AsyncExitStack) -> list[Ending]:
        """How each lane's snapshot ends: staged ones are completed, the others compared with the set before."""
        if self.order.mode != "snapshot" or self.order.dry_run or ids is None:
            return []
        staged = [StagedEnding(lane, self.order.terms, ids) for lane in lanes if lane.capability.staged]
        direct = [lane for lane in lanes if not lane.capability.staged]
        if not direct:
            return [*staged]
        sets = stack.enter_context(closing(self.order.open_sets()))
        return [*staged, *(ComparedEnding(lane, self.order.terms, sets) for lane in direct)]

    async def _deliver(self, pipeline: Pipeline, lanes: Sequence[Lane]) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for lane in lanes:
                    group.create_task(lane.run())
                await self._read(pipeline)
        except BaseExceptionGroup as failures:
            error = _first(failures)
            raise error from error.__cause__

    async def _read(self, pipeline: Pipeline) -> None:
        for number, (reader, reads) in enumerate(self.order.inputs):
            before = pipeline.read
            said = await pipeline.feed(reader, reads, number << POSITION_BITS)
            incomplete = reader.incomplete or said
            self.sources.append(SourceReport(reader.name, pipeline.read - before, incomplete))
        await pipeline.finish()

    def _balance(self, lane: Lane, read: int) -> DestinationReport:
        """Close the books of one lane."""
        report, count = lane.report, lane.report.tally.status
        report.input = read
        report.tally.check(read)
        report.requests = lane.requests
        report.seconds = time.monotonic() - self._started
        failed = count[Status.REJECTED] + count[Status.UNKNOWN]
        short = failed or (count[Status.WITHHELD] and not self.order.dry_run)
        if short and (report.exit is Exit.OK or (report.exit is Exit.GUARD and failed)):
            report.exit = Exit.INCOMPLETE
        if any(source.incomplete for source in self.sources) and report.exit is Exit.OK:
            report.exit = Exit.INCOMPLETE
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
        if self.order.on_progress is None:
            return
        states = {
            lane.name: DestinationProgress(
                lane.report.tally.total, lane.report.tally.status[Status.REJECTED], lane.note
            )
            for lane in lanes
        }
        self.order.on_progress(Progress(pipeline.read, states))


def _first(failures: BaseExceptionGroup) -> BaseException:
    """What went wrong first: the rest was cancelled for it, and the caller knows nothing of tasks."""
    error = failures.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
