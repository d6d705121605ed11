"""The journal that several machines share, in one PostgreSQL database. See `proofport.journal.contract`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import psycopg

from proofport.errors import UsageError
from proofport.journal.contract import JournalSize, LaneRun
from proofport.journal.copying import OF_A_LANE, OF_THE_JOURNAL, Source, Target
from proofport.journal.postgres import copies, migrations
from proofport.journal.postgres.database import Place, explained
from proofport.journal.postgres.lane_run import PostgresLaneRun
from proofport.journal.postgres.store import SQL, PostgresStore
from proofport.journal.postgres.wake import Waker
from proofport.journal.postgres.work import POLL, Hearing
from proofport.journal.sql.journal import SqlJournal
from proofport.journal.sql.receipts import new_branch
from proofport.journal.sql.steps import Change, Hold, Steps, Values

TABLES = [*(table.name for table in (*OF_A_LANE, *OF_THE_JOURNAL)), "leases"]
READ = "SELECT max(md5(t::text)) FROM {table} t"
"""The text of a row needs all of its values, also those that are kept beside the table."""


class PostgresJournal(SqlJournal[PostgresStore]):
    """A journal in a database. `clock` gives seconds since 1970; without one, the server's clock counts."""

    _poll = POLL

    def __init__(self, url: str, *, clock: Callable[[], float] | None = None) -> None:
        self.place = Place(url)
        self._clock = clock

    async def migrate(self) -> list[str]:
        """Make the tables, or bring them up to date. The names of the scripts that were applied."""
        return await migrations.migrate(self.place)

    # ------------------------------------------------------------------ damage and moving
    async def damage(self) -> list[str]:
        """Read every row of every table.

        A page that was changed on the disk is noticed if the server has data checksums. Indexes are for a tool of its
        own: https://www.postgresql.org/docs/current/app-pgamcheck.html
        """
        found = []
        async with self.place.connected() as db:
            await migrations.check(db, self.place)
            for table in TABLES:
                try:
                    await db.execute(READ.format(table=table).encode())
                except psycopg.Error as error:
                    found.append(f"the table {table} cannot be read: {explained(error).message}")
            if not found:
                found = [text for (text,) in await (await db.execute(SQL["asleep"].encode())).fetchall()]
        return found

    # ------------------------------------------------------------------ the last delivered state
    async def _set(self, lane: str, kind: str, *, in_order: bool = True) -> Values:
        return {"lane": lane, "kind": kind}

    async def _each(self, name: str, of_set: Values, ids: Sequence[str]) -> list[Any]:
        keys = list(map(self._store.id_of, ids))
        found = {bytes(key): row for key, *row in await self._store.rows(name, {**of_set, "ids": keys})}
        return [found.get(key) for key in keys]

    # ------------------------------------------------------------------ retention
    async def size(self) -> JournalSize:
        [(size,)] = await self._store.rows("bytes", {})
        return JournalSize(size, 0, shrinks=True, holdings=await self.holdings())

    async def give_space_back(self) -> bool:
        """Autovacuum does it: https://www.postgresql.org/docs/current/routine-vacuuming.html"""
        return False

    async def rewrite(self) -> None:
        raise UsageError("this journal is a database", hint="Rewrite its tables with `VACUUM FULL`.")

    async def restored(self) -> None:
        """Note that the database is a copy of before: receipts begin a branch, and what was delivered counts as perhaps
        overwritten since.
        """
        await self._store.write(_restored)

    @property
    def label(self) -> str:
        return self.place.name

    def source(self) -> AbstractAsyncContextManager[Source]:
        return copies.reading(self.place)

    def target(self, source: str) -> AbstractAsyncContextManager[Target]:
        return copies.writing(self.place, source)

    async def open(self) -> None:
        async with self.place.connected() as db:
            await migrations.check(db, self.place)
        pool, waker = self.place.pool(), Waker(SQL["sleeping_job"])
        await pool.open()
        await waker.open(pool)
        self._opened = PostgresStore(pool, waker, self._clock)

    def _held(self, hold: Hold, lease: float) -> LaneRun:
        return PostgresLaneRun(self._store, hold, lease)

    @asynccontextmanager
    async def _hearing(self, owner: str, lease: float, stop: asyncio.Event) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            group.create_task(Hearing(self._store, owner, lease, stop).run())
            yield


def _restored() -> Steps[None]:
    yield Change("doubt_all", {})
    yield Change("begin_branch", {"branch": new_branch()})
