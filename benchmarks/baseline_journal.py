"""What the SQLite journal is measured against: the design alone, without all that a product adds to it.

One writer thread with group commit and a savepoint per request; WAL, synchronous=FULL; a lane is leased with an epoch
that is checked at every write; other processes are noticed by `PRAGMA data_version`. What crosses the seam is the same;
the store knows no kinds, modes, runs, delivered state, filters, injected clock or explained errors.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from proofport.journal.contract import NewDelivery

SCHEMA = """
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, lane TEXT NOT NULL, payload BLOB NOT NULL,
    state INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, last_error TEXT, created REAL NOT NULL,
    finished REAL);
CREATE INDEX IF NOT EXISTS queued ON deliveries (lane, id) WHERE state = 0;
CREATE TABLE IF NOT EXISTS lanes (
    lane TEXT PRIMARY KEY, awake INTEGER NOT NULL DEFAULT 0, paused INTEGER NOT NULL DEFAULT 0,
    next_at REAL NOT NULL DEFAULT 0, hold_reason TEXT);
CREATE INDEX IF NOT EXISTS awake ON lanes (next_at) WHERE awake AND NOT paused;
CREATE TABLE IF NOT EXISTS lane_runs (
    lane TEXT PRIMARY KEY, epoch INTEGER NOT NULL DEFAULT 0, owner TEXT, lease_until REAL NOT NULL DEFAULT 0);
"""
CLAIM = """
UPDATE lane_runs SET epoch = epoch + 1, owner = ?, lease_until = ? WHERE lane = (
    SELECT l.lane FROM lanes l JOIN lane_runs r ON r.lane = l.lane
    WHERE l.awake AND NOT l.paused AND l.next_at <= ? AND r.lease_until <= ? ORDER BY l.next_at LIMIT 1)
RETURNING lane, epoch
"""
CLAIM_NAMED = """
UPDATE lane_runs SET epoch = epoch + 1, owner = ?, lease_until = ? WHERE lane = ? AND lease_until <= ?
RETURNING lane, epoch
"""

Answer: TypeAlias = tuple[asyncio.Future[Any], Any, Exception | None]


@dataclass(frozen=True, slots=True)
class Taken:
    id: int
    payload: bytes


class Lost(Exception):
    """Another owner has the lane."""


class BaselineJournal:
    def __init__(self, path: Path) -> None:
        self._path = path

    async def open(self) -> None:
        self._db, self._reader, self._watch = (
            sqlite3.connect(self._path, isolation_level=None, timeout=30, check_same_thread=False) for _ in range(3)
        )
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript(SCHEMA)
        self._reader.execute("PRAGMA query_only = ON")
        self._loop = asyncio.get_running_loop()
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write_all)
        self._thread.start()
        self._read_thread = ThreadPoolExecutor(1)
        self._news = asyncio.Event()

    async def close(self) -> None:
        self._requests.put(None)
        await asyncio.to_thread(self._thread.join)
        self._read_thread.shutdown()
        for db in (self._db, self._reader, self._watch):
            db.close()

    # ------------------------------------------------------------------ the writer
    def write(self, work: Callable[[sqlite3.Connection], Any]) -> asyncio.Future[Any]:
        future = self._loop.create_future()
        self._requests.put((work, future))
        return future

    def _write_all(self) -> None:
        while (first := self._requests.get()) is not None:
            group = [first]
            with suppress(queue.Empty):
                while len(group) < 512:
                    group.append(self._requests.get_nowait())
            if group[-1] is None:
                self._requests.put(group.pop())
            answers: list[Answer] = []
            self._db.execute("BEGIN IMMEDIATE")
            for work, future in group:
                self._db.execute("SAVEPOINT one")
                try:
                    answers.append((future, work(self._db), None))
                except Exception as error:
                    self._db.execute("ROLLBACK TO one")
                    answers.append((future, None, error))
                self._db.execute("RELEASE one")
            self._db.execute("COMMIT")
            self._loop.call_soon_threadsafe(_answer, answers)

    # ------------------------------------------------------------------ the queue
    async def accept(self, deliveries: Sequence[NewDelivery]) -> list[int]:
        accepted: list[int] = await self.write(lambda db: _accept(db, deliveries))
        self._news.set()
        return accepted

    async def claim(self, lane: str | None = None, *, owner: str, lease: float) -> BaselineRun | None:
        def take(db: sqlite3.Connection) -> Any:
            now = time.time()
            if lane is None:
                return db.execute(CLAIM, (owner, now + lease, now, now)).fetchone()
            return db.execute(CLAIM_NAMED, (owner, now + lease, lane, now)).fetchone()

        row = await self.write(take)
        return None if row is None else BaselineRun(self, *row)

    async def read(self, question: Callable[[sqlite3.Connection], Any]) -> Any:
        return await self._loop.run_in_executor(self._read_thread, question, self._reader)

    async def work(
        self,
        drain: Callable[[BaselineRun], Awaitable[None]],
        *,
        owner: str,
        slots: int,
        lease: float,
        stop: asyncio.Event,
    ) -> None:
        free, version = asyncio.Semaphore(slots), None
        async with asyncio.TaskGroup() as drains:
            while not stop.is_set():
                await free.acquire()
                while not stop.is_set() and (run := await self.claim(owner=owner, lease=lease)) is None:
                    while not stop.is_set() and not self._news.is_set():
                        seen = self._watch.execute("PRAGMA data_version").fetchone()[0]
                        if seen != version:
                            version = seen
                            break
                        with suppress(TimeoutError):
                            async with asyncio.timeout(0.05):
                                await self._news.wait()
                    self._news.clear()
                if run is not None:
                    drains.create_task(self._drain(drain, run)).add_done_callback(lambda _: free.release())

    async def _drain(self, drain: Callable[[BaselineRun], Awaitable[None]], run: BaselineRun) -> None:
        await drain(run)
        await run.release()
        self._news.set()


class BaselineRun:
    def __init__(self, journal: BaselineJournal, lane: str, epoch: int) -> None:
        self.lane, self.epoch, self._journal = lane, epoch, journal

    async def take(self, n: int) -> list[Taken]:
        query = "SELECT id, payload FROM deliveries WHERE lane = ? AND state = 0 ORDER BY id LIMIT ?"
        rows = await self._journal.read(lambda db: db.execute(query, (self.lane, n)).fetchall())
        return [Taken(*row) for row in rows]

    async def done(self, taken: Taken, outcome: str) -> None:
        def write(db: sqlite3.Connection) -> None:
            done = db.execute(
                "UPDATE deliveries SET state = 1, attempts = attempts + 1, finished = ? WHERE id = ? "
                "AND EXISTS (SELECT 1 FROM lane_runs WHERE lane = ? AND epoch = ?)",
                (time.time(), taken.id, self.lane, self.epoch),
            )
            if done.rowcount != 1:
                raise Lost(self.lane)

        await self._journal.write(write)

    async def release(self) -> None:
        def write(db: sqlite3.Connection) -> None:
            more = db.execute("SELECT 1 FROM deliveries WHERE lane = ? AND state = 0 LIMIT 1", (self.lane,)).fetchone()
            if more is None:
                db.execute("UPDATE lanes SET awake = 0 WHERE lane = ?", (self.lane,))
            db.execute(
                "UPDATE lane_runs SET lease_until = 0, owner = NULL WHERE lane = ? AND epoch = ?",
                (self.lane, self.epoch),
            )

        await self._journal.write(write)


def _accept(db: sqlite3.Connection, deliveries: Sequence[NewDelivery]) -> list[int]:
    accepted = []
    for new in deliveries:
        values = (new.lane, new.payload, time.time())
        added = db.execute("INSERT INTO deliveries (lane, payload, created) VALUES (?, ?, ?)", values)
        accepted.append(added.lastrowid or 0)
    for lane in {new.lane for new in deliveries}:
        if db.execute("SELECT awake FROM lanes WHERE lane = ?", (lane,)).fetchone() != (1,):
            db.execute("INSERT INTO lanes (lane, awake) VALUES (?, 1) ON CONFLICT DO UPDATE SET awake = 1", (lane,))
            db.execute("INSERT INTO lane_runs (lane) VALUES (?) ON CONFLICT DO NOTHING", (lane,))
    return accepted


def _answer(answers: list[Answer]) -> None:
    for future, result, error in answers:
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
