"""The embedded journal: one SQLite file that several processes may share. See `proofport.journal.contract`."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path

from proofport.errors import JournalError, UsageError
from proofport.journal import scheduler
from proofport.journal.contract import Kept, Known, LaneRun
from proofport.journal.copying import Source, Target
from proofport.journal.sql.access import AccessPart
from proofport.journal.sql.lanes import LanesPart
from proofport.journal.sql.queue import QueuePart
from proofport.journal.sql.registry import RegistryPart
from proofport.journal.sql.runs import RunsPart
from proofport.journal.sql.snapshots import SnapshotsPart
from proofport.journal.sql.steps import Hold
from proofport.journal.sqlite import copies
from proofport.journal.sqlite.database import connect, create, explained
from proofport.journal.sqlite.known import KnownSets
from proofport.journal.sqlite.lane_run import SqliteLaneRun
from proofport.journal.sqlite.store import SqliteStore


class SqliteJournal(QueuePart, LanesPart, RunsPart, RegistryPart, SnapshotsPart, AccessPart):
    """A journal in a file on a local disk. `clock` gives seconds since 1970."""

    durable = True
    """Commits survive a power cut."""

    def __init__(self, path: str | Path, *, clock: Callable[[], float] = time.time) -> None:
        self.path = Path(path)
        self._clock = clock
        self._opened: tuple[SqliteStore, KnownSets] | None = None

    async def open(self) -> None:
        await asyncio.to_thread(create, self.path, durable=self.durable)
        self._begin()

    def _begin(self) -> None:
        store = SqliteStore(self.path, durable=self.durable, clock=self._clock)
        self._opened = store, KnownSets(store)

    async def close(self) -> None:
        if self._opened is not None:
            (store, _), self._opened = self._opened, None
            await store.close()

    def _required(self) -> tuple[SqliteStore, KnownSets]:
        if self._opened is None:
            raise JournalError("the journal is not open")
        return self._opened

    @property
    def _store(self) -> SqliteStore:
        return self._required()[0]

    @property
    def _sets(self) -> KnownSets:
        return self._required()[1]

    def _held(self, hold: Hold, lease: float) -> LaneRun:
        return SqliteLaneRun(self._store, self._sets, hold, lease)

    async def work(
        self, drain: Callable[[LaneRun], Awaitable[None]], *, owner: str, slots: int, lease: float, stop: asyncio.Event
    ) -> None:
        store = self._store
        await scheduler.work(
            lambda: self.claim(owner=owner, lease=lease), store.is_due, store.news, drain, slots=slots, stop=stop
        )

    # ------------------------------------------------------------------ the last delivered state
    async def known(self, lane: str, kind: str, ids: Sequence[str]) -> list[Known | None]:
        return await self._sets.known(lane, kind, ids)

    async def gone(self, lane: str, kind: str, run_id: str, *, after: str = "", limit: int = 500) -> list[str]:
        return await self._sets.gone(lane, kind, run_id, after, limit)

    async def known_count(self, lane: str, kind: str) -> int:
        return await self._sets.count(lane, kind)

    async def bodies(self, lane: str, kind: str, ids: Sequence[str]) -> list[bytes | None]:
        return await self._sets.bodies(lane, kind, ids)

    async def kept(self, lane: str, kind: str, *, after: str = "", limit: int = 500) -> list[Kept]:
        return await self._sets.kept(lane, kind, after, limit)

    # ------------------------------------------------------------------ backup and moving
    @property
    def label(self) -> str:
        return str(self.path)

    def source(self) -> AbstractAsyncContextManager[Source]:
        return copies.reading(self.path.absolute(), self._fold)

    def target(self, source: str) -> AbstractAsyncContextManager[Target]:
        return copies.writing(self.path.absolute(), source)

    async def _fold(self, sets: Iterable[tuple[str, str]]) -> None:
        await self.open()
        try:
            for lane, kind in sets:
                await self.known_count(lane, kind)
        finally:
            await self.close()

    async def backup(self, path: str | Path) -> None:
        """Copy the journal as it is now, beside running work. Raises UsageError when `path` exists."""
        target = Path(path)
        await asyncio.to_thread(self._copy_to, target)

    def _copy_to(self, target: Path) -> None:
        draft = target.with_name(f".{target.name}.{os.getpid()}")
        if target.exists():
            raise UsageError(f"{target} exists already", hint="Give the backup a path of its own.")
        try:
            os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600))
            with closing(connect(self.path)) as source, closing(sqlite3.connect(draft)) as copy:
                source.backup(copy)
            os.link(draft, target)
        except sqlite3.Error as error:
            raise explained(error) from error
        except OSError as error:
            raise UsageError(f"the backup {target} cannot be written: {error}") from error
        finally:
            draft.unlink(missing_ok=True)
