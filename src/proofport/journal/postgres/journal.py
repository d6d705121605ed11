"""The journal that several machines share, in one PostgreSQL database. See `proofport.journal.contract`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial

import psycopg

from proofport.errors import JournalError, UsageError
from proofport.journal import scheduler
from proofport.journal.contract import JournalSize, LaneRun
from proofport.journal.copying import OF_A_LANE, OF_THE_JOURNAL, Source, Target
from proofport.journal.postgres import copies, migrations
from proofport.journal.postgres.database import Place, explained
from proofport.journal.postgres.last_state import LastStatePart, PostgresLaneRun
from proofport.journal.postgres.store import SQL, PostgresStore
from proofport.journal.postgres.wake import Waker
from proofport.journal.postgres.work import POLL, Hearing
from proofport.journal.scheduler import Slots
from proofport.journal.sql.access import AccessPart
from proofport.journal.sql.erasing import ErasingPart
from proofport.journal.sql.intents import IntentsPart
from proofport.journal.sql.lanes import LanesPart, RunsPart
from proofport.journal.sql.notices import NoticesPart
from proofport.journal.sql.queue import QueuePart
from proofport.journal.sql.receipts import ReceiptsPart, new_branch
from proofport.journal.sql.registry import RegistryPart
from proofport.journal.sql.retention import RetentionPart
from proofport.journal.sql.snapshots import SnapshotsPart
from proofport.journal.sql.steps import Change, Hold, Steps

TABLES = [*(table.name for table in (*OF_A_LANE, *OF_THE_JOURNAL)), "leases"]
READ = "SELECT max(md5(t::text)) FROM {table} t"
"""The text of a row needs all of its values, also those that are kept beside the table."""


class PostgresJournal(
    QueuePart,
    LanesPart,
    RunsPart,
    LastStatePart,
    IntentsPart,
    ReceiptsPart,
    RegistryPart,
    RetentionPart,
    SnapshotsPart,
    AccessPart,
    ErasingPart,
    NoticesPart,
):
    """A journal in a database. `clock` gives seconds since 1970; without one, the server's clock counts."""

    def __init__(self, url: str, *, clock: Callable[[], float] | None = None) -> None:
        self.place = Place(url)
        self._clock = clock
        self._opened: PostgresStore | None = None

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

    @staticmethod
    def _id(text: str) -> bytes:
        return text.encode()

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

    async def close(self) -> None:
        if self._opened is not None:
            opened, self._opened = self._opened, None
            await opened.close()

    @property
    def _store(self) -> PostgresStore:
        if self._opened is None:
            raise JournalError("the journal is not open")
        return self._opened

    def _held(self, hold: Hold, lease: float) -> LaneRun:
        return PostgresLaneRun(self._store, hold, lease)

    async def work(
        self,
        drain: Callable[[LaneRun], Awaitable[None]],
        *,
        owner: str,
        slots: int,
        lease: float,
        stop: asyncio.Event,
        shared: bool = False,
    ) -> None:
        store = self._store
        claim, taken = partial(self.claim, owner=owner, lease=lease), Slots(slots, shared=shared)
        async with asyncio.TaskGroup() as group:
            group.create_task(Hearing(store, owner, lease, stop).run())
            group.create_task(scheduler.work(claim, store.is_due, store.waker.news, drain, taken, stop, poll=POLL))


def _restored() -> Steps[None]:
    yield Change("doubt_all", {})
    yield Change("begin_branch", {"branch": new_branch()})
