"""A set that stays invisible at the vendor until it is completed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial

from proofport.accounting import Outcome, Status, Tally, unknown, withheld
from proofport.adapter import Batch, Stages
from proofport.delivery.batching import Batcher, exchange
from proofport.delivery.report.report import Exit
from proofport.delivery.report.stops import RESUMABLE
from proofport.delivery.snapshot.ending import TAKEN, Ending, exit_of
from proofport.delivery.snapshot.fate import fate_of
from proofport.delivery.snapshot.guard import Change
from proofport.delivery.snapshot.refused import NAMED, held_back
from proofport.delivery.snapshot.whole import flaw_of, records
from proofport.errors import GuardRefused, ProofportError
from proofport.text.wording import listing


class StagedSet(Ending):
    """The vendor holds the set back until it is completed. Completing deletes everything outside it."""

    async def end(self, incomplete: Sequence[str]) -> bool:
        """Complete the set when every record is accounted for and the guard agrees; cancel it otherwise."""
        destination = self._destination
        if destination.stopped is not None and destination.stopped.reason in RESUMABLE:
            self._leave_open(destination.stopped)
            return False
        flaw = await flaw_of(destination, self._books)
        if flaw is None and not self._terms.keep_last:
            flaw = self._too_many_rejected()
        try:
            if flaw:
                await self._cancel(flaw, "snapshot_cancelled", Exit.INCOMPLETE)
                return False
            if destination.is_live_already:
                return await self._keep(incomplete)
            if self._stages.empty_set == "end" and not self._report.tally.total:
                return await self._end_everything(incomplete)
            return await self._complete(incomplete)
        except GuardRefused as refusal:
            await self._cancel(str(refusal), "guard", Exit.GUARD)
        except ProofportError as error:
            await destination.halt(error)
            self._report.tally.withdraw(unknown("closing_failed"))
        return False

    @property
    def _stages(self) -> Stages:
        assert isinstance(self._destination.resource, Stages)
        return self._destination.resource

    async def _complete(self, incomplete: Sequence[str]) -> bool:
        destination, report = self._destination, self._report
        try:
            await self._before.read_list()
            await self._before.note_gone()
            held = await held_back(self._before, self._terms, report)
        except GuardRefused:
            raise
        except ProofportError as error:
            await self._cancel(f"what is held now could not be read: {error}", "snapshot_cancelled", exit_of(error))
            return False
        if held.flaw is not None:
            await self._cancel(held.flaw, "snapshot_cancelled", Exit.INCOMPLETE)
            return False
        kept = len(held.kept)
        staged = Tally(report.tally.status + Counter({Status.DELIVERED: kept}))
        change = Change(self._before.size, report.gone.count + held.lost, staged.status[Status.DELIVERED])
        self._allow(change, incomplete, self._before.sources)
        if kept and not await self._stage_kept(held.kept):
            return False
        self._note_override()
        held.note(self._before, report)
        complete = partial(self._stages.complete, destination.job, destination.memory or {}, staged)
        await self._books.completing()
        await destination.vendor.lead(complete, cleared=True)
        report.gone_became = fate_of(destination, delete_gone=True)
        await self._forget_gone(held)
        return True

    async def _stage_kept(self, kept: Batch) -> bool:
        """Put the last bodies of refused records into the set. True: the vendor has taken all of them.

        They stand in no batch of the run: what the journal knows of them still holds.
        """
        destination = self._destination
        try:
            outcomes = await self._sent(kept)
        except ProofportError as error:
            await destination.halt(error)
            assert destination.stopped is not None
            if destination.stopped.reason in RESUMABLE:
                self._leave_open(destination.stopped)
            else:
                await self._cancel(
                    "the last bodies of refused records were not taken", "snapshot_cancelled", Exit.INCOMPLETE
                )
            return False
        refused = [each for each, end in zip(kept.ids, outcomes, strict=True) if end.status not in TAKEN]
        if refused:
            why = f"the vendor did not take the last bodies of refused records: {listing(refused, NAMED)}"
            await self._cancel(why, "snapshot_cancelled", Exit.INCOMPLETE)
        return not refused

    async def _sent(self, kept: Batch) -> Sequence[Outcome]:
        destination, outcomes, batcher = self._destination, list[Outcome](), Batcher(self._destination.limits)
        flow = partial(destination.resource.send, destination.job, await destination.open())
        batcher.extend(kept.ids, kept.bodies, kept.positions, [0.0] * len(kept), extras=True)
        while (batch := batcher.full() or batcher.flush()) is not None:
            outcomes += await exchange(batch, lambda some: destination.vendor.lead(partial(flow, some)))
        return outcomes

    async def _end_everything(self, incomplete: Sequence[str]) -> bool:
        """The set is empty, and the configuration says that this is meant: end every record, one by one."""
        await self._before.read_list()
        gone = await self._before.note_gone(keep=True)
        self._allow(Change(self._before.size, len(gone), 0), incomplete, self._before.sources, may_be_empty=True)
        self._note_override()
        ended = await self._end_all(gone)
        self._report.gone_became = fate_of(self._destination, delete_gone=True)
        self._report.notes.append(f"The set is empty: {records(ended)} deleted at the vendor, as `empty_set` says.")
        return self._report.exit is Exit.OK

    async def _keep(self, incomplete: Sequence[str]) -> bool:
        """The set is what the vendor holds: nothing was staged, and nothing is gone."""
        held = self._report.tally.total
        self._allow(Change(held, 0, held), incomplete, self._before.sources)
        self._report.notes.append("The set is what the vendor holds already: nothing was sent, and nothing replaced.")
        await self._forget_gone()
        return True

    def _leave_open(self, stopped: Outcome) -> None:
        """Leave the staged records there: the run can be resumed once the vendor, or a person, has made way."""
        if not self._report.tally.withdraw(stopped):
            return
        if stopped.reason == "lane_lost":
            self._report.notes.append("Nothing was completed: another process delivers to this object. Push again.")
        else:
            self._report.notes.append(
                f"Nothing was completed. Go on with --resume {self._destination.job.run_id}, or push again from the "
                "start."
            )

    async def _cancel(self, why: str, reason: str, code: Exit) -> None:
        """Leave the vendor as it was: nothing that was staged has been delivered."""
        destination, report = self._destination, self._report
        withdrawn = report.tally.withdraw(withheld(reason))
        report.fail(code)
        report.notes.append(f"The snapshot was not completed: {why}")
        if withdrawn:
            report.notes.append(f"{records(withdrawn)} withheld; what the vendor held before is untouched.")
        # the run that was to be resumed may have opened something, when this one opened nothing
        memory = destination.memory if destination.memory is not None else self._books.memory or None
        if memory is None:
            return
        try:
            await destination.vendor.lead(partial(self._stages.cancel, destination.job, memory))
        except ProofportError as error:
            report.notes.append(f"What was staged could not be taken back: {error}")
            report.exit = Exit.INCOMPLETE if report.exit is Exit.GUARD else report.exit
