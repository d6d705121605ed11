"""A set that the vendor takes only whole, in one request."""

from __future__ import annotations

from collections.abc import Sequence

from proofport.accounting import UNCHANGED, Outcome, withheld
from proofport.adapter import Lists
from proofport.delivery.guard import Change
from proofport.delivery.report import Exit
from proofport.delivery.snapshot.ending import Ending, note_gone, records
from proofport.errors import GuardRefused, ProofportError


class ReplacedSet(Ending):
    """The vendor takes the set in one request, and what that lacks is gone. It is sent once the guard has agreed."""

    async def end(self, incomplete: Sequence[str]) -> bool:
        destination, batch = self._destination, self._destination.whole
        if destination.stopped is not None:
            self._book(destination.stopped)
            return False
        try:
            if incomplete and self._terms.override is None:
                self._terms.allow(Change(0, 0, 1), incomplete)
            if flaw := self._too_many_rejected():
                error = GuardRefused(
                    f"the set is not whole: {flaw}", hint="Correct them, and push the whole set again."
                )
                self._hold_back(error, "snapshot_cancelled", Exit.INCOMPLETE)
                return False
            change = await self._change()
            self._terms.allow(change, incomplete)
        except GuardRefused as refusal:
            self._hold_back(refusal, "guard", Exit.GUARD)
            return False
        except ProofportError as error:
            await destination.halt(error)
            self._book(withheld("not_sent"))
            return False
        self._note_override()
        assert batch is not None, "the guard refuses an empty set"
        if not change.gone and await destination.is_unchanged(batch):
            self._book(UNCHANGED)
            self._report.notes.append("The set is the one that was sent last: nothing was sent.")
            return True
        destination.whole = None
        await destination.replace(batch, ())
        if await self._flaw() is not None:
            return False
        if change.gone:
            self._report.notes.append(f"{records(change.gone)} of the last set gone: not in the set that was sent.")
        await self._forget_gone()
        return True

    async def _change(self) -> Change:
        """Compare the set before with the ids of this run: the vendor's list, as a plan does. Where it shows none, the
        records that were delivered before."""
        resource, batch, previous = self._destination.resource, self._destination.whole, 0
        if isinstance(resource, Lists) and not resource.lags:
            async for page in self._destination.vendor.live_pages():
                previous += self._note_page(page)
        else:
            async for known in self._pages_of_gone(noted=False):
                previous += len(known)
                note_gone(self._report, self._missing(known))
        return Change(previous, self._report.gone.count, len(batch) if batch is not None else 0)

    def _hold_back(self, error: ProofportError, reason: str, code: Exit) -> None:
        self._destination.stop(error, reason, code)
        self._book(withheld(reason))

    def _book(self, outcome: Outcome) -> None:
        batch, self._destination.whole = self._destination.whole, None
        if batch is not None:
            self._destination.ledger.book_batch(batch, [outcome] * len(batch))
