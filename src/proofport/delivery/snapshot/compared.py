"""A set whose records the vendor takes as they come."""

from __future__ import annotations

from collections.abc import Sequence

from proofport.adapter import Ends
from proofport.delivery.books import RunBooks
from proofport.delivery.destination_run import DestinationRun
from proofport.delivery.guard import Change, Terms
from proofport.delivery.ids import IdStore
from proofport.delivery.live_set import lists_now
from proofport.delivery.report import Exit
from proofport.delivery.snapshot.ending import Ending, exit_of
from proofport.delivery.whole import records
from proofport.errors import GuardRefused, ProofportError


class ComparedSet(Ending):
    """The vendor takes the records as they come. What is gone since the set before is ended where that is its way, or
    was asked for (`delete_gone`), and only listed otherwise.
    """

    def __init__(
        self, destination: DestinationRun, books: RunBooks, terms: Terms, ids: IdStore, *, delete_gone: bool
    ) -> None:
        super().__init__(destination, books, terms, ids, listed=False)
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
            self._terms.allow(
                Change(self._previous, report.gone.count, report.tally.total), incomplete, self._before.sources
            )
            self._note_override()
            if flaw is None:
                if self._ends and gone:
                    await self._end_gone(gone)
                if not self._ends or self._before.listed:
                    await self._forget_gone()
        except GuardRefused as refusal:
            report.fail(Exit.GUARD)
            report.notes.append(f"The set before stays the one to compare with: {refusal}")
            return False
        except ProofportError as error:
            report.fail(exit_of(error))
            report.notes.append(f"What is gone could not be dealt with: {error}")
            return False
        if report.gone.count and not self._ends:
            report.notes.append(self._kept())
        return flaw is None

    async def _end_gone(self, gone: Sequence[str]) -> None:
        ended = await self._end_all(gone)
        resource = self._destination.resource
        always = isinstance(resource, Ends) and resource.ends == "always"
        words = "given an end date or state" if always else "deleted"
        self._report.notes.append(f"{records(ended)} no longer in the set: {words} at the vendor.")

    def _kept(self) -> str:
        count = records(self._report.gone.count)
        if isinstance(self._destination.resource, Ends):
            return f"{count} of the last set gone; the vendor still holds them. --delete-gone deletes them there."
        why = "the vendor has no call that removes records, so it still holds what is gone"
        return f"{count} of the last set gone; {why}."
