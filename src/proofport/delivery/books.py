"""Where the batches of a destination run are written down, and the run of a push in the journal."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import orjson

from proofport.accounting import Assurance, Outcome, Status, all_delivered
from proofport.adapter import Batch, Memory, Mode, Tombstone
from proofport.delivery.ids.same import keys_in, spellings_of
from proofport.delivery.lane.intents import Intents
from proofport.delivery.lane.lease import Holder
from proofport.delivery.lane.payload import batch_digest, decode_outcomes, digests_of, encode_outcomes
from proofport.errors import UsageError
from proofport.journal.contract import IN_DOUBT, Attempt, BatchDone, Intent, Journal, NewRun, RunView, Sent

_NOTED = {Status.UNKNOWN: IN_DOUBT, Status.REJECTED: 0, Status.WITHHELD: 0}
REMOVED = (Status.DELIVERED, Status.UNCHANGED)
"""A record that was to be removed, or ended, is not there any more."""

SET_BEFORE, RUN_BEGAN = "set_before", "run_began"
"""Kept beside the adapter's memory: the size of the set that this one is compared with, and when the run began."""

STOPPED = "stopped"
"""Kept there, too: why a run stopped that can be resumed, and its books until then."""

POSITION_BITS = 40
"""A position is the number of the input above these bits, and the line or record number within them."""

NOWHERE = -1
"""The position of a body that stands in no input. Its source stays the one before."""


class InputChanged(UsageError):
    """A resumed snapshot reads another input, or maps it otherwise, than the run it would go on with."""


@dataclass(frozen=True)
class Entry:
    """A batch on its way."""

    number: int
    batch: Batch
    digests: Sequence[int]

    @cached_property
    def digest(self) -> bytes:
        return batch_digest(self.batch, self.digests)


class Books(Protocol):
    """The record of one destination run. A push keeps it as a run in the journal, the queue by delivery."""

    @property
    def memory(self) -> Memory:
        """The memory of the adapter in the run that is resumed; else empty."""

    async def opened(self, memory: Memory) -> None:
        """Note what the adapter opened with."""

    def acknowledged(self, entry: Entry) -> list[Outcome] | None:
        """The outcomes that an interrupted run has noted for this batch. None: it has to be sent."""

    @property
    def unchecked(self) -> bool:
        """True while a batch that the interrupted run has sent was not compared with this input's."""

    def check_end(self) -> None:
        """Raises InputChanged when the interrupted run has sent more batches than this input gave."""

    def intend(self, entry: Entry, batch: Batch, bodies: Sequence[bytes]) -> None:
        """Have noted that records of a batch, `batch`, are about to be sent. `bodies` are those to keep."""

    async def intended(self, entry: Entry) -> None:
        """Return when that is durable."""

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
        self.memory.pop(STOPPED, None)
        self.journal = journal
        self._lane_run = holder.run
        self._run = run
        #: The numbers of the sources of a snapshot, by the number of the input.
        self._sources: Sequence[int] = ()
        self._acknowledged = {batch.number: batch for batch in earlier.batches} if earlier else {}
        #: The digests of batches that may have been on the wire when the earlier run was cut off.
        self._perhaps_sent = dict(earlier.intents) if earlier else {}
        self._kept_intents = frozenset(self._perhaps_sent)
        self._intents = Intents(self._intend)

    async def begin(self, sources: Sequence[str] = ()) -> None:
        """`sources`: the name of the source of each input. Only a whole set says where a record comes from."""
        await self._lane_run.begin(self._run)
        if self._run.mode == "snapshot":
            self._sources = await self._lane_run.number_sources(self._run.kind, sources)

    async def opened(self, memory: Memory) -> None:
        """Note what the adapter opened with. Other data than before: the vendor's side began anew, so must we."""
        if memory != self.memory:
            self._acknowledged, self._perhaps_sent = {}, {}
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

    async def stopped(self, reason: str, report: str) -> None:
        """Note why the run stops, and its report so far. It stays open, to be resumed."""
        self._noted[STOPPED] = {"reason": reason, "books": orjson.loads(report)}
        await self._remember()

    async def _remember(self) -> None:
        await self._lane_run.remember(self._run.run_id, {**self.memory, **self._noted})

    # ------------------------------------------------------------------ batches
    def acknowledged(self, entry: Entry) -> list[Outcome] | None:
        """Raises InputChanged when a snapshot's batch differs: records of another input were sent already."""
        earlier = self._acknowledged.pop(entry.number, None)
        sent = self._perhaps_sent.pop(entry.number, None) if earlier is None else earlier.digest
        if sent is None:
            return None
        if sent != entry.digest:
            self._refuse_change()
            return None
        outcomes = decode_outcomes(earlier.outcomes) if earlier is not None else ()
        return None if any(outcome.status is Status.UNKNOWN for outcome in outcomes) else list(outcomes) or None

    @property
    def unchecked(self) -> bool:
        return self._run.mode == "snapshot" and bool(self._acknowledged or self._perhaps_sent)

    def check_end(self) -> None:
        if self.unchecked:
            self._refuse_change()

    def _refuse_change(self) -> None:
        if self._run.mode == "snapshot":
            cancelled = "What that run had staged is cancelled. " if self._run.staged else ""
            raise InputChanged(
                f"the input is not the one that run {self._run.run_id} was reading",
                hint=f"Nothing of this input was sent. {cancelled}Push again without --resume.",
            )

    def intend(self, entry: Entry, batch: Batch, bodies: Sequence[bytes]) -> None:
        sent = about_to_be_sent(batch, bodies, self._sources_of(batch))
        self._intents.add([Intent(entry.number, sent, entry.digest)])

    async def intended(self, entry: Entry) -> None:
        await self._intents.durable(entry.number)

    async def _intend(self, intents: Sequence[Intent]) -> None:
        await self._lane_run.intend(self._run.kind, intents, run_id=self._run.run_id)

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
            entry.digest,
            encode_outcomes(outcomes),
            self._sent(entry, outcomes, bodies),
        )

        async def write(intents: Sequence[Intent]) -> None:
            await self._lane_run.batch_done(self._run.run_id, row, intents=intents)

        await asyncio.gather(self._intents.carried(write), self.attempted(attempts))
        self._intents.noted(entry.number)

    async def doubted(self, entry: Entry, outcomes: Sequence[Outcome], attempts: Sequence[Attempt]) -> None:
        await self.done(entry, outcomes, attempts, ())

    def _sent(self, entry: Entry, outcomes: Sequence[Outcome], bodies: Sequence[bytes]) -> Sent:
        batch = entry.batch
        if self._run.mode == "remove":
            return Sent([each for each, end in zip(keys_in(batch), outcomes, strict=True) if end.status in REMOVED])
        digests = entry.digests
        if not all_delivered(outcomes):
            digests = [_NOTED.get(end.status, digest) for end, digest in zip(outcomes, digests, strict=True)]
        return Sent(keys_in(batch), digests, batch.observed, bodies, self._sources_of(batch), spellings_of(batch))

    def _sources_of(self, batch: Batch) -> Sequence[int]:
        if not self._sources:
            return ()
        return [0 if at == NOWHERE else self._sources[at >> POSITION_BITS] for at in batch.positions]

    async def attempted(self, attempts: Sequence[Attempt]) -> None:
        if attempts:
            await self._lane_run.attempted(attempts)

    async def withdraw(self) -> None:
        """Drop the intents of what was not sent after all. What an interrupted run may have sent stays noted."""
        if intents := self._intents.not_sent(self._kept_intents):
            await self._lane_run.withdraw(self._run.kind, intents, run_id=self._run.run_id)

    async def completing(self) -> None:
        """Note that the vendor is about to be told to complete the set."""
        await self._lane_run.completing(self._run.run_id)

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

    async def end(self, *, complete: bool, report: str, arrived: Assurance | None = None) -> None:
        await self._lane_run.end(self._run.run_id, complete=complete, report=report, arrived=arrived)

    async def unpark(self) -> None:
        """The vendor accepts: what is queued may go on, too."""
        await self.journal.resume(self._lane_run.lane)


def about_to_be_sent(batch: Batch, bodies: Sequence[bytes], sources: Sequence[int] = ()) -> Sent:
    """The content of an intent: no digests, because nobody knows yet what arrives."""
    return Sent(keys_in(batch), (), batch.observed, bodies, sources, spellings_of(batch))


def entry_of(number: int, batch: Batch) -> Entry:
    return Entry(number, batch, digests_of(batch))


async def require_resumable(journal: Journal, run_id: str, to: Sequence[str], kind: str, mode: Mode) -> None:
    """Raises UsageError unless the run is there, open, and was asked for the same."""
    runs = [run for name in to if (run := await journal.run(run_id, name)) is not None]
    if not runs:
        raise UsageError(f"there is no run {run_id} to these destinations", hint="`proofport status` lists the runs.")
    if any((run.kind, run.mode) != (kind, mode) for run in runs):
        raise UsageError(f"run {run_id} is a {runs[0].mode} of {runs[0].kind}", hint="Resume it with the same options.")
    if all(run.state != "open" for run in runs):
        raise UsageError(f"run {run_id} has ended; there is nothing to go on with")
