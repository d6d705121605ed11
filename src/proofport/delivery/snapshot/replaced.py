"""A set that the vendor takes only whole, in one request."""

from __future__ import annotations

from collections.abc import Sequence

from proofport.accounting import UNCHANGED, Outcome, Status, withheld
from proofport.adapter import Replaces, Tombstone
from proofport.delivery.books import RunBooks
from proofport.delivery.destination_run import DestinationRun
from proofport.delivery.guard import Change, Terms
from proofport.delivery.ids import IdStore
from proofport.delivery.live_set import lists_now
from proofport.delivery.report import Exit
from proofport.delivery.snapshot.ending import Ending
from proofport.delivery.whole import records, require_read_to_end, too_many_rejected
from proofport.errors import GuardRefused, ProofportError

DAY = 86_400


class ReplacedSet(Ending):
    """The vendor takes the set in one request, and what that lacks is gone. It is sent once the guard has agreed.

    With it go the tombstones of the last `keeps_gone` days. What is missing now is noted with its time before the
    request leaves, so that a repetition has the same times. It becomes a tombstone only when the vendor has taken the
    set. Where unchanged sets are left out, and neither a record nor what is gone has changed, nothing is sent, although
    the days of a tombstone may be over: the vendor no longer gets it with the next set that is sent.
    """

    def __init__(self, destination: DestinationRun, books: RunBooks, terms: Terms, ids: IdStore) -> None:
        resource = destination.resource
        super().__init__(destination, books, terms, ids, listed=lists_now(resource))
        self._days = resource.keeps_gone if isinstance(resource, Replaces) else 0
        #: The ids that become tombstones, and when: the start of the run.
        self._ended: list[str] = []
        self._began = 0.0

    async def end(self, incomplete: Sequence[str]) -> bool:
        destination, batch = self._destination, self._destination.whole
        if destination.stopped is not None:
            self._book(destination.stopped)
            return False
        try:
            if self._terms.override is None:
                require_read_to_end(incomplete)
            if flaw := too_many_rejected(self._report.tally, self._terms.max_rejected):
                error = GuardRefused(
                    f"the set is not whole: {flaw}", hint="Correct them, and push the whole set again."
                )
                self._hold_back(error, "snapshot_cancelled", Exit.INCOMPLETE)
                return False
            unchanged = batch is not None and await destination.is_unchanged(batch)
            change = await self._change()
            self._terms.allow(change, incomplete, self._before.sources)
            tombstones = await self._tombstones()
        except GuardRefused as refusal:
            self._hold_back(refusal, "guard", Exit.GUARD)
            return False
        except ProofportError as error:
            await destination.halt(error)
            self._book(withheld("not_sent"))
            return False
        self._note_override()
        assert batch is not None, "the guard refuses an empty set"
        if unchanged and not change.gone:
            self._book(UNCHANGED)
            self._report.notes.append("The set is the one that was sent last: nothing was sent.")
            return True
        destination.whole = None
        await destination.replace(batch, tombstones)
        if await self._flaw() is not None or not self._taken():
            return False
        if change.gone:
            self._report.notes.append(f"{records(change.gone)} of the last set gone: not in the set that was sent.")
        await self._forget_gone()
        return True

    async def _change(self) -> Change:
        """Compare the set before with the ids of this run.

        What becomes a tombstone belongs to the set before, too, where the vendor does not list it any more: it has
        been changed by hand, or has taken the set of a run that was cut off.
        """
        before, batch, unlisted = self._before, self._destination.whole, list[str]()
        missing = await before.note_gone(keep=True)
        if self._days:
            self._ended = [each async for page in before.delivered() for each in before.not_read(page)]
            unlisted = sorted(set(self._ended).difference(missing))
        for record_id in unlisted:
            self._report.note_gone(record_id, outside=False)
        previous = before.size + len(unlisted)
        return Change(previous, self._report.gone.count, len(batch) if batch is not None else 0)

    @property
    def _since(self) -> float:
        return self._began - self._days * DAY

    async def _tombstones(self) -> list[Tombstone]:
        """Note what this set lacks, and return all tombstones in the order of their ids."""
        if not self._days:
            return []
        self._began = await self._books.began(self._destination.job.started)
        found = await self._books.tombstones(self._ended, self._began, self._since)
        return [found[each] for each in self._before.not_read(sorted(found))]

    def _taken(self) -> bool:
        """True if the vendor has taken a record of the set. If not, it refused the set, whatever `max_rejected` is."""
        count = self._report.tally.status
        return count[Status.DELIVERED] + count[Status.UNCHANGED] > 0

    async def _forget_gone(self) -> None:
        if self._days:
            await self._books.make_tombstones(self._ended, self._began, self._since)
        await super()._forget_gone()

    def _hold_back(self, error: ProofportError, reason: str, code: Exit) -> None:
        self._destination.stop(error, reason, code)
        self._book(withheld(reason))

    def _book(self, outcome: Outcome) -> None:
        batch, self._destination.whole = self._destination.whole, None
        if batch is not None:
            self._destination.ledger.book_batch(batch, [outcome] * len(batch))
