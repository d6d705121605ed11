"""The embedded journal: one SQLite file that several processes may share. See `proofport.journal.contract`."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import tempfile
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path
from typing import Any

from proofport.errors import JournalError, UsageError
from proofport.journal.contract import JournalSize, LaneRun, Standing
from proofport.journal.copying import Source, Target
from proofport.journal.sql.journal import SqlJournal
from proofport.journal.sql.steps import Hold, Values
from proofport.journal.sqlite import copies
from proofport.journal.sqlite.alone import Restored, restore
from proofport.journal.sqlite.database import BESIDE, connect, create, explained, older_version, unusable
from proofport.journal.sqlite.folding import folded, number_of_set
from proofport.journal.sqlite.integrity import structural_damage, unfit_rows
from proofport.journal.sqlite.lane_run import SqliteLaneRun
from proofport.journal.sqlite.store import SQL, SqliteStore

INCREMENTAL = 2
"""The `auto_vacuum` of a file that can shrink: https://www.sqlite.org/pragma.html#pragma_auto_vacuum"""

SHRINK_BY = 500
"""Pages that are given back in one transaction."""


def _shrink(db: sqlite3.Connection) -> bool:
    """Give some free pages back. False: none is left."""
    db.execute(f"PRAGMA incremental_vacuum({SHRINK_BY})").fetchall()
    return bool(db.execute("PRAGMA freelist_count").fetchone()[0])


class SqliteJournal(SqlJournal[SqliteStore]):
    """A journal in a file on a local disk. `clock` gives seconds since 1970."""

    #: Commits survive a power cut.
    durable = True

    def __init__(self, path: str | Path, *, clock: Callable[[], float] = time.time) -> None:
        self.path = Path(path)
        self._clock = clock

    async def open(self) -> None:
        await asyncio.to_thread(create, self.path, durable=self.durable)
        try:
            self._begin()
        except (OSError, sqlite3.Error) as error:
            raise unusable(self.path, error) from error

    def _begin(self) -> None:
        self._opened = SqliteStore(self.path, durable=self.durable, clock=self._clock)

    def _held(self, hold: Hold, lease: float) -> LaneRun:
        return SqliteLaneRun(self._store, hold, lease)

    # ------------------------------------------------------------------ the last delivered state
    async def _set(self, lane: str, kind: str, *, in_order: bool = True) -> Values:
        return {"set": await (folded if in_order else number_of_set)(self._store, lane, kind)}

    async def _each(self, name: str, of_set: Values, ids: Sequence[str]) -> list[Any]:
        def read(db: sqlite3.Connection) -> list[Any]:
            return [db.execute(SQL[name], {**of_set, "id": text}).fetchone() for text in ids]

        return await self._store.looks.read(read)

    # ------------------------------------------------------------------ retention
    async def size(self) -> JournalSize:
        [(page, _, free, shrinking)] = await self._store.rows("pages", {})
        beside = sum(file.stat().st_size for name in BESIDE if (file := self._beside(name)).exists())
        size, shrinks = self.path.stat().st_size + beside, shrinking == INCREMENTAL
        return JournalSize(size, page * free, shrinks=shrinks, holdings=await self.holdings())

    def _beside(self, ending: str) -> Path:
        real = self.path.resolve()
        return real.with_name(real.name + ending)

    async def standing(self, keys: Sequence[str]) -> list[Standing]:
        """Fold what is still in the log first."""
        for lane, kind in await self._store.rows("all_sets", {}):
            await self.known_count(lane, kind)
        return await super().standing(keys)

    async def erase_bodies(self, places: Sequence[Standing]) -> None:
        """Have what is dropped from now on overwritten with zeros: https://www.sqlite.org/pragma.html"""
        await self._store.writer.write(lambda db: db.execute("PRAGMA secure_delete = ON").fetchall())
        await super().erase_bodies(places)

    async def give_space_back(self) -> bool:
        """The pages that are free go from the end of the file, once the log is written into it."""
        [(_, _, free, shrinking)] = await self._store.rows("pages", {})
        if shrinking != INCREMENTAL or not free:
            return False
        more = await self._store.writer.write(_shrink)
        if not more:
            await asyncio.to_thread(self._checkpoint)
        return more

    def _checkpoint(self) -> None:
        with closing(connect(self.path)) as db:
            db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()  # waits for nobody

    async def rewrite(self) -> None:
        """Afterwards a file that an older version made can shrink, too."""
        await asyncio.to_thread(self._rewrite)

    def _rewrite(self) -> None:
        try:
            with closing(connect(self.path)) as db:
                db.execute(f"PRAGMA auto_vacuum = {INCREMENTAL}")
                db.execute("VACUUM")
                db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.Error as error:
            raise explained(error) from error

    # ------------------------------------------------------------------ damage, backup and moving
    async def damage(self) -> list[str]:
        return await asyncio.to_thread(self._damage)

    def _damage(self) -> list[str]:
        try:
            with closing(connect(self.path, query_only=True)) as db:
                return structural_damage(db) or ([] if older_version(db) else unfit_rows(db))
        except sqlite3.DatabaseError as error:
            return [str(error)]

    def older_version(self) -> int | None:
        """The version of a whole journal that opening brings up to date. None: it has the newest."""
        with closing(connect(self.path, query_only=True)) as db:
            return older_version(db)

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
        """Copy the journal as it is now, beside running work. Raises UsageError when `path` exists.

        Raises JournalError, and leaves no copy, when the journal is damaged: see `structural_damage`.
        """
        target = Path(path)
        await asyncio.to_thread(self._copy_to, target)

    async def restore(self, backup: str | Path) -> Restored:
        """Put a copy of `backup` in the place of this journal, which is not open. See `alone.restore`."""
        return await asyncio.to_thread(restore, self.path, Path(backup))

    def _copy_to(self, target: Path) -> None:
        draft = target.with_name(f".{target.name}.{os.getpid()}")
        if target.exists():
            raise UsageError(f"{target} exists already", hint="Give the backup a path of its own.")
        try:
            os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600))
            with closing(connect(self.path)) as source, closing(sqlite3.connect(draft)) as copy:
                source.backup(copy)
                if found := structural_damage(copy):
                    raise JournalError(
                        f"the journal is damaged, and was not copied: {found[0]}",
                        hint="Keep the last backup. `proofport journal check` lists the damage.",
                    )
            os.link(draft, target)
        except sqlite3.Error as error:
            raise explained(error) from error
        except OSError as error:
            raise UsageError(f"the backup {target} cannot be written: {error}") from error
        finally:
            draft.unlink(missing_ok=True)


class TemporaryJournal(SqliteJournal):
    """A journal in a temporary file, removed when it is closed or when the process ends. Commits wait for no disk.

    For dry runs, tests and trying things out.
    """

    durable = False

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="proofport-"))
        self._remove = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        super().__init__(self._folder / "journal.sqlite3", clock=clock)

    async def close(self) -> None:
        """End the journal: nothing of it can be read any more."""
        await super().close()
        self._remove()
