"""The right to write to one lane of a journal on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from proofport.adapter import Memory, Schema
from proofport.errors import UsageError
from proofport.journal.contract import NOTHING_SENT, Attempt, BatchDone, Delivery, Failure, NewDelivery, NewRun, Sent
from proofport.journal.postgres import known, lanes, queue, runs, schemas
from proofport.journal.postgres.database import Db
from proofport.journal.postgres.lanes import Hold
from proofport.journal.postgres.shared import Shared


class PostgresLaneRun:
    """Checks its epoch in the transaction of every write. See `proofport.journal.contract.LaneRun`."""

    def __init__(self, shared: Shared, hold: Hold, lease: float) -> None:
        self.lane = hold.lane
        self.epoch = hold.epoch
        self._shared = shared
        self._hold = hold
        self._lease = lease
        self._begun: dict[str, tuple[int, NewRun]] = {}

    @asynccontextmanager
    async def _write(self, *, lane: bool = False) -> AsyncIterator[Db]:
        """A transaction in which nobody takes the lane over. `lane`: it changes when the lane may be claimed, too."""
        async with self._shared.transaction() as db:
            if lane:
                await lanes.locked(db, self.lane)
            await lanes.check(db, self._hold)
            yield db

    async def renew(self) -> None:
        await lanes.renew(self._shared, self._hold, self._lease)

    async def release(self) -> None:
        await lanes.release(self._shared, self._hold)

    # ------------------------------------------------------------------ queued deliveries
    async def take(self, n: int) -> list[Delivery]:
        return await queue.heads(self._shared, self._hold, n)

    async def done(
        self,
        delivery: Delivery,
        outcome: str,
        *,
        sent: Sent = NOTHING_SENT,
        dead: tuple[NewDelivery, Failure] | None = None,
    ) -> None:
        shared, hold = self._shared, self._hold
        if not sent.ids and dead is None:
            await queue.done_alone(shared, hold, delivery.id, outcome)
            return
        async with shared.transaction() as db:
            if not await queue.done(shared, db, hold, delivery.id, outcome):
                return
            removed = delivery.mode == "remove"
            await known.append(db, hold, delivery.kind, sent, removed=removed, delivery=delivery.id)
            if dead is not None:
                await queue.bury(shared, db, hold, *dead, delivery.attempts + 1)

    async def dead(self, delivery: Delivery, failure: Failure, *, bodies: bytes | None = None) -> None:
        await queue.dead(self._shared, self._hold, delivery.id, failure, bodies)

    async def later(self, delivery: Delivery, delay: float, failure: Failure) -> None:
        async with self._write(lane=True) as db:
            await queue.later(db, self._hold, delivery.id, failure)
            await lanes.rest(self._shared, db, self._hold, delay)

    async def park(self, reason: str) -> None:
        async with self._write(lane=True) as db:
            await lanes.park(db, self._hold, reason)

    # ------------------------------------------------------------------ bulk runs
    async def begin(self, run: NewRun) -> None:
        async with self._write() as db:
            number = await runs.begin(self._shared, db, self._hold, run)
        self._begun[run.run_id] = number, run

    def _run(self, run_id: str) -> tuple[int, NewRun]:
        try:
            return self._begun[run_id]
        except KeyError:
            raise UsageError(f"the run {run_id} was not begun by this owner of the lane {self.lane}") from None

    async def remember(self, run_id: str, memory: Memory) -> None:
        number, _ = self._run(run_id)
        async with self._write() as db:
            await runs.remember(db, number, memory)

    async def batch_done(self, run_id: str, batch: BatchDone) -> None:
        number, run = self._run(run_id)
        async with self._write() as db:
            await runs.batch_done(db, number, batch)
            removed = run.mode == "remove"
            await known.append(db, self._hold, run.kind, batch.sent, run=number, removed=removed, staged=run.staged)

    async def end(self, run_id: str, *, complete: bool, report: str) -> None:
        number, run = self._run(run_id)
        async with self._write() as db:
            await runs.end(self._shared, db, self._hold, number, run, complete=complete, report=report)

    async def forget(self, kind: str, ids: Sequence[str]) -> None:
        async with self._write() as db:
            await known.append(db, self._hold, kind, Sent(ids), removed=True)

    async def note_schema(self, schema: Schema) -> None:
        async with self._write() as db:
            await schemas.note(self._shared, db, self._hold, schema)

    async def attempted(self, attempts: Sequence[Attempt]) -> None:
        async with self._write() as db:
            await runs.attempted(db, self._hold, attempts)
