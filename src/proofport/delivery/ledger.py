"""One destination's run in the journal: what was acknowledged, what the adapter remembers, what may be written."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from proofport.accounting import Outcome, Status, all_delivered
from proofport.adapter import Batch, Job, Memory
from proofport.delivery.digests import batch_digest, bodies_of
from proofport.delivery.last_state import LastState
from proofport.delivery.lease import Holder
from proofport.delivery.outcomes import decode, encode
from proofport.errors import UsageError
from proofport.journal.contract import IN_DOUBT, Attempt, BatchDone, Journal, NewRun, RunView, Sent
from proofport.wire import Call

_NOTED = {Status.UNKNOWN: IN_DOUBT, Status.REJECTED: 0, Status.WITHHELD: 0}
_REMOVED = (Status.DELIVERED, Status.UNCHANGED)

SET_BEFORE = "set_before"
"""Kept beside what the adapter remembers: the size of the set that this one is compared with."""


class InputChanged(UsageError):
    """A resumed snapshot reads another input, or renders it otherwise, than the run it would go on with."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A batch on its way into the ledger."""

    number: int
    batch: Batch
    bodies: Sequence[int]
    digest: bytes


class Ledger:
    """Begins or resumes a run. `earlier`: the interrupted run to go on with; what that had acknowledged is not sent."""

    def __init__(self, journal: Journal, holder: Holder, run: NewRun, earlier: RunView | None = None) -> None:
        self.journal = journal
        self.run = run
        self.memory: Memory = dict(earlier.memory) if earlier else {}
        self._set_before = self.memory.pop(SET_BEFORE, None)
        self._holder = holder
        self._acknowledged = {batch.number: batch for batch in earlier.batches} if earlier else {}

    @property
    def lane(self) -> str:
        return self._holder.run.lane

    async def begin(self) -> None:
        await self._holder.run.begin(self.run)

    async def opened(self, memory: Memory) -> None:
        """Note what the adapter opened with. Another memory than before: the vendor's side began anew, so must we."""
        if memory != self.memory:
            self._acknowledged = {}
        self.memory = memory
        await self._remember()

    async def set_before(self, count: int) -> int:
        """How many records were held when the run began: `count`, or, in a resumed run, what was noted then."""
        if not isinstance(self._set_before, int):
            self._set_before = count
            await self._remember()
        return self._set_before

    async def _remember(self) -> None:
        noted = {} if self._set_before is None else {SET_BEFORE: self._set_before}
        await self._holder.run.remember(self.run.run_id, {**self.memory, **noted})

    # ------------------------------------------------------------------ batches
    def enter(self, number: int, batch: Batch) -> Entry:
        bodies = bodies_of(batch)
        return Entry(number, batch, bodies, batch_digest(batch, bodies))

    def acknowledged(self, entry: Entry) -> list[Outcome] | None:
        """What became of this batch in the interrupted run, or None when it has to be sent.

        Raises InputChanged when a snapshot's batch differs: records that are not in the new input were sent already.
        """
        earlier = self._acknowledged.pop(entry.number, None)
        if earlier is None:
            return None
        if earlier.digest != entry.digest:
            self._refuse_change()
            return None
        outcomes = decode(earlier.outcomes)
        return None if any(outcome.status is Status.UNKNOWN for outcome in outcomes) else outcomes

    def check_end(self) -> None:
        """Raises InputChanged when the interrupted run had more batches than this input gave."""
        if self._acknowledged:
            self._refuse_change()

    def _refuse_change(self) -> None:
        if self.run.mode == "snapshot":
            raise InputChanged(
                f"the input is not the one that run {self.run.run_id} was reading",
                hint="What that run had staged is cancelled. Push again without --resume.",
            )

    async def froze(self, last: LastState, outcomes: Sequence[Outcome]) -> Job:
        """Note the schema that the vendor has made of a batch, if it has."""
        return await last.note(self._holder.run, outcomes)

    async def done(
        self, entry: Entry, outcomes: Sequence[Outcome], attempts: Sequence[Attempt], items: Sequence[bytes] = ()
    ) -> None:
        """Acknowledge a batch. Of an id that was not delivered, what was delivered before still holds.

        `items`: the bodies to keep.
        """
        batch = entry.batch
        if self.run.mode == "remove":
            sent = Sent([each for each, end in zip(batch.ids, outcomes, strict=True) if end.status in _REMOVED])
        else:
            sent = Sent(batch.ids, _noted(entry.bodies, outcomes), batch.observed, items)
        row = BatchDone(
            entry.number,
            batch.positions[0],
            batch.positions[-1],
            len(batch),
            entry.digest,
            encode(outcomes),
            sent,
        )
        await asyncio.gather(self._holder.run.batch_done(self.run.run_id, row), self.attempted(attempts))

    async def attempted(self, attempts: Sequence[Attempt]) -> None:
        if attempts:
            await self._holder.run.attempted(attempts)

    # ------------------------------------------------------------------ the right to write
    async def permit(self, call: Call) -> None:
        """Raises LaneLost when another process has the lane. Asked before every call that writes."""
        await self._holder.permit(call)

    async def park(self, reason: str) -> None:
        await self._holder.run.park(reason)

    async def unpark(self) -> None:
        """The vendor accepts: what is queued may go on, too."""
        await self.journal.resume(self.lane)

    async def forget(self, ids: Sequence[str]) -> None:
        if ids:
            await self._holder.run.forget(self.run.kind, ids)

    async def end(self, *, complete: bool, report: str) -> None:
        await self._holder.run.end(self.run.run_id, complete=complete, report=report)


def _noted(bodies: Sequence[int], outcomes: Sequence[Outcome]) -> Sequence[int]:
    if all_delivered(outcomes):
        return bodies
    return [_NOTED.get(end.status, body) for end, body in zip(outcomes, bodies, strict=True)]
