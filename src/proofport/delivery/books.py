"""Where the batches of a destination run are written down, and the run of a push in the journal."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from proofport.accounting import Outcome, Status, all_delivered
from proofport.adapter import Batch, Memory, Tombstone
from proofport.delivery.lease import Holder
from proofport.delivery.payload import batch_digest, decode_outcomes, digests_of, encode_outcomes
from proofport.errors import UsageError
from proofport.journal.contract import IN_DOUBT, Attempt, BatchDone, Journal, NewRun, RunView, Sent

_NOTED = {Status.UNKNOWN: IN_DOUBT, Status.REJECTED: 0, Status.WITHHELD: 0}
REMOVED = (Status.DELIVERED, Status.UNCHANGED)
"""A record that was to be removed, or ended, is not there any more."""

SET_BEFORE, RUN_BEGAN = "set_before", "run_began"
"""Kept beside the adapter's memory: the size of the set that this one is compared with, and when the run began."""


POSITION_BITS = 40
"""A position is the number of the input above these bits, and the line or record number within them."""


class InputChanged(UsageError):
    """A resumed snapshot reads another input, or maps it otherwise, than the run it would go on with."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A batch on its way."""

    number: int
    batch: Batch
    digests: Sequence[int]


class Books(Protocol):
    """The record of one destination run. A push keeps it as a run in the journal, the queue by delivery."""

    @property
    def memory(self) -> Memory:
        """The memory of the adapter in the run that is resumed; else empty."""

    async def opened(self, memory: Memory) -> None:
        """Note what the adapter opened with."""

    def acknowledged(self, entry: Entry) -> list[Outcome] | None:
        """The outcomes that an interrupted run has noted for this batch. None: it has to be sent."""

    async def done(
        self, entry: Entry, outcomes: Sequence[Outcome], attempts: Sequence[Attempt], bodies: Sequence[bytes]
    ) -> None:
        """Note the outcomes of a batch, durably. `bodies` are those to keep."""

    async def doubted(self, entry: Entry, outcomes: Sequence[Outcome], attempts: Sequence[Attempt]) -> None:
        """Note that a batch may have arrived and that nobody knows."""


class RunBooks:
    """A run of a push in the journal. `earlier` is the interrupted run to go on with."""

    def __init__(self, journal: Journal, holder: Holder, run: NewRun, earlier: RunView | None = None) -> None:
        self.memory: Memory = dict(earlier.memory) if earlier else {}
        self._noted = {name: self.memory.pop(name) for name in (SET_BEFORE, RUN_BEGAN) if name in self.memory}
        self.journal = journal
        self._lane_run = holder.run
        self._run = run
        #: The numbers of the sources of a snapshot, by the number of the input.
        self._sources: Sequence[int] = ()
        self._acknowledged = {batch.number: batch for batch in earlier.batches} if earlier else {}

    async def begin(self, sources: Sequence[str] = ()) -> None:
        """`sources`: the name of the source of each input. Only a whole set says where a record comes from."""
        await self._lane_run.begin(self._run)
        if self._run.mode == "snapshot":
            self._sources = await self._lane_run.number_sources(self._run.kind, sources)

    async def opened(self, memory: Memory) -> None:
        """Note what the adapter opened with. Other data than before: the vendor's side began anew, so must we."""
        if memory != self.memory:
            self._acknowledged = {}
        self.memory = memory
        await self._remember()

    async def set_before(self, count: int) -> int:
        """The records that were held when the run began: `count`, or, in a resumed run, what was noted then."""
        return int(await self._first(SET_BEFORE, count))

    async def began(self, at: float) -> float:
        """When the run began: `at`, or, in a resumed run, what was noted then."""
        return await self._first(RUN_BEGAN, at)

    async def _first(self, name: str, value: float) -> float:
        noted = self._noted.get(name)
        if not isinstance(noted, int | float):
            noted = self._noted[name] = value
            await self._remember()
        return noted

    async def _remember(self) -> None:
        await self._lane_run.remember(self._run.run_id, {**self.memory, **self._noted})

    # ------------------------------------------------------------------ batches
    def acknowledged(self, entry: Entry) -> list[Outcome] | None:
        """Raises InputChanged when a snapshot's batch differs: records of another input were sent already."""
        earlier = self._acknowledged.pop(entry.number, None)
        if earlier is None:
            return None
        if earlier.digest != batch_digest(entry.batch, entry.digests):
            self._refuse_change()
            return None
        outcomes = decode_outcomes(earlier.outcomes)
        return None if any(outcome.status is Status.UNKNOWN for outcome in outcomes) else outcomes

    def check_end(self) -> None:
        """Raises InputChanged when the interrupted run had more batches than this input gave."""
        if self._acknowledged:
            self._refuse_change()

    def _refuse_change(self) -> None:
        if self._run.mode == "snapshot":
            raise InputChanged(
                f"the input is not the one that run {self._run.run_id} was reading",
                hint="What that run had staged is cancelled. Push again without --resume.",
            )

    async def done(
        self, entry: Entry, outcomes: Sequence[Outcome], attempts: Sequence[Attempt], bodies: Sequence[bytes]
    ) -> None:
        """Note a batch. Of an id that was not delivered, what was delivered before still holds."""
        batch = entry.batch
        row = BatchDone(
            entry.number,
            batch.positions[0],
            batch.positions[-1],
            len(batch),
            batch_digest(batch, entry.digests),
            encode_outcomes(outcomes),
            self._sent(entry, outcomes, bodies),
        )
        await asyncio.gather(self._lane_run.batch_done(self._run.run_id, row), self.attempted(attempts))

    async def doubted(self, entry: Entry, outcomes: Sequence[Outcome], attempts: Sequence[Attempt]) -> None:
        await self.done(entry, outcomes, attempts, ())

    def _sent(self, entry: Entry, outcomes: Sequence[Outcome], bodies: Sequence[bytes]) -> Sent:
        batch = entry.batch
        if self._run.mode == "remove":
            return Sent([each for each, end in zip(batch.ids, outcomes, strict=True) if end.status in REMOVED])
        digests = entry.digests
        if not all_delivered(outcomes):
            digests = [_NOTED.get(end.status, digest) for end, digest in zip(outcomes, digests, strict=True)]
        return Sent(batch.ids, digests, batch.observed, bodies, self._sources_of(batch))

    def _sources_of(self, batch: Batch) -> Sequence[int]:
        return [self._sources[position >> POSITION_BITS] for position in batch.positions] if self._sources else ()

    async def attempted(self, attempts: Sequence[Attempt]) -> None:
        if attempts:
            await self._lane_run.attempted(attempts)

    # ------------------------------------------------------------------ the set
    async def forget(self, ids: Sequence[str]) -> None:
        """Take ids out of the last delivered state."""
        if ids:
            await self._lane_run.forget(self._run.kind, ids)

    async def make_tombstones(self, ids: Sequence[str], gone_at: float, since: float) -> None:
        """Take ids out of the last delivered state, and keep them as tombstones. Drop those from before `since`."""
        await self._lane_run.forget(self._run.kind, ids, gone_at=gone_at, since=since)

    async def tombstones(self, missing: Sequence[str], began: float, since: float) -> dict[str, Tombstone]:
        """The tombstones from `since` on, with what this set lacks, by id. Notes durably since when it is missing."""
        lane, kind, after = self._lane_run.lane, self._run.kind, ""
        found: dict[str, Tombstone] = {}
        times = await self._lane_run.note_missing(kind, missing, at=began)
        while page := await self.journal.tombstones(lane, kind, since=since, after=after):
            after = page[-1].id
            found |= {each.id: each for each in page}
        bodies = await self.journal.bodies(lane, kind, missing)
        rows = zip(missing, bodies, times, strict=True)
        return found | {each: Tombstone(each, body, at) for each, body, at in rows if body and at >= since}

    async def end(self, *, complete: bool, report: str) -> None:
        await self._lane_run.end(self._run.run_id, complete=complete, report=report)

    async def unpark(self) -> None:
        """The vendor accepts: what is queued may go on, too."""
        await self.journal.resume(self._lane_run.lane)


def entry_of(number: int, batch: Batch) -> Entry:
    return Entry(number, batch, digests_of(batch))
