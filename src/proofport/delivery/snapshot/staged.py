"""A set that stays invisible at the vendor until it is completed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from proofport.accounting import Outcome, Status, unknown, withheld
from proofport.adapter import Stages
from proofport.delivery.destination_run import RESUMABLE
from proofport.delivery.guard import Change
from proofport.delivery.report import Exit
from proofport.delivery.snapshot.ending import Ending, exit_of
from proofport.delivery.whole import records
from proofport.errors import GuardRefused, ProofportError


class StagedSet(Ending):
    """The vendor holds the set back until it is completed. Completing deletes everything outside it."""

    async def end(self, incomplete: Sequence[str]) -> bool:
        """Complete the set when every record is accounted for and the guard agrees; cancel it otherwise."""
        destination = self._destination
        if destination.stopped is not None and destination.stopped.reason in RESUMABLE:
            self._leave_open(destination.stopped)
            return False
        flaw = await self._flaw()
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
        destination, tally = self._destination, self._report.tally
        try:
            await self._before.note_gone()
        except GuardRefused:
            raise
        except ProofportError as error:
            await self._cancel(f"what is held now could not be read: {error}", "snapshot_cancelled", exit_of(error))
            return False
        change = Change(self._before.size, self._report.gone.count, tally.status[Status.DELIVERED])
        self._terms.allow(change, incomplete, self._before.sources)
        self._note_override()
        complete = partial(self._stages.complete, destination.job, destination.memory or {}, tally)
        await destination.vendor.lead(complete, cleared=True)
        await self._forget_gone()
        return True

    async def _end_everything(self, incomplete: Sequence[str]) -> bool:
        """The set is empty, and the configuration says that this is meant: end every record, one by one."""
        gone = await self._before.note_gone(keep=True)
        self._terms.allow(Change(self._before.size, len(gone), 0), incomplete, self._before.sources, may_be_empty=True)
        self._note_override()
        ended = await self._end_all(gone)
        self._report.notes.append(f"The set is empty: {records(ended)} deleted at the vendor, as `empty_set` says.")
        return self._report.exit is Exit.OK

    async def _keep(self, incomplete: Sequence[str]) -> bool:
        """The set is what the vendor holds: nothing was staged, and nothing is gone."""
        held = self._report.tally.total
        self._terms.allow(Change(held, 0, held), incomplete, self._before.sources)
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
