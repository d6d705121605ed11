"""One run: every input through one pipeline into one destination run each, and the books that must balance.

A push is a run that sends, a plan one that only compares.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, closing, suppress
from dataclasses import dataclass, replace
from functools import partial

from proofport.accounting import Status, unknown
from proofport.adapter import Splits
from proofport.delivery.books import RunBooks
from proofport.delivery.destination_run import DestinationRun
from proofport.delivery.ids.ids import IdStore
from proofport.delivery.ids.spellings import Spellings
from proofport.delivery.lane.foreseen import foreseen
from proofport.delivery.lane.last_delivered import LastState
from proofport.delivery.lane.lease import alongside, hold
from proofport.delivery.lane.live_set import LiveSet, WaitingSet, keeps_gone, lists_now
from proofport.delivery.order import DestinationProgress, Order, Progress
from proofport.delivery.plan import Comparison
from proofport.delivery.reading.columns import matched_before, require_columns
from proofport.delivery.reading.inputs import Inputs
from proofport.delivery.reading.reading import Branch, Pipeline
from proofport.delivery.report.report import DestinationReport, Exit, Ledger, RunReport, summary
from proofport.delivery.report.stops import RESUMABLE, first_of
from proofport.delivery.snapshot.compared import ComparedSet
from proofport.delivery.snapshot.ending import Ending
from proofport.delivery.snapshot.foretold import DryRun
from proofport.delivery.snapshot.gone import note_left_behind
from proofport.delivery.snapshot.listed import VendorList
from proofport.delivery.snapshot.replaced import ReplacedSet
from proofport.delivery.snapshot.staged import StagedSet
from proofport.delivery.target import Target
from proofport.delivery.witness import Facts, InputFacts, Witness
from proofport.errors import GuardRefused, JournalError, LaneLost, ProofportError, Retryable, UsageError
from proofport.journal.contract import Delivered, NewRun
from proofport.logs import get_logger
from proofport.sources import share_read

NOT_VERIFIED = unknown("not_verified")
"""The end of a record that the vendor has only queued, where more is required."""

SUPERSEDED = "a later run to the same object has ended this one"
OLDER = "What this run has not sent is older than what the later one sent. Push what is newest now."

PROGRESS_SECONDS = 1.0
"""Progress is reported this often, and after every block that was read."""

log = get_logger("delivery")


@dataclass(slots=True)
class _Part:
    """One destination of the run."""

    target: Target
    destination: DestinationRun
    #: The journal, as far as it says what was delivered before.
    before: Delivered
    books: RunBooks | None = None
    ending: Ending | None = None
    comparison: Comparison | DryRun | None = None
    witness: Witness | None = None
    #: The whole set was delivered.
    complete: bool = False


class Run:
    """Carries out an order. `execute` returns the report, or raises AccountingError when the books do not balance."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._inputs = Inputs(order.inputs, order.mode, order.terms.sources.read, order.values_of_run)
        self._parts: list[_Part] = []
        self._pipeline: Pipeline | None = None
        self._started = time.monotonic()
        self._began = time.time()

    async def execute(self) -> RunReport:
        order, inputs = self._order, self._inputs
        names = [target.name for target in order.targets]
        inputs.before = await matched_before(order.journal, names, order.kind, order.mode)
        terms = replace(order.terms, tables=inputs.lacking, before=inputs.before)
        self._order = order = replace(order, terms=terms)
        log.info("run_started", run=order.run_id, kind=order.kind, mode=order.mode)
        async with AsyncExitStack() as stack:
            parts = self._parts
            for target in order.targets:
                parts.append(await self._part(target, stack))
            # one order for all processes, so that no two wait for each other
            for part in sorted(parts, key=lambda part: part.target.lane) if order.sends else ():
                await self._hold(part, stack)
            needs_ids = order.mode == "snapshot" or not order.assume_unique
            ids = stack.enter_context(closing(IdStore(folds=order.folds))) if needs_ids else None
            branches = [self._branch(part, stack) for part in parts]
            pipeline = self._pipeline = Pipeline(branches, ids, self._inputs.describe, self._tell)
            async with alongside(self._keep_telling()):
                for part in parts:
                    await self._prepare(part, ids, stack)
                await self._deliver(pipeline, parts)
                for part in parts:
                    await self._finish(part, ids)
            reports = {part.target.name: await self._balance(part, pipeline) for part in parts}
            self._tell()
        report = RunReport(
            order.run_id, order.kind, order.mode, inputs.reports, reports, order.dry_run, inputs.unmatched
        )
        log.info("run_ended", run=order.run_id, exit_code=int(report.exit_code))
        return report

    # ------------------------------------------------------------------ before
    async def _part(self, target: Target, stack: AsyncExitStack) -> _Part:
        order = self._order
        job = target.job(order.run_id, order.instance, order.kind, order.mode, time.time())
        report = DestinationReport(target.name, lanes=[target.lane], notes=list(target.notes))
        witness = order.witness(target) if order.witness is not None and order.sends else None
        ledger = Ledger(report, self._inputs.describe, order.on_problem, witness.ended if witness else None)
        stack.callback(ledger.close)
        sender = await stack.enter_async_context(order.sender(target))
        if witness is not None:
            stack.callback(witness.close)
            sender.on_exchange = witness.exchanged
        destination = DestinationRun(
            target,
            job,
            sender,
            ledger,
            retry_seconds=order.retry_seconds,
            skip_unchanged=order.skip_unchanged,
            keep_last=order.terms.keep_last,
            on_news=self._tell,
        )
        stack.callback(destination.collisions.close)
        if order.sends:
            return _Part(target, destination, order.journal, witness=witness)
        before = await foreseen(order.journal, target.lane, order.kind)
        await destination.only_read(LastState(before, target))
        return _Part(target, destination, before)

    def _branch(self, part: _Part, stack: AsyncExitStack) -> Branch:
        order, destination = self._order, part.destination
        lane_run = destination.vendor.holder.run if destination.vendor.holder is not None else None
        spellings = Spellings(part.before, destination.lane, order.kind, lane_run)
        stack.callback(spellings.close)
        encode, leave_out = part.target.encoder(order.mode), part.target.leaves_out(order.mode)
        return Branch(destination, encode, spellings, leave_out)

    async def _hold(self, part: _Part, stack: AsyncExitStack) -> None:
        """Take the lane, and begin the run in the journal."""
        order, destination = self._order, part.destination
        held = hold(
            order.journal,
            part.target.lane,
            retry_seconds=order.retry_seconds if order.lane_seconds is None else order.lane_seconds,
            lease=order.lease,
            on_wait=destination.vendor.note,
            on_lost=lambda error: destination.stop(error, "lane_lost", Exit.INCOMPLETE),
        )
        try:
            holder = await stack.enter_async_context(held)
        except Retryable as error:
            destination.stop(error, "lane_busy", Exit.INCOMPLETE)
            return
        inputs = [reader.name for reader, _ in order.inputs]
        due = part.witness is not None
        run = NewRun(order.run_id, part.target.name, order.kind, order.mode, inputs, destination.stages, due)
        earlier = await order.journal.run(order.run_id, part.target.name) if order.resume else None
        if earlier is not None and earlier.state == "ended" and earlier.report is None:
            destination.stop(UsageError(SUPERSEDED, hint=OLDER), "superseded", Exit.INCOMPLETE)
            return
        part.books = RunBooks(order.journal, holder, run, earlier)
        destination.attach(order.journal, holder, part.books)
        await part.books.begin(order.terms.sources.read)

    async def _prepare(self, part: _Part, ids: IdStore | None, stack: AsyncExitStack) -> None:
        """Read what has to be known of the vendor before anything is sent."""
        order, destination = self._order, part.destination
        if not order.sends:
            compares = Comparison if order.plan else partial(DryRun, delete_gone=order.delete_gone)
            part.comparison = compares(part.before, destination, self._list(part, stack), order.terms)
            await part.comparison.prepare()
            destination.compare_only(part.comparison.meet)
        await note_left_behind(order.journal, destination)
        if part.books is None:
            return
        vendor_list = self._list(part, stack)
        if order.skip_unchanged:
            await self._compare_with_live(destination, vendor_list, stack)
        if order.mode == "snapshot" and order.terms.override is None:
            try:
                require_columns(order.terms.tables, order.terms.before)
            except GuardRefused as error:
                await destination.halt(error)
        if order.mode == "snapshot" and ids is not None:
            part.ending = self._ending(destination, part.books, ids, vendor_list)
            await part.ending.prepare()

    def _list(self, part: _Part, stack: AsyncExitStack) -> VendorList:
        """The vendor's list, not read yet. A set that goes whole corrects the journal by itself once it is there."""
        order, destination, books = self._order, part.destination, part.books
        resource, compares = destination.resource, order.plan or order.skip_unchanged
        ids_only = not (compares or order.terms.keep_last or keeps_gone(resource) or isinstance(resource, Splits))
        live = LiveSet(partial=order.mode == "patch", folds=order.folds, ids_only=ids_only)
        stack.enter_context(closing(live))
        forget = books.forget if books is not None and not destination.goes_whole else None
        return VendorList(destination, part.before, order.terms, live, forget)

    def _ending(self, destination: DestinationRun, books: RunBooks, ids: IdStore, vendor_list: VendorList) -> Ending:
        terms = self._order.terms
        if destination.stages:
            return StagedSet(destination, books, terms, ids, vendor_list)
        if destination.replaces:
            return ReplacedSet(destination, books, terms, ids, vendor_list)
        return ComparedSet(destination, books, terms, ids, vendor_list, delete_gone=self._order.delete_gone)

    async def _compare_with_live(
        self, destination: DestinationRun, vendor_list: VendorList, stack: AsyncExitStack
    ) -> None:
        """Read what the vendor holds, where it can be listed, so that equal records are not sent again.

        Elsewhere the journal is asked. A resumed set that is staged is sent to its end: a difference was found before.
        """
        order = self._order
        if destination.stopped is not None or order.mode == "remove" or (destination.stages and order.resume):
            return
        if not lists_now(destination.resource):
            return
        live = vendor_list.live
        try:
            await vendor_list.read()
        except ProofportError as error:
            await destination.halt(error)
            return
        waiting = stack.enter_context(closing(WaitingSet(live))) if destination.stages else None
        destination.compare_with(live, waiting)
        if not order.resume:
            destination.report.difference, destination.report.compared = live.difference, True

    # ------------------------------------------------------------------ delivering
    async def _deliver(self, pipeline: Pipeline, parts: Sequence[_Part]) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for part in parts:
                    group.create_task(part.destination.run())
                await self._inputs.feed(pipeline)
                for part in parts:
                    part.destination.report.notes += self._inputs.notes
                await pipeline.finish()
        except BaseExceptionGroup as failures:
            error = first_of(failures)
            raise error from error.__cause__

    # ------------------------------------------------------------------ after
    async def _finish(self, part: _Part, ids: IdStore | None) -> None:
        if part.comparison is not None:
            await part.comparison.finish(ids, self._inputs.incomplete)
        if part.ending is not None:
            part.complete = await part.ending.end(self._inputs.incomplete)

    async def _balance(self, part: _Part, pipeline: Pipeline) -> DestinationReport:
        """Close the books of one destination, here and in the journal. What is left out is none of its input."""
        order, report = self._order, part.destination.report
        report.input = pipeline.read - pipeline.skipped.total() - report.skipped.total()
        report.tally.check(report.input)
        count = report.tally.status
        if order.require_verified and (accepted := report.tally.doubt(NOT_VERIFIED)):
            report.notes.append(
                f"{accepted:,} accepted, and not verified yet: `proofport verify {report.name} --kind {order.kind}`."
            )
        report.requests = part.destination.vendor.sender.requests
        report.seconds = time.monotonic() - self._started
        failed = count[Status.REJECTED] + count[Status.UNKNOWN]
        if report.is_short(sends=order.sends) and (report.exit is Exit.OK or (report.exit is Exit.GUARD and failed)):
            report.exit = Exit.INCOMPLETE
        if self._inputs.incomplete:
            report.fail(Exit.INCOMPLETE)
        if part.books is not None:
            await self._close(part, part.books)
        return report

    async def _close(self, part: _Part, books: RunBooks) -> None:
        """Write the end into the journal. A run that only waits for somebody stays open there, to be resumed.

        So does one that has sent what it could not note: the next one then takes nothing that was delivered for sure.
        """
        destination, report = part.destination, part.destination.report
        count = report.tally.status
        try:
            with suppress(LaneLost):
                await books.attempted(destination.vendor.sender.take_attempts(run_id=self._order.run_id))
                stopped = destination.stopped
                if not destination.all_noted:
                    return
                await books.withdraw()
                if stopped is not None and stopped.reason in RESUMABLE:
                    await books.stopped(stopped.reason, summary(report, self._inputs.matched))
                    if stopped.reason == "vendor_unavailable" and "--resume" not in " ".join(report.notes):
                        report.notes.append(f"Go on with --resume {self._order.run_id}, or push again.")
                    return
                lost = count[Status.UNKNOWN] - report.tally.reasons["not_verified"]
                whole = self._order.mode != "snapshot" and not (count[Status.WITHHELD] or lost)
                await books.end(
                    complete=part.complete or whole,
                    report=summary(report, self._inputs.matched),
                    arrived=report.tally.surest,
                )
                await self._certify(part)
                if stopped is None and count[Status.DELIVERED]:
                    await books.unpark()
        except JournalError as error:
            report.fail(Exit.INCOMPLETE)
            report.notes.append(f"The end of this run could not be noted: {error}")

    async def _certify(self, part: _Part) -> None:
        """Write the receipt. Without it the run is no success; the next start writes it from the journal."""
        if part.witness is None:
            return
        order, report = self._order, part.destination.report
        readers = [reader for reader, _ in order.inputs]
        inputs = [
            InputFacts(source.input, name, source.read, source.skipped, reader.digest, source.incomplete)
            for source, name, reader in zip(self._inputs.reports, self._inputs.names, readers, strict=False)
        ]
        facts = Facts(
            order.run_id,
            order.kind,
            order.mode,
            order.resume,
            self._began,
            time.time(),
            inputs,
            order.terms,
            report,
        )
        try:
            report.receipt = await part.witness.certify(facts)
        except ProofportError as error:
            report.fail(Exit.INCOMPLETE)
            report.notes.append(f"The receipt of this run is missing: {error}")

    # ------------------------------------------------------------------ telling
    async def _keep_telling(self) -> None:
        """Report progress while nothing is read, too: that is when a vendor makes us wait, and the seconds count."""
        while True:
            await asyncio.sleep(PROGRESS_SECONDS)
            self._tell()

    def _tell(self) -> None:
        if self._order.on_progress is None:
            return
        left = self._pipeline.skipped.total() if self._pipeline is not None else 0
        states = {
            part.target.name: DestinationProgress(
                part.destination.report.done + left,
                part.destination.report.tally.status[Status.REJECTED],
                part.destination.vendor.waits_for,
                part.destination.vendor.listed,
            )
            for part in self._parts
        }
        read = self._pipeline.read if self._pipeline is not None else 0
        self._order.on_progress(Progress(read, states, share_read([reader for reader, _ in self._order.inputs])))
