"""The part that all snapshots share: the set before, flaws of the new one, and ending what is gone at the vendor."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from proofport.accounting import Status
from proofport.adapter import Batch, Ends
from proofport.delivery.books import REMOVED, RunBooks
from proofport.delivery.destination_run import DestinationRun
from proofport.delivery.ids.ids import IdStore
from proofport.delivery.report.report import Exit
from proofport.delivery.snapshot.gone import SetBefore
from proofport.delivery.snapshot.guard import Change, Terms
from proofport.delivery.snapshot.left_out import SourcesBefore
from proofport.delivery.snapshot.listed import VendorList
from proofport.delivery.snapshot.refused import Held
from proofport.delivery.snapshot.whole import flaw_of
from proofport.errors import Blocked, GuardRefused, ProofportError

TAKEN = (Status.DELIVERED, Status.UNCHANGED)
"""The vendor holds a record that ended so."""

NAMED = 20
"""At most this many records that could not be ended are named in the report."""


class Ending(ABC):
    """Ends one destination's snapshot. `ids` are those of this run."""

    def __init__(
        self, destination: DestinationRun, books: RunBooks, terms: Terms, ids: IdStore, vendor_list: VendorList
    ) -> None:
        self._destination = destination
        self._report = destination.report
        self._books = books
        self._terms = terms
        self._before = SetBefore(destination, books.journal, ids, vendor_list, terms.sources)

    async def prepare(self) -> None:
        """Read what has to be known before anything is sent."""
        await self._before.sources.load()

    @abstractmethod
    async def end(self, incomplete: Sequence[str]) -> bool:
        """End the snapshot. True: the new set is the one that the next is compared with.

        `incomplete` says of each source that was not read to its end, why.
        """

    async def _flaw(self) -> str | None:
        return await flaw_of(self._destination, self._books) or self._too_many_rejected()

    def _too_many_rejected(self) -> str | None:
        report = self._report
        return self._terms.too_many_rejected(report.tally.status[Status.REJECTED], report.kept_rejected)

    def _allow(
        self, change: Change, incomplete: Sequence[str], before: SourcesBefore | None = None, **empty: Any
    ) -> None:
        """Ask the guard, and note what it says. See `Terms.allow`. An override that is not needed overrides nothing."""
        try:
            replace(self._terms, override=None).allow(change, incomplete, before, **empty)
        except GuardRefused:
            self._report.guard = "refused"
            self._terms.allow(change, incomplete, before, **empty)
            self._report.guard = "overridden"
        else:
            self._report.guard = "agreed"

    async def _forget_gone(self, held: Held | None = None) -> None:
        """Make the new set the one that is known to be live. `held`: what was dropped from it is forgotten, too."""
        lacking = self._before.missing if held is not None and held.lost else self._before.gone
        async for page in self._before.delivered(run_id=self._destination.job.run_id):
            await self._books.forget(lacking(page))
        dropped = held.dropped if held is not None else ()
        await self._books.forget([key for each in dropped for key in self._before.keys(each)])

    async def _end_all(self, ids: Sequence[str]) -> int:
        """End records at the vendor, and say how many were. Those that could not be ended count against the run.

        Raises the error that keeps the delivery from being opened.
        """
        destination, resource = self._destination, self._destination.resource
        assert isinstance(resource, Ends), "the guard agrees only to what the vendor can do"
        memory, size, failed = await destination.open(), destination.limits.max_records, list[str]()
        for start in range(0, len(ids), size):
            some = ids[start : start + size]
            written = await self._before.written(some)
            gone = Batch(written, [b""] * len(some), range(start, start + len(some)), keys=some)
            batch = await destination.last_state.with_last(destination.job, gone)
            outcomes = await destination.vendor.lead(
                partial(resource.end, destination.job, memory, batch), cleared=True
            )
            ends = list(zip(batch.ids, some, outcomes, strict=True))
            await self._books.forget([key for _, key, end in ends if end.status in REMOVED])
            failed += [
                f"{each} is gone and could not be ended: {end.problem}"
                for each, _, end in ends
                if end.status not in REMOVED
            ]
        if failed:
            self._report.fail(Exit.INCOMPLETE)
            self._report.notes += failed[:NAMED]
            if len(failed) > NAMED:
                self._report.notes.append(f"{len(failed) - NAMED:,} more could not be ended.")
        return len(ids) - len(failed)

    def _note_override(self) -> None:
        if self._terms.override is None:
            return
        report, without = self._report, replace(self._terms, override=None)
        lacks = without.too_many_rejected(report.tally.status[Status.REJECTED], report.kept_rejected)
        if lacks or report.dropped.count or report.taken_as_removed.count:
            report.guard = "overridden"
        verb = "was overridden" if report.guard == "overridden" else "agreed, so that the override was not needed"
        report.notes.append(f"The guard {verb}: {self._terms.override}")


def exit_of(error: ProofportError) -> Exit:
    return Exit.BLOCKED if isinstance(error, Blocked) else Exit.INCOMPLETE
