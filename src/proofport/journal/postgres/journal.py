"""The journal that several machines share, in one PostgreSQL database. See `proofport.journal.contract`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

from proofport.errors import JournalError
from proofport.journal.contract import LaneRun
from proofport.journal.copying import Source, Target
from proofport.journal.postgres import copies, migrations
from proofport.journal.postgres.database import Place
from proofport.journal.postgres.last_state import LastStatePart, PostgresLaneRun
from proofport.journal.postgres.store import SQL, PostgresStore
from proofport.journal.postgres.wake import Waker
from proofport.journal.postgres.work import Work
from proofport.journal.sql.access import AccessPart
from proofport.journal.sql.lanes import LanesPart, RunsPart
from proofport.journal.sql.queue import QueuePart
from proofport.journal.sql.registry import RegistryPart
from proofport.journal.sql.snapshots import SnapshotsPart
from proofport.journal.sql.steps import Hold


class PostgresJournal(QueuePart, LanesPart, RunsPart, LastStatePart, RegistryPart, SnapshotsPart, AccessPart):
    """A journal in a database. `clock` gives seconds since 1970; without one, the server's clock counts."""

    def __init__(self, url: str, *, clock: Callable[[], float] | None = None) -> None:
        self.place = Place(url)
        self._clock = clock
        self._opened: PostgresStore | None = None

    async def migrate(self) -> list[str]:
        """Make the tables, or bring them up to date. The names of the scripts that were applied."""
        return await migrations.migrate(self.place)

    # ------------------------------------------------------------------ moving
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
        self, drain: Callable[[LaneRun], Awaitable[None]], *, owner: str, slots: int, lease: float, stop: asyncio.Event
    ) -> None:
        await Work(self._store, drain, owner, slots, lease, stop).run()
