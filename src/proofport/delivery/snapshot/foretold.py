"""Says what a push would decide about a set, in a run that sends nothing: a plan, or a dry run.

It goes by the same order as a push, so that both end with the same exit code.
"""

from __future__ import annotations

from collections.abc import Sequence

from proofport.accounting import REQUIRED_VALUE_UNKNOWN, Status
from proofport.adapter import Batch, Splits, Stages
from proofport.delivery.batching import too_large
from proofport.delivery.destination_run import DestinationRun
from proofport.delivery.ids.ids import IdStore
from proofport.delivery.report.report import Exit
from proofport.delivery.snapshot.fate import fate_of
from proofport.delivery.snapshot.gone import SetBefore
from proofport.delivery.snapshot.guard import Change, Terms
from proofport.delivery.snapshot.listed import VendorList
from proofport.delivery.snapshot.refused import NO_RECORD, held_back, left_as_it_is, nothing_gone
from proofport.delivery.snapshot.whole import require_read_to_end
from proofport.errors import GuardRefused
from proofport.journal.contract import Delivered

DRY_RUN = "dry_run"
"""The reason of a record that would be sent."""


class Foretold:
    """Finds what would become of one destination's set. `meet` is given every batch that would be sent."""

    def __init__(self, destination: DestinationRun, terms: Terms, *, delete_gone: bool = False) -> None:
        self._destination = destination
        self._report = destination.report
        self._terms = terms
        self._delete_gone = delete_gone
        self._records = self._batches = 0
        #: The vendor's objects that the records belong to, where there are several.
        self._objects = set[str]()

    async def meet(self, batch: Batch) -> None:
        if isinstance(splits := self._destination.resource, Splits):
            self._objects.update(map(splits.object_of, batch.bodies))
        self._records += len(batch)
        self._batches += 1

    async def judge(self, before: SetBefore, incomplete: Sequence[str]) -> None:
        """Note what is gone and becomes of it, and if the set would be cancelled.

        Raises GuardRefused where the guard would refuse it.
        """
        destination, report = self._destination, self._report
        await before.note_gone()
        if destination.error is not None:
            return
        if destination.replaces and self._batches > 1:
            self._hold_back(str(too_large(destination.limits)), "too_large", Exit.USAGE)
            return
        try:
            ends = await self._ends(before, incomplete)
        except GuardRefused:
            if destination.goes_whole:
                report.tally.call(DRY_RUN, "guard")
            raise
        if ends and report.gone.count and report.refusal is None:
            report.gone_became = fate_of(destination, delete_gone=self._delete_gone, foretold=True)

    async def _ends(self, before: SetBefore, incomplete: Sequence[str]) -> bool:
        """False: what is gone would be left as it is."""
        destination, report, terms = self._destination, self._report, self._terms
        if not destination.goes_whole:
            flaw = terms.too_many_rejected(report.tally.status[Status.REJECTED]) if report.gone.count else None
            report.notes += filter(None, [left_as_it_is(flaw, foretold=True), nothing_gone(before)])
            terms.allow(Change(before.size, report.gone.count, report.tally.total), incomplete, before.sources)
            return flaw is None
        if destination.replaces and terms.override is None:
            require_read_to_end(incomplete)
        held = await held_back(before, terms, report)
        new = self._records + len(held.kept)
        lacking = destination.replaces and not new and report.tally.reasons[REQUIRED_VALUE_UNKNOWN]
        if flaw := held.flaw or (NO_RECORD if lacking else None):
            self._hold_back(f"The snapshot would be cancelled: {flaw.rstrip('.')}.", "snapshot_cancelled")
            if not new:
                return False  # that it is empty, too, would be no news
        else:
            held.note(before, report)
        gone, resource = report.gone.count + held.lost, destination.resource
        meant = isinstance(resource, Stages) and resource.empty_set == "end" and not report.tally.total
        empty = destination.limits.empty
        terms.allow(Change(before.size, gone, new), incomplete, before.sources, may_be_empty=meant, empty=empty)
        if isinstance(resource, Splits):
            objects = self._objects.union(map(resource.object_of, held.kept.bodies))
            before.require_no_empty_object(resource, terms, objects)
        return not flaw

    def _hold_back(self, why: str, reason: str, code: Exit = Exit.INCOMPLETE) -> None:
        self._report.notes.append(why)
        self._report.tally.call(DRY_RUN, reason)
        self._report.fail(code)


class DryRun:
    """Holds a set against what this journal has delivered. The vendor is asked nothing."""

    def __init__(
        self,
        journal: Delivered,
        destination: DestinationRun,
        vendor_list: VendorList,
        terms: Terms,
        *,
        delete_gone: bool = False,
    ) -> None:
        self._journal = journal
        self._destination = destination
        self._list = vendor_list
        self._terms = terms
        self._foretold = Foretold(destination, terms, delete_gone=delete_gone)
        self.meet = self._foretold.meet

    @property
    def held(self) -> int:
        """The records that have an outcome."""
        return self._destination.report.tally.total

    async def prepare(self) -> None:
        """Nothing is read before the records come."""

    async def finish(self, ids: IdStore | None, incomplete: Sequence[str]) -> None:
        """Say what the push would refuse, as far as this journal knows."""
        destination, report = self._destination, self._destination.report
        if destination.job.mode != "snapshot" or ids is None:
            return
        before = SetBefore(destination, self._journal, ids, self._list, self._terms.sources)
        await before.sources.load()
        try:
            await self._foretold.judge(before, incomplete)
        except GuardRefused as refusal:
            report.fail(Exit.GUARD)
            report.notes.append(f"The guard would refuse this set: {refusal}")
