"""The part that all snapshots share: flaws of the set, its gone records, and ending them at the vendor."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Sequence

from proofport.accounting import Status
from proofport.adapter import Batch, Ends, Page
from proofport.delivery.books import InputChanged, RunBooks
from proofport.delivery.destination_run import DestinationRun
from proofport.delivery.guard import Terms
from proofport.delivery.ids import IdStore
from proofport.delivery.report import DestinationReport, Exit
from proofport.errors import Blocked, ProofportError

NAMED = 20
"""At most this many records that could not be ended are named in the report."""


class Ending(ABC):
    """Ends one destination's snapshot. `ids` are those of this run."""

    def __init__(self, destination: DestinationRun, books: RunBooks, terms: Terms, ids: IdStore) -> None:
        self._destination = destination
        self._report = destination.report
        self._books = books
        self._terms = terms
        self._ids = ids

    async def prepare(self) -> None:
        """Read what has to be known before anything is sent."""
        return

    @abstractmethod
    async def end(self, incomplete: Sequence[str]) -> bool:
        """End the snapshot. True: the new set is the one that the next is compared with.

        `incomplete` says of each source that was not read to its end, why.
        """

    async def _flaw(self) -> str | None:
        """Why the set cannot stand for the whole source, if it cannot."""
        count = self._report.tally.status
        if self._destination.stopped is None:
            try:
                self._books.check_end()
            except InputChanged as error:
                await self._destination.halt(error)
        if self._destination.stopped is not None:
            return "the delivery was stopped"
        if count[Status.UNKNOWN]:
            return f"{records(count[Status.UNKNOWN])} with an unknown outcome"
        return self._too_many_rejected()

    def _too_many_rejected(self) -> str | None:
        count = self._report.tally.status[Status.REJECTED]
        if count <= self._terms.max_rejected:
            return None
        return f"{records(count)} rejected (allowed {self._terms.max_rejected})"

    def _missing(self, held: Sequence[str]) -> list[str]:
        """Those of `held` that the new set will not hold. A rejected record is not in it, although it was read."""
        dropped = self._destination.ledger.rejected_ids
        return self._not_read(held) + [record_id for record_id in held if record_id in dropped]

    def _not_read(self, held: Sequence[str]) -> list[str]:
        """Those of `held` that this run has not read: neither delivered nor rejected."""
        dropped = self._destination.ledger.rejected_ids
        return self._ids.missing([record_id for record_id in held if record_id not in dropped])

    def _note_page(self, page: Page) -> int:
        """Note the gone records of a page of the vendor's list. Returns the number of records that it holds."""
        held = [record for record in page.records if not record.ended]
        outside = {record.id for record in held if record.outside}
        for record_id in self._missing([record.id for record in held]):
            self._report.gone.add(record_id)
            if record_id in outside:
                self._report.outside.add(record_id)
        return len(held)

    async def _pages_of_gone(self, *, noted: bool = True) -> AsyncIterator[list[str]]:
        """The ids that were delivered before; `noted`: without those in this run's batches."""
        after = ""
        while page := await self._books.gone_since(after, noted=noted):
            after = page[-1]
            yield page

    async def _forget_gone(self) -> None:
        """Make the new set the one that is known to be live."""
        async for gone in self._pages_of_gone():
            await self._books.forget(gone)

    async def _end_all(self, ids: Sequence[str]) -> int:
        """End records at the vendor, and say how many were. Those that could not be ended count against the run.

        Raises the error that keeps the delivery from being opened.
        """
        destination, resource, done, failed = self._destination, self._destination.resource, 0, 0
        assert isinstance(resource, Ends), "the guard agrees only to what the vendor can do"
        memory = await destination.open()
        if memory is None:
            assert destination.error is not None, "a delivery that cannot be opened has stopped"
            raise destination.error
        size = destination.limits.max_records
        for start in range(0, len(ids), size):
            some = ids[start : start + size]
            gone = Batch(some, [b""] * len(some), range(start, start + len(some)))
            batch = await destination.last_state.with_last(destination.job, gone)
            outcomes = await destination.vendor.lead(
                lambda batch=batch: resource.end(destination.job, memory, batch),  # type: ignore[misc]
                cleared=True,
            )
            pairs = list(zip(batch.ids, outcomes, strict=True))
            good = [record_id for record_id, outcome in pairs if outcome.status in (Status.DELIVERED, Status.UNCHANGED)]
            await self._books.forget(good)
            done += len(good)
            for record_id, outcome in pairs:
                if outcome.status not in (Status.DELIVERED, Status.UNCHANGED):
                    failed += 1
                    if failed <= NAMED:
                        note = f"{record_id} is gone and could not be ended: {outcome.problem}"
                        self._report.notes.append(note)
        if failed:
            self._report.fail(Exit.INCOMPLETE)
            if failed > NAMED:
                self._report.notes.append(f"{failed - NAMED:,} more could not be ended.")
        return done

    def _note_override(self) -> None:
        if self._terms.override is not None:
            self._report.notes.append(f"The guard was overridden: {self._terms.override}")


def records(count: int) -> str:
    return "1 record" if count == 1 else f"{count:,} records"


def exit_of(error: ProofportError) -> Exit:
    return Exit.BLOCKED if isinstance(error, Blocked) else Exit.INCOMPLETE


def note_gone(report: DestinationReport, ids: Iterable[str]) -> None:
    for record_id in ids:
        report.gone.add(record_id)
