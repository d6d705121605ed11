"""The right to write to one lane of a SQLite journal."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import TypeVar

import orjson

from proofport.adapter import Memory, Schema
from proofport.errors import UsageError
from proofport.journal.contract import NOTHING_SENT, Attempt, BatchDone, Delivery, Failure, NewDelivery, NewRun, Sent
from proofport.journal.sqlite import known, lanes, queue, runs, schemas
from proofport.journal.sqlite.lanes import Hold
from proofport.journal.sqlite.shared import Shared

T = TypeVar("T")


class SqliteLaneRun:
    """Checks its epoch in the transaction of every write. See `proofport.journal.contract.LaneRun`."""

    def __init__(self, shared: Shared, hold: Hold, lease: float) -> None:
        self.lane = hold.lane
        self.epoch = hold.epoch
        self._shared = shared
        self._hold = hold
        self._lease = lease
        self._begun: dict[str, tuple[int, NewRun]] = {}

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def fenced(db: sqlite3.Connection) -> T:
            lanes.check(db, self._hold)
            return work(db)

        return await self._shared.writer.write(fenced)

    async def renew(self) -> None:
        until = self._shared.clock() + self._lease
        await self._write(lambda db: lanes.renew(db, self._hold, until))

    async def release(self) -> None:
        now = self._shared.clock()
        await self._shared.writer.write(lambda db: lanes.release(db, self._hold, now))
        self._shared.news.set()

    # ------------------------------------------------------------------ queued deliveries
    async def take(self, n: int) -> list[Delivery]:
        now = self._shared.clock()

        def read(db: sqlite3.Connection) -> list[Delivery]:
            found = queue.heads(db, self._hold, n, now)
            lanes.check(db, self._hold)
            return found

        return await self._shared.heads.read(read)

    async def done(
        self,
        delivery: Delivery,
        outcome: str,
        *,
        sent: Sent = NOTHING_SENT,
        dead: tuple[NewDelivery, Failure] | None = None,
    ) -> None:
        now, hold = self._shared.clock(), self._hold

        def write(db: sqlite3.Connection) -> None:
            if not queue.done(db, hold, delivery.id, outcome, now):
                return
            removed = delivery.mode == "remove"
            known.append(db, hold.number, delivery.kind, None, sent, removed=removed, delivery=delivery.id)
            if dead is not None:
                queue.bury(db, hold, *dead, delivery.attempts + 1, now)

        await self._write(write)

    async def dead(self, delivery: Delivery, failure: Failure, *, bodies: bytes | None = None) -> None:
        now = self._shared.clock()
        await self._write(lambda db: queue.dead(db, self._hold, delivery.id, failure, bodies, now))

    async def later(self, delivery: Delivery, delay: float, failure: Failure) -> None:
        until = self._shared.clock() + delay

        def write(db: sqlite3.Connection) -> None:
            queue.later(db, self._hold, delivery.id, failure)
            lanes.rest(db, self._hold, until)

        await self._write(write)

    async def park(self, reason: str) -> None:
        await self._write(lambda db: lanes.park(db, self._hold, reason))

    # ------------------------------------------------------------------ bulk runs
    async def begin(self, run: NewRun) -> None:
        await self._shared.known.tidy(self.lane, run.kind)
        now = self._shared.clock()
        self._begun[run.run_id] = await self._write(lambda db: runs.begin(db, self._hold, run, now)), run

    def _run(self, run_id: str) -> tuple[int, NewRun]:
        try:
            return self._begun[run_id]
        except KeyError:
            raise UsageError(f"the run {run_id} was not begun by this owner of the lane {self.lane}") from None

    async def remember(self, run_id: str, memory: Memory) -> None:
        number, text = self._run(run_id)[0], orjson.dumps(memory).decode()
        await self._write(lambda db: runs.remember(db, number, text))

    async def batch_done(self, run_id: str, batch: BatchDone) -> None:
        number, run = self._run(run_id)

        def write(db: sqlite3.Connection) -> None:
            runs.batch_done(db, number, batch)
            known.append(db, self._hold.number, run.kind, number, batch.sent, removed=run.mode == "remove")

        await self._write(write)

    async def end(self, run_id: str, *, complete: bool, report: str) -> None:
        number, now = self._run(run_id)[0], self._shared.clock()
        await self._write(lambda db: runs.end(db, number, complete=complete, report=report, now=now))

    async def forget(self, kind: str, ids: Sequence[str]) -> None:
        await self._write(lambda db: known.forget(db, self._hold.number, kind, ids))

    async def note_schema(self, schema: Schema) -> None:
        await self._shared.known.folded(self.lane, schema.kind)
        now = self._shared.clock()
        await self._write(lambda db: schemas.note(db, self._hold, schema, now))

    async def attempted(self, attempts: Sequence[Attempt]) -> None:
        await self._write(lambda db: runs.attempted(db, self._hold, attempts))
