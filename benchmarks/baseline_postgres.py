"""What the journal on PostgreSQL is measured against: the design alone, without all that a product adds to it.

One drain job of procrastinate per active lane, deferred in the accepting transaction; `lanes` is locked by accepting
and by going to sleep only, `lane_runs` by the drain only; the epoch is checked at every write. Every acceptance is a
transaction of its own. What crosses the seam is the same; the store knows no kinds, modes, runs, delivered state,
filters, submissions, injected clock, parked lanes, overlooked lanes or explained errors.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.schema import SchemaManager
from psycopg_pool import AsyncConnectionPool

from proofport.journal.contract import NewDelivery

CONNECTIONS = 20
QUEUE = "baseline"
SCHEMA = """
CREATE TABLE deliveries (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, lane TEXT NOT NULL, payload BYTEA NOT NULL,
    state TEXT NOT NULL DEFAULT 'queued', attempts INTEGER NOT NULL DEFAULT 0, last_error TEXT,
    created TIMESTAMPTZ NOT NULL DEFAULT now(), finished TIMESTAMPTZ);
CREATE INDEX queued ON deliveries (lane, id) WHERE state = 'queued';
CREATE TABLE lanes (
    lane TEXT PRIMARY KEY, awake BOOLEAN NOT NULL DEFAULT false, paused BOOLEAN NOT NULL DEFAULT false,
    next_at TIMESTAMPTZ, hold_reason TEXT);
CREATE TABLE lane_runs (
    lane TEXT PRIMARY KEY, epoch BIGINT NOT NULL DEFAULT 0, owner TEXT, lease_until TIMESTAMPTZ);
"""


@dataclass(frozen=True, slots=True)
class Taken:
    id: int
    payload: bytes


class Lost(Exception):
    """Another owner has the lane."""


class BaselinePostgres:
    def __init__(self, url: str) -> None:
        self._url = url
        self._pool: Any = AsyncConnectionPool(url, min_size=2, max_size=CONNECTIONS, open=False, configure=_autocommit)
        self.app = App(connector=PsycopgConnector())
        self._task = self.app.task(name="drain", queue=QUEUE)(self._job)
        self._drain: Callable[[BaselineRun], Awaitable[None]] | None = None

    async def migrate(self) -> None:
        async with AsyncConnectionPool(self._url, open=False) as pool, pool.connection() as db:
            await db.execute(SCHEMA)
            await db.execute(SchemaManager.get_schema().encode())

    async def open(self) -> None:
        await self._pool.open()
        await self.app.open_async(self._pool)

    async def close(self) -> None:
        await self._pool.close()

    async def accept(self, deliveries: Sequence[NewDelivery]) -> list[int]:
        accepted = []
        async with self._pool.connection() as db, db.transaction():
            for lane in sorted({new.lane for new in deliveries}):
                await self._wake(db, lane)
            for new in deliveries:
                query = "INSERT INTO deliveries (lane, payload) VALUES (%s, %s) RETURNING id"
                [row] = await (await db.execute(query, (new.lane, new.payload))).fetchall()
                accepted.append(row[0])
        return accepted

    async def _wake(self, db: Any, lane: str) -> None:
        query = "SELECT awake FROM lanes WHERE lane = %s FOR UPDATE"
        row = await (await db.execute(query, (lane,))).fetchone()
        if row is None:
            await db.execute("INSERT INTO lanes (lane) VALUES (%s) ON CONFLICT DO NOTHING", (lane,))
            await db.execute("INSERT INTO lane_runs (lane) VALUES (%s) ON CONFLICT DO NOTHING", (lane,))
            row = await (await db.execute(query, (lane,))).fetchone()
        if not row[0]:
            await db.execute("UPDATE lanes SET awake = true WHERE lane = %s", (lane,))
            await self._defer(db, lane)

    async def _defer(self, db: Any, lane: str) -> None:
        with suppress(AlreadyEnqueued):
            async with db.transaction():
                await self._task.configure(lock=lane, queueing_lock=lane, connection=db).defer_async(lane=lane)

    # ------------------------------------------------------------------ working
    async def work(
        self,
        drain: Callable[[BaselineRun], Awaitable[None]],
        *,
        owner: str,
        slots: int,
        lease: float,
        stop: asyncio.Event,
    ) -> None:
        self._drain = drain
        worker = asyncio.create_task(
            self.app.run_worker_async(
                queues=[QUEUE],
                concurrency=slots,
                fetch_job_polling_interval=0.5,
                delete_jobs="successful",
                install_signal_handlers=False,
            )
        )
        await stop.wait()
        worker.cancel()
        with suppress(asyncio.CancelledError):
            await worker

    async def _job(self, lane: str) -> None:
        assert self._drain is not None
        run = await self.take_over(lane)
        await self._drain(run)
        await run.sleep()

    async def take_over(self, lane: str) -> BaselineRun:
        change = "UPDATE lane_runs SET epoch = epoch + 1, lease_until = now() + interval '30 s'"
        query = f"{change} WHERE lane = %s RETURNING epoch"
        [row] = await self.rows(query, (lane,))
        return BaselineRun(self, lane, row[0])

    async def rows(self, query: str, values: Any) -> list[Any]:
        async with self._pool.connection() as db:
            rows: list[Any] = await (await db.execute(query, values)).fetchall()
            return rows


class BaselineRun:
    def __init__(self, journal: BaselinePostgres, lane: str, epoch: int) -> None:
        self.lane, self.epoch, self._journal = lane, epoch, journal

    async def take(self, n: int) -> list[Taken]:
        query = "SELECT id, payload FROM deliveries WHERE lane = %s AND state = 'queued' ORDER BY id LIMIT %s"
        return [Taken(*row) for row in await self._journal.rows(query, (self.lane, n))]

    async def done(self, taken: Taken, outcome: str) -> None:
        query = (
            "WITH held AS (SELECT 1 FROM lane_runs WHERE lane = %s AND epoch = %s FOR SHARE) "
            "UPDATE deliveries SET state = 'done', attempts = attempts + 1, finished = now() FROM held "
            "WHERE id = %s RETURNING 1"
        )
        if not await self._journal.rows(query, (self.lane, self.epoch, taken.id)):
            raise Lost(self.lane)

    async def sleep(self) -> None:
        """Lock the lane, look once more, and go to sleep."""
        journal = self._journal
        async with journal._pool.connection() as db, db.transaction():
            await db.execute("SELECT 1 FROM lanes WHERE lane = %s FOR UPDATE", (self.lane,))
            query = "SELECT 1 FROM deliveries WHERE lane = %s AND state = 'queued' LIMIT 1"
            if await (await db.execute(query, (self.lane,))).fetchone():
                await journal._defer(db, self.lane)
            else:
                await db.execute("UPDATE lanes SET awake = false WHERE lane = %s", (self.lane,))


async def _autocommit(db: Any) -> None:
    await db.set_autocommit(True)
