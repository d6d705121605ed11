"""Reads what a vendor lists, once a run, and holds it against the journal: a list may have been cut short."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from proofport.delivery.destination_run import DestinationRun
from proofport.delivery.ids.spellings import delivered
from proofport.delivery.lane.live_set import LiveSet, keeps_gone, lists_now
from proofport.delivery.snapshot.guard import Terms
from proofport.delivery.snapshot.whole import records
from proofport.journal.contract import IN_DOUBT, Delivered


class VendorList:
    """The vendor's list of one destination run, in a live set, with the records of the journal that it lacks.

    Those are held, too: the list may be short, and then they are still there. A list that lacks too many of them is
    refused. With an override it counts as the truth: what it lacks is not held, and `forget` takes it out of the
    journal. Where a list lags, nothing follows from what it lacks.
    """

    def __init__(
        self,
        destination: DestinationRun,
        journal: Delivered,
        terms: Terms,
        live: LiveSet,
        forget: Callable[[Sequence[str]], Awaitable[None]] | None = None,
    ) -> None:
        self.live = live
        self._destination = destination
        self._journal = journal
        self._terms = terms
        self._forget = forget
        self._is_read = False
        #: An override says so: what the list lacks was removed.
        self._is_truth = False

    async def read(self) -> None:
        """Read the list, unless that was done.

        Raises what reading raises, and GuardRefused for a list that is not believed.
        """
        if self._is_read:
            return
        async for page in self._destination.vendor.live_pages():
            self.live.add(page.records)
        self._is_read = True
        await self._add_delivered()

    async def _add_delivered(self) -> None:
        """Add the records that were delivered from here, and that the list does not show.

        Only of those that are known to have arrived does a list lack anything.
        """
        destination, lacking = self._destination, 0
        count = await self._journal.known_count(destination.lane, destination.job.kind)
        async for ids in delivered(self._journal, destination.lane, destination.job.kind):
            unlisted = await self._unlisted(ids)
            known = await self._journal.known(destination.lane, destination.job.kind, unlisted)
            arrived = sum(last is not None and last.body != IN_DOUBT for last in known)
            count -= len(unlisted) - arrived
            lacking += arrived
            self.live.add_unlisted(unlisted)
            if keeps_gone(destination.resource):
                self.live.hold(ids)
        if lists_now(destination.resource) and (why := self._terms.believe(destination.name, count, lacking)):
            await self._believe(why, lacking)

    async def _unlisted(self, ids: Sequence[str]) -> list[str]:
        """Those of the journal's ids that the list shows neither as they compare nor as they were written first."""
        keys = self.live.lacking(ids)
        first = await self._journal.spellings(self._destination.lane, self._destination.job.kind, keys) if keys else []
        lacking = set(self.live.lacking([spelling or key for spelling, key in zip(first, keys, strict=True)]))
        return [key for spelling, key in zip(first, keys, strict=True) if (spelling or key) in lacking]

    async def not_removed(self, ids: Sequence[str]) -> Sequence[str]:
        """Those of the journal's ids that do not count as removed at the vendor."""
        if not self._is_truth:
            return ids
        removed = set(await self._unlisted(ids))
        return [each for each in ids if each not in removed]

    async def _believe(self, why: str, lacking: int) -> None:
        """Take the list as the truth: what it does not show is not there."""
        self._is_truth = True
        report, lane = self._destination.report, self._destination.lane
        report.notes.append(
            f"{why}. The guard was overridden ({self._terms.override}): the list counts as the truth, and "
            f"{records(lacking)} as removed at the vendor."
        )
        for ids in self.live.drop_unlisted():
            first = await self._journal.spellings(lane, self._destination.job.kind, ids)
            report.taken_as_removed.extend(spelling or key for spelling, key in zip(first, ids, strict=True))
            if self._forget is not None:
                await self._forget(ids)
