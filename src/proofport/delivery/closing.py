"""The end of a snapshot: a staged set is completed or cancelled, any other is compared with the set before."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from proofport.accounting import Outcome, Status, unknown, withheld
from proofport.adapter import Memory, Page
from proofport.delivery.burial import bury
from proofport.delivery.lane import RESUMABLE, Lane
from proofport.delivery.ledger import InputChanged, Ledger
from proofport.delivery.report import INLINE_PROBLEMS, DestinationReport, Exit
from proofport.errors import Blocked, GuardRefused, ProofportError
from proofport.planning.guard import Change, judge
from proofport.planning.ids import IdStore


@dataclass(frozen=True, slots=True)
class Terms:
    """What a snapshot must keep to before it may replace the last one. `override`: a person's reason."""

    max_gone: float
    max_rejected: int
    override: str | None = None

    def allow(self, change: Change, incomplete: Sequence[str]) -> None:
        """Raises GuardRefused. An override lets everything through but an empty set, which no vendor can take."""
        if self.override is None:
            judge(change, max_gone=self.max_gone, incomplete=incomplete)
        else:
            judge(change, max_gone=1.0, incomplete=())


class Ending(Protocol):
    """Ends one lane's snapshot."""

    async def settle(self, incomplete: Sequence[str]) -> None:
        """End the snapshot. `incomplete` says of each source that was not read to its end, why."""
        ...


class StagedEnding:
    """The vendor holds the set back until it is completed, and completing deletes everything outside it."""

    def __init__(self, lane: Lane, terms: Terms, ids: IdStore) -> None:
        self._lane = lane
        self._report = lane.report
        self._terms = terms
        self._ids = ids

    async def settle(self, incomplete: Sequence[str]) -> None:
        """Complete the set when every record is accounted for and the guard agrees; cancel it otherwise."""
        lane = self._lane
        if lane.stopped is not None and lane.stopped.reason in RESUMABLE:
            self._leave_open(lane.stopped)
            return
        flaw = await _flaw(lane, self._terms)
        try:
            if flaw:
                await self._cancel(flaw, "snapshot_cancelled", Exit.INCOMPLETE)
            elif lane.ledger is not None and (live := lane.last.live) is not None and live.is_the_set:
                await self._keep(live.count(), lane.ledger, incomplete)
            elif lane.capability.may_be_empty and not self._report.tally.total:
                await self._empty(incomplete)
            elif await self._guard_agrees(incomplete):
                await self._complete()
        except ProofportError as error:
            await lane.halt(error)
            self._report.tally.withdraw(unknown("closing_failed"))

    async def _empty(self, incomplete: Sequence[str]) -> None:
        """The set is empty, and the configuration says that this is meant: end every record, one by one."""
        lane, report = self._lane, self._report
        held: list[str] = []
        try:
            async for page in pages_of_vendor(lane):
                held += [record.id for record in page.records if not record.ended]
            _note_gone(report, held)
            share = 1.0 if self._terms.override is not None else self._terms.max_gone
            told = () if self._terms.override is not None else incomplete
            judge(Change(len(held), len(held), 0), max_gone=share, incomplete=told, may_be_empty=True)
        except GuardRefused as refusal:
            await self._cancel(str(refusal), "guard", Exit.GUARD)
            return
        _note_override(report, self._terms)
        if lane.memory is None:
            await lane.open()
        ended = await bury(lane, held)
        report.notes.append(f"The set is empty: {_records(ended)} deleted at the vendor, as `empty_set` says.")
        lane.complete = report.exit is Exit.OK

    async def _keep(self, held: int, ledger: Ledger, incomplete: Sequence[str]) -> None:
        """The set is what the vendor holds: nothing was staged, and nothing is gone."""
        try:
            self._terms.allow(Change(held, 0, held), incomplete)
        except GuardRefused as refusal:
            await self._cancel(str(refusal), "guard", Exit.GUARD)
            return
        self._report.notes.append("The set is what the vendor holds already: nothing was sent, and nothing replaced.")
        await self._settle_for(ledger)

    async def _complete(self) -> None:
        lane, tally = self._lane, self._report.tally
        await lane.patiently(lambda: lane.adapter.close(lane.job, lane.memory or {}, tally), cleared=True)
        lane.complete = True
        if lane.ledger is not None:
            await self._settle_for(lane.ledger)

    async def _settle_for(self, ledger: Ledger) -> None:
        """Make the new set the one that is known to be live."""
        self._lane.complete = True
        async for gone in _pages_of_gone(ledger):
            await ledger.forget(gone)

    def _leave_open(self, stopped: Outcome) -> None:
        """What was staged stays staged: the run goes on once the vendor, or a person, has made way."""
        if not self._report.tally.withdraw(stopped):
            return
        if stopped.reason == "lane_lost":
            self._report.notes.append("Nothing was completed: another process delivers to this object. Push again.")
        else:
            self._report.notes.append(
                f"Nothing was completed. Go on with --resume {self._lane.job.run_id}, or push again from the start."
            )

    async def _guard_agrees(self, incomplete: Sequence[str]) -> bool:
        try:
            self._terms.allow(await self._change(), incomplete)
        except GuardRefused as refusal:
            await self._cancel(str(refusal), "guard", Exit.GUARD)
            return False
        except ProofportError as error:
            await self._cancel(f"what is held now could not be read: {error}", "snapshot_cancelled", _exit_of(error))
            return False
        _note_override(self._report, self._terms)
        return True

    async def _change(self) -> Change:
        """Compare the vendor's live ids, page by page, with those of this run."""
        previous = 0
        async for page in pages_of_vendor(self._lane):
            previous += len(page.records)
            gone = self._gone(page)
            _note_gone(self._report, gone)
            self._note_outside(page, gone)
        return Change(previous, self._report.gone_count, self._report.tally.status[Status.DELIVERED])

    def _gone(self, page: Page) -> list[str]:
        """A rejected record is not in the new set, although it was read."""
        dropped = self._lane.rejected_ids
        kept = (record.id for record in page.records if record.id not in dropped)
        return self._ids.missing(kept) + [record.id for record in page.records if record.id in dropped]

    def _note_outside(self, page: Page, gone: Sequence[str]) -> None:
        outside = {record.id for record in page.records if record.outside}
        for record_id in gone if outside else ():
            if record_id in outside:
                self._report.outside.add(record_id)

    async def _cancel(self, why: str, reason: str, code: Exit) -> None:
        """Leave the vendor as it was: nothing that was staged has been delivered."""
        lane, report = self._lane, self._report
        withdrawn = report.tally.withdraw(withheld(reason))
        if report.exit is Exit.OK:
            report.exit = code
        report.notes.append(f"The snapshot was not completed: {why}")
        if withdrawn:
            report.notes.append(f"{_records(withdrawn)} withheld; what the vendor held before is untouched.")
        memory = lane.memory if lane.memory is not None else self._staged_before()
        if memory is None:
            return
        try:
            await lane.patiently(lambda: lane.adapter.abort(lane.job, memory))
        except ProofportError as error:
            report.notes.append(f"What was staged could not be taken back: {error}")
            report.exit = Exit.INCOMPLETE if report.exit is Exit.GUARD else report.exit

    def _staged_before(self) -> Memory | None:
        """What the run that was to be resumed had opened, when this one came to an end before it opened anything."""
        return (self._lane.ledger.memory or None) if self._lane.ledger is not None else None


class ComparedEnding:
    """The vendor took the records as they came. What is gone since the set before is ended where that is its way,
    or was asked for (`delete_gone`), and only listed otherwise.

    `previous`: how many ids the set before held, as far as this journal knows.
    """

    def __init__(self, lane: Lane, terms: Terms, ids: IdStore, previous: int, *, delete_gone: bool = False) -> None:
        self._lane = lane
        self._terms = terms
        self._ids = ids
        self._previous = previous
        gone = lane.capability.gone
        self._buries = gone == "ended" or (gone == "deletable" and delete_gone)
        self._listed: list[str] | None = None

    async def prepare(self) -> None:
        """Read what the vendor holds before anything is sent: what the run adds is no part of the set before.

        A resumed run has added to it already, so the size of that set is the one that was noted when the run began.
        """
        lane = self._lane
        if lane.stopped is not None or lane.ledger is None:
            return
        try:
            if self._buries and lane.capability.listed:
                self._listed = [
                    record.id async for page in pages_of_vendor(lane) for record in page.records if not record.ended
                ]
                self._previous = len(self._listed)
            self._previous = await lane.ledger.set_before(self._previous)
        except ProofportError as error:
            await lane.halt(error)

    async def settle(self, incomplete: Sequence[str]) -> None:
        lane, report = self._lane, self._lane.report
        if lane.ledger is None:
            return
        flaw = await _flaw(lane, self._terms)
        try:
            gone = await self._look()
            self._terms.allow(Change(self._previous, report.gone_count, report.tally.total), incomplete)
            _note_override(report, self._terms)
            if flaw is None:
                await self._end(gone)
                await self._settle_for(lane.ledger)
        except GuardRefused as refusal:
            report.exit = Exit.GUARD if report.exit is Exit.OK else report.exit
            report.notes.append(f"The set before stays the one to compare with: {refusal}")
            return
        except ProofportError as error:
            report.exit = report.exit or _exit_of(error)
            report.notes.append(f"What is gone could not be dealt with: {error}")
            return
        if report.gone_count and not self._buries:
            report.notes.append(self._kept())

    async def _look(self) -> list[str]:
        """Count what is gone. Returns the ids where they are to be ended."""
        gone: list[str] = []
        if self._listed is not None:
            gone += self._ids.missing(self._listed)
        elif self._lane.ledger is not None:
            async for known in _pages_of_gone(self._lane.ledger):
                missing = self._ids.missing(known)
                if self._buries:
                    gone += missing
                else:
                    _note_gone(self._lane.report, missing)
        _note_gone(self._lane.report, gone)
        return gone

    async def _end(self, gone: Sequence[str]) -> None:
        if not gone:
            return
        ended = await bury(self._lane, gone)
        words = "given an end date or state" if self._lane.capability.gone == "ended" else "deleted"
        self._lane.report.notes.append(f"{_records(ended)} no longer in the set: {words} at the vendor.")

    def _kept(self) -> str:
        count = _records(self._lane.report.gone_count)
        if self._lane.capability.gone == "deletable":
            return f"{count} of the last set gone; the vendor still holds them. --delete-gone deletes them there."
        why = "the vendor has no call that removes records, so it still holds what is gone"
        return f"{count} of the last set gone; {why}."

    async def _settle_for(self, ledger: Ledger) -> None:
        """Make the new set the one that the next is compared with."""
        if not self._buries or self._listed is not None:
            async for page in _pages_of_gone(ledger):
                await ledger.forget(self._ids.missing(page))
        self._lane.complete = True


def hold_back_parts(lane: Lane, terms: Terms, incomplete: Sequence[str]) -> None:
    """Stop a lane whose vendor takes the set only as a whole, when what was read is not the whole of it."""
    rejects = lane.report.tally.status[Status.REJECTED]
    if incomplete and terms.override is None:
        refusal = GuardRefused(
            f"the source was not read to its end: {'; '.join(incomplete)}",
            hint="Fetch the rest and push all parts in one snapshot; whoever is missing would look gone.",
        )
        lane.stop(refusal, "guard", Exit.GUARD)
    elif rejects > terms.max_rejected:
        flaw = f"{_records(rejects)} rejected (allowed {terms.max_rejected})"
        error = GuardRefused(f"the set is not whole: {flaw}", hint="Correct them, and push the whole set again.")
        lane.stop(error, "snapshot_cancelled", Exit.INCOMPLETE)


async def pages_of_vendor(lane: Lane) -> AsyncIterator[Page]:
    """What the vendor holds now, page by page. Raises GuardRefused where it cannot be read."""
    cursor: str | None = None
    while True:
        at = cursor
        page = await lane.patiently(lambda at=at: lane.adapter.observe(lane.job.kind, at))  # type: ignore[misc]
        if page is None:
            raise GuardRefused("the records held now cannot be read, so nobody can say what would be gone")
        yield page
        if page.cursor is None:
            return
        cursor = page.cursor


async def _pages_of_gone(ledger: Ledger) -> AsyncIterator[list[str]]:
    """The ids that were delivered on this lane before and are not in this run's batches."""
    after = ""
    while page := await ledger.journal.gone(ledger.lane, ledger.run.kind, ledger.run.run_id, after=after):
        after = page[-1]
        yield page


async def _flaw(lane: Lane, terms: Terms) -> str | None:
    """Why the set cannot stand for the whole source, if it cannot."""
    count = lane.report.tally.status
    if lane.ledger is not None and lane.stopped is None:
        try:
            lane.ledger.check_end()
        except InputChanged as error:
            await lane.halt(error)
    if lane.stopped is not None:
        return "the delivery was stopped"
    if count[Status.UNKNOWN]:
        return f"{_records(count[Status.UNKNOWN])} with an unknown outcome"
    if count[Status.REJECTED] > terms.max_rejected:
        return f"{_records(count[Status.REJECTED])} rejected (allowed {terms.max_rejected})"
    return None


def _records(count: int) -> str:
    return "1 record" if count == 1 else f"{count:,} records"


def _exit_of(error: ProofportError) -> Exit:
    return Exit.BLOCKED if isinstance(error, Blocked) else Exit.INCOMPLETE


def _note_override(report: DestinationReport, terms: Terms) -> None:
    if terms.override is not None:
        report.notes.append(f"The guard was overridden: {terms.override}")


def _note_gone(report: DestinationReport, ids: Iterable[str]) -> None:
    for record_id in ids:
        report.gone_count += 1
        if len(report.gone) < INLINE_PROBLEMS:
            report.gone.append(record_id)
