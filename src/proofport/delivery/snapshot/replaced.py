"""A set that the vendor takes only whole, in one request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import orjson

from proofport.accounting import REQUIRED_VALUE_UNKNOWN, UNCHANGED, Outcome, Status, withheld
from proofport.adapter import Batch, Replaces, Splits, Tombstone
from proofport.delivery.batching import joined, require_room
from proofport.delivery.books import RunBooks
from proofport.delivery.destination_run import DestinationRun
from proofport.delivery.ids.ids import IdStore
from proofport.delivery.lane.last_delivered import may_have_arrived
from proofport.delivery.lane.live_set import lists_now
from proofport.delivery.report.report import Exit
from proofport.delivery.snapshot.ending import TAKEN, Ending
from proofport.delivery.snapshot.fate import fate_of
from proofport.delivery.snapshot.guard import Change, Terms
from proofport.delivery.snapshot.listed import VendorList
from proofport.delivery.snapshot.refused import NAMED, NO_RECORD, Held, held_back
from proofport.delivery.snapshot.whole import records, require_read_to_end
from proofport.delivery.target import DAY
from proofport.errors import GuardRefused, ProofportError
from proofport.text.wording import listing


class ReplacedSet(Ending):
    """The vendor takes the set in one request, and what that lacks is gone. It is sent once the guard has agreed.

    With it go the tombstones of the last `keeps_gone` days. What is missing now is noted with its time before the
    request leaves, so that a repetition has the same times. It becomes a tombstone only when the vendor has taken the
    set. Where unchanged sets are left out, and neither a record nor what is gone has changed, nothing is sent, although
    the days of a tombstone may be over: the vendor no longer gets it with the next set that is sent.
    """

    def __init__(
        self, destination: DestinationRun, books: RunBooks, terms: Terms, ids: IdStore, vendor_list: VendorList
    ) -> None:
        super().__init__(destination, books, terms, ids, vendor_list)
        resource = destination.resource
        self._list = vendor_list
        self._days = resource.keeps_gone if isinstance(resource, Replaces) else 0
        #: The ids that become tombstones, and when: the start of the run.
        self._ended: list[str] = []
        #: What the vendor lists and this set lacks.
        self._missing: list[str] = []
        self._began = 0.0

    async def end(self, incomplete: Sequence[str]) -> bool:
        destination, batch = self._destination, self._destination.whole or Batch([], [], [])
        if destination.stopped is not None:
            self._book(destination.stopped)
            if destination.stopped.reason == "too_large":
                self._report.notes.append(f"The set has {records(self._report.tally.total)}.")
            return False
        try:
            if self._terms.override is None:
                require_read_to_end(incomplete)
            if not self._terms.keep_last and (flaw := self._too_many_rejected()):
                self._cancel(flaw)
                return False
            unchanged = await destination.is_unchanged(batch)
            await self._find_gone()
            held = await held_back(self._before, self._terms, self._report)
            if held.flaw is not None:
                self._cancel(held.flaw)
                return False
            gone, new = self._report.gone.count + held.lost, len(batch) + len(held.kept)
            if not new and self._report.tally.reasons[REQUIRED_VALUE_UNKNOWN]:
                self._cancel(NO_RECORD)
                return False
            change, empty = Change(self._before.size, gone, new), destination.limits.empty
            self._allow(change, incomplete, self._before.sources, empty=empty)
            if isinstance(splits := destination.resource, Splits):
                new_bodies = (*batch.bodies, *held.kept.bodies)
                self._before.require_no_empty_object(splits, self._terms, map(splits.object_of, new_bodies))
            require_room(joined(batch, held.kept), destination.limits)
            tombstones = await self._tombstones()
        except GuardRefused as refusal:
            self._report.guard = "refused"
            self._hold_back(refusal, "guard", Exit.GUARD)
            return False
        except ProofportError as error:
            await destination.halt(error)
            self._book(withheld("not_sent"))
            return False
        self._note_override()
        if unchanged and not gone:
            self._book(UNCHANGED)
            held.note(self._before, self._report)
            self._report.notes.append("The set is the one that was sent last: nothing was sent.")
            return True
        destination.whole = None
        outcomes = await destination.replace(batch, tombstones, held.kept)
        self._note_kept(held, outcomes[len(batch) :])
        # if none of its records was taken, the vendor refused the set
        taken = any(outcome.status in TAKEN for outcome in outcomes)
        if taken or may_have_arrived(outcomes):
            held.note(self._before, self._report)
        kept_back = any(outcome.status is Status.WITHHELD for outcome in outcomes)
        if await self._flaw() is not None or not taken or kept_back:
            return False
        self._note_left_out([*batch.ids, *held.kept.ids], outcomes)
        self._report.gone_became = fate_of(destination, delete_gone=False)
        await self._forget_gone(held)
        return True

    async def _find_gone(self) -> None:
        """Compare the set before with the ids of this run."""
        before = self._before
        if lists_now(self._destination.resource):
            await before.read_list()
        self._missing = await before.note_gone(keep=self._days > 0)
        if self._days:
            async for page in before.delivered():
                self._ended += await self._list.not_removed(before.gone(page))

    @property
    def _since(self) -> float:
        return self._began - self._days * DAY

    async def _tombstones(self) -> list[Tombstone]:
        """Note what this set lacks, and return all tombstones in the order of their ids."""
        if not self._days:
            return []
        self._began = await self._books.began(self._destination.job.started)
        found = await self._books.tombstones(self._ended, self._began, self._since)
        if self._before.listed:
            found |= await self._listed_alone(found)
        return [self._as_sent(found[each]) for each in self._before.missing(sorted(found))]

    async def _listed_alone(self, found: Mapping[str, Tombstone]) -> dict[str, Tombstone]:
        """Records that are gone, or went before, and were delivered from elsewhere: the journal does not know them, and
        the list has their bodies."""
        rest = [each for each in self._missing if not any(key in found for key in self._before.keys(each))]
        bodies = await self._before.last_bodies(rest)
        kept = {each.id: each for each in self._list.live.kept_as_gone() if (each.gone_at or 0.0) >= self._since}
        listed = kept | {each: Tombstone(each, body, self._began) for each, body in bodies.items()}
        return {each: row for each, row in listed.items() if not any(key in found for key in self._before.keys(each))}

    def _as_sent(self, tombstone: Tombstone) -> Tombstone:
        """With the id as it was sent: the last body has it."""
        sent = orjson.loads(tombstone.body).get(self._destination.resource.body("snapshot").id_field)
        return replace(tombstone, id=sent) if isinstance(sent, str) else tombstone

    def _note_left_out(self, ids: Sequence[str], outcomes: Sequence[Outcome]) -> None:
        """Nobody can be asked before the vendor refuses a record of a set that it takes."""
        refused = [each for each, end in zip(ids, outcomes, strict=True) if end.status is Status.REJECTED]
        if refused:
            self._report.notes.append(
                f"The vendor took the set and refused {records(len(refused))} of it, which it may no longer hold: "
                f"{listing(refused, NAMED)}."
            )

    def _note_kept(self, held: Held, outcomes: Sequence[Outcome]) -> None:
        """They are no records of the run, so that nothing else tells what the vendor says of them."""
        self._report.notes += [
            f"The vendor refused the last body of {each}, which went in its place: {end.problem}"
            for each, end in zip(held.kept.ids, outcomes, strict=True)
            if end.status is Status.REJECTED
        ][:NAMED]

    async def _forget_gone(self, held: Held | None = None) -> None:
        if self._days:
            await self._books.make_tombstones(self._ended, self._began, self._since)
        await super()._forget_gone(held)

    def _cancel(self, flaw: str) -> None:
        self._hold_back(GuardRefused(f"the set is not whole: {flaw}"), "snapshot_cancelled", Exit.INCOMPLETE)

    def _hold_back(self, error: ProofportError, reason: str, code: Exit) -> None:
        self._destination.stop(error, reason, code)
        self._book(withheld(reason))

    def _book(self, outcome: Outcome) -> None:
        batch, self._destination.whole = self._destination.whole, None
        if batch is not None:
            self._destination.ledger.book_batch(batch, [outcome] * len(batch))
