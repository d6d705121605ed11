"""A set whose records the vendor takes as they come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from proofport.adapter import Ends
from proofport.delivery.books import RunBooks
from proofport.delivery.destination_run import DestinationRun
from proofport.delivery.ids.ids import IdStore
from proofport.delivery.lane.live_set import lists_now
from proofport.delivery.report.report import Exit
from proofport.delivery.snapshot.ending import Ending, exit_of
from proofport.delivery.snapshot.fate import fate_of
from proofport.delivery.snapshot.guard import Change, Terms
from proofport.delivery.snapshot.listed import VendorList
from proofport.delivery.snapshot.refused import left_as_it_is, nothing_gone
from proofport.delivery.snapshot.whole import records
from proofport.errors import GuardRefused, ProofportError

RUNS = 1_000
"""So many of the latest runs are looked at for the last set that was complete."""


class ComparedSet(Ending):
    """The vendor takes the records as they come. What is gone since the set before is ended where that is its way, or
    was asked for (`delete_gone`), and only listed otherwise.
    """

    def __init__(
        self,
        destination: DestinationRun,
        books: RunBooks,
        terms: Terms,
        ids: IdStore,
        vendor_list: VendorList,
        *,
        delete_gone: bool,
    ) -> None:
        super().__init__(destination, books, terms, ids, vendor_list)
        resource = destination.resource
        self._ends = isinstance(resource, Ends) and (resource.ends == "always" or delete_gone)
        #: The size of the set before.
        self._previous = 0

    async def prepare(self) -> None:
        """Read what the vendor holds before anything is sent: what the run adds is no part of the set before.

        A resumed run has added to it already, so the size of that set is the one that was noted when the run began.
        """
        await super().prepare()
        destination = self._destination
        self._previous = await self._books.journal.known_count(destination.lane, destination.job.kind)
        if destination.stopped is not None:
            return
        try:
            if self._ends and lists_now(destination.resource):
                await self._before.read_list()
                self._previous = self._before.size
            self._previous = await self._books.set_before(self._previous)
        except ProofportError as error:
            await destination.halt(error)

    async def end(self, incomplete: Sequence[str]) -> bool:
        report = self._report
        flaw = await self._flaw()
        try:
            gone = await self._before.note_gone(keep=self._ends)
            doubtful = nothing_gone(self._before)
            self._allow(Change(self._previous, report.gone.count, report.tally.total), incomplete, self._before.sources)
            self._note_override()
            if doubtful is not None:
                report.notes.append(doubtful)
            elif flaw is None:
                if self._ends and gone:
                    await self._end_gone(gone)
                if not self._ends or self._before.listed:
                    await self._forget_gone()
            elif report.gone.count and self._destination.stopped is None:
                report.notes += filter(None, [left_as_it_is(flaw)])
        except GuardRefused as refusal:
            report.fail(Exit.GUARD)
            why = "" if str(refusal) in report.notes else f" The guard refused this one: {refusal}"
            last = await self._last_complete()
            report.notes.append(f"This set was not recorded as complete; the next one is compared with {last}.{why}")
            return False
        except ProofportError as error:
            report.fail(exit_of(error))
            report.notes.append(f"What is gone could not be dealt with: {error}")
            return False
        if report.gone.count and not self._ends:
            report.notes.append(self._kept())
        return flaw is None and doubtful is None

    async def _last_complete(self) -> str:
        """Words for the set that the next one is compared with."""
        lane, kind = self._destination.lane, self._destination.job.kind
        for run in await self._books.journal.runs(lane=lane, limit=RUNS):
            if (run.kind, run.mode, run.state) == (kind, "snapshot", "complete") and run.ended is not None:
                return f"that of {datetime.fromtimestamp(run.ended, UTC):%Y-%m-%d %H:%M} UTC"
        return "what was delivered before"

    async def _end_gone(self, gone: Sequence[str]) -> None:
        ended = await self._end_all(gone)
        self._report.gone_became = fate_of(self._destination, delete_gone=True)
        if ended < len(gone):
            self._report.notes.append(f"{ended:,} of {records(len(gone))} could be ended.")

    def _kept(self) -> str:
        self._report.gone_became = fate_of(self._destination, delete_gone=False)
        if isinstance(self._destination.resource, Ends):
            return "--delete-gone deletes there what is gone."
        return "The vendor has no call that removes records, so it still holds what is gone."
