"""What is gone: in the set before, and not in the set that a run has read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from proofport.delivery.destination_run import DestinationRun
from proofport.delivery.ids import IdStore
from proofport.delivery.left_out import SourcesBefore, WantedSources
from proofport.delivery.live_set import LiveSet
from proofport.journal.contract import Journal


class SetBefore:
    """The set that a snapshot is compared with: the vendor's list where `listed`, else what was delivered before.

    `live` is that list, where the run has read it already. `ids` are those that the run has read.
    """

    def __init__(
        self,
        destination: DestinationRun,
        journal: Journal,
        ids: IdStore,
        *,
        listed: bool,
        live: LiveSet | None = None,
        wanted: WantedSources,
    ) -> None:
        self.listed = listed
        #: Where its records came from, and how many of them are gone.
        self.sources = SourcesBefore(journal, destination.lane, destination.job.kind, wanted)
        #: The number of its records, as far as they were read.
        self.size = 0
        self._destination = destination
        self._journal = journal
        self._ids = ids
        self._live = live
        self._pages: list[dict[str, bool]] | None = None

    async def read_list(self) -> None:
        """Take the vendor's list as it is before anything is sent: what the run adds is no part of the set before."""
        self._pages = [page async for page in self._list()]
        self.listed, self.size = True, sum(map(len, self._pages))

    async def note_gone(self, *, keep: bool = False) -> list[str]:
        """Note in the report what is gone. `keep`: return it, too; else memory stays flat, and the list empty."""
        report, kept, self.size = self._destination.report, list[str](), 0
        self.sources.forget_counts()
        async for page in self._held():
            self.size += len(page)
            gone = self.lacking(list(page))
            await self.sources.count(gone)
            for record_id in gone:
                report.note_gone(record_id, outside=page[record_id])
            kept += gone if keep else ()
        return kept

    def lacking(self, held: Sequence[str]) -> list[str]:
        """Those of `held` that the new set lacks.

        A record that was read and then rejected is gone where the vendor takes the set only whole. Elsewhere it stays.
        """
        gone = self.not_read(held)
        if self._destination.goes_whole:
            gone += [record_id for record_id in held if record_id in self._destination.ledger.rejected_ids]
        return gone

    def not_read(self, held: Sequence[str]) -> list[str]:
        """Those of `held` that the run has not read."""
        return self._ids.missing(held)

    async def delivered(self, *, run_id: str = "") -> AsyncIterator[list[str]]:
        """The ids that were delivered before, in id order; without those in a batch of the run `run_id`."""
        after = ""
        while page := await self._journal.gone(self._destination.lane, self._destination.job.kind, run_id, after=after):
            after = page[-1]
            yield page

    async def _held(self) -> AsyncIterator[dict[str, bool]]:
        """The set before, page by page: ids, each with whether it came from outside."""
        if self.listed:
            async for page in self._list():
                yield page
            return
        # a set that goes whole is compared before it is sent, and a resumed run may have noted it already
        run_id = "" if self._destination.replaces else self._destination.job.run_id
        async for ids in self.delivered(run_id=run_id):
            yield dict.fromkeys(ids, False)

    async def _list(self) -> AsyncIterator[dict[str, bool]]:
        """The vendor's list. It is not read twice in one run."""
        if self._pages is not None:
            for page in self._pages:
                yield page
        elif self._live is not None:
            for page in self._live.held():
                yield page
        else:
            async for read in self._destination.vendor.live_pages():
                yield {record.id: record.outside for record in read.records if not record.ended}
