"""A journal on PostgreSQL as the source or the target of a move."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from psycopg import IsolationLevel

from proofport.errors import ConfigError, JournalError
from proofport.journal import copying
from proofport.journal.copying import Row, Source, Table
from proofport.journal.postgres import migrations
from proofport.journal.postgres.database import Db, Place, explaining
from proofport.journal.postgres.store import SQL

LOCK = 0x70706A32
PAGE = 1_000
NUMBERED = ("number", "id", "turn")
"""Columns whose values a sequence gives, in the tables where they are integers."""


class PostgresSource:
    def __init__(self, db: Db, place: Place) -> None:
        self.name = place.name
        self._db = db

    async def lanes(self) -> list[tuple[int, str]]:
        return await _rows(self._db, "all_lanes")

    async def fingerprint(self, lane: int) -> str:
        return str((await _rows(self._db, "fingerprint", lane=lane))[0][0])

    async def rows(self, table: Table, lane: int | None) -> AsyncIterator[Sequence[Row]]:
        async with self._db.cursor(name="rows") as cursor:
            await cursor.execute(SQL.get(f"read_{table.name}", table.select("%(lane)s")).encode(), {"lane": lane})
            while page := await cursor.fetchmany(PAGE):
                yield page

    async def retire(self, target: str) -> str:
        """In the transaction that holds the locks: whoever has waited for them finds that it is away."""
        await _note(self._db, copying.AWAY, target)
        return "is not opened any more"


@asynccontextmanager
async def reading(place: Place) -> AsyncIterator[Source]:
    """The journal, in which nobody else writes."""
    async with place.connected() as db:
        with explaining():
            await migrations.check(db, place)
            await db.set_isolation_level(IsolationLevel.REPEATABLE_READ)
            async with db.transaction():
                await db.execute(SQL["lock_tables"].encode())
                if working := await _rows(db, "working", now=None):
                    raise copying.in_use(place.name, " works on ".join(working[0]))
                yield PostgresSource(db, place)


class PostgresTarget:
    def __init__(self, db: Db, *, finished: bool) -> None:
        self.finished = finished
        self._db = db

    async def noted(self, lane: str) -> str | None:
        return await _noted(self._db, lane)

    async def put(self, lane: str, number: int, fingerprint: str, source: Source) -> None:
        async with self._db.transaction():
            if await self.noted(lane) is not None:
                for table in reversed(copying.OF_A_LANE):
                    await self._db.execute(table.delete("%(lane)s").encode(), {"lane": number})
            for table in copying.OF_A_LANE:
                await self._copy(table, number, source)
            await _note(self._db, lane, fingerprint)

    async def _copy(self, table: Table, lane: int | None, source: Source) -> None:
        """Raises JournalError unless all rows have arrived."""
        count, statement = 0, f"COPY {table.name} ({', '.join(table.columns)}) FROM STDIN"
        async with self._db.cursor() as cursor:
            async with cursor.copy(statement.encode()) as copy:
                async for page in source.rows(table, lane):
                    for row in page:
                        await copy.write_row([_text(value) for value in row])
                    count += len(page)
            if cursor.rowcount != count:
                raise JournalError(f"of {count} rows of {table.name}, {cursor.rowcount} arrived")

    async def finish(self, source: Source) -> None:
        async with self._db.transaction():
            for table in copying.OF_THE_JOURNAL:
                await self._copy(table, None, source)
            for table in (*copying.OF_A_LANE, *copying.OF_THE_JOURNAL):
                await self._begin_above(table)
            await self._db.execute(SQL["forget_notes"].encode())
            await _note(self._db, copying.FINISHED, source.name)

    async def _begin_above(self, table: Table) -> None:
        """Let new numbers begin above all that were moved."""
        column = table.columns[0]
        if column not in NUMBERED:
            return
        query = f"SELECT max({column}) FROM {table.name}".encode()  # noqa: S608 - our own names
        [(highest,)] = await (await self._db.execute(query)).fetchall()
        if highest is not None:
            await _rows(self._db, "begin_above", table=table.name, column=column, highest=highest)


@asynccontextmanager
async def writing(place: Place, source: str) -> AsyncIterator[PostgresTarget]:
    """The journal, which nobody opens until it is whole."""
    async with place.connected() as db:
        with explaining():
            try:
                await migrations.check(db, place)
            except ConfigError:
                if await _noted(db, copying.UNFINISHED) is None:
                    raise
            if not (await _rows(db, "lock_moves", lock=LOCK))[0][0]:
                raise ConfigError(f"another process is moving a journal into {place.name}", hint="Wait for its end.")
            finished = await _noted(db, copying.FINISHED) == source
            if not finished:
                [(holds_work,)] = await _rows(db, "holds_work")
                copying.refuse_other(place.name, await _noted(db, copying.UNFINISHED), source, holds_work=holds_work)
                await _note(db, copying.UNFINISHED, source)
            yield PostgresTarget(db, finished=finished)


def _text(value: Any) -> Any:
    """PostgreSQL's text cannot hold U+0000, which nothing but messages of vendors may contain."""
    return value.replace("\x00", "\ufffd") if isinstance(value, str) else value


async def _rows(db: Db, name: str, **values: object) -> list[tuple[Any, ...]]:
    return await (await db.execute(SQL[name].encode(), values)).fetchall()


async def _noted(db: Db, lane: str) -> str | None:
    rows = await _rows(db, "noted", lane=lane)
    return bytes(rows[0][0]).decode() if rows else None


async def _note(db: Db, lane: str, counted: str) -> None:
    await db.execute(SQL["note"].encode(), {"lane": lane, "counted": counted.encode()})
