"""A journal in a file as the source or the target of a move."""

from __future__ import annotations

import asyncio
import sqlite3
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import orjson

from proofport.errors import ConfigError
from proofport.journal import copying
from proofport.journal.copying import Row, Source, Table
from proofport.journal.sqlite.alone import alone
from proofport.journal.sqlite.database import MOVED, connect, create, explained
from proofport.journal.sqlite.store import SQL

DRAFT = ".moving"
PAGE = 1_000


def _bytes(value: str | None) -> bytes | None:
    return None if value is None else value.encode()


def _text(value: Any) -> str | None:
    return None if value is None else bytes(value).decode()


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _loaded(value: str | None) -> Any:
    return None if value is None else orjson.loads(value)


READ: Mapping[tuple[str, str], Callable[[Any], Any]] = {
    ("source_names", "name"): _bytes,
    ("known", "id"): _bytes,
    ("known", "spelling"): _bytes,
    ("bodies", "id"): _bytes,
    ("tombstones", "id"): _bytes,
    ("runs", "memory"): _bytes,
    ("runs", "inputs"): _bytes,
    ("access_keys", "destinations"): _loaded,
    ("access_keys", "kinds"): _loaded,
    ("snapshots", "destinations"): _loaded,
    ("snapshots", "left_out"): _loaded,
}
"""How values are made of what SQLite has."""

WRITTEN: Mapping[tuple[str, str], Callable[[Any], Any]] = {
    name: _json if made is _loaded else _text for name, made in READ.items()
}
"""How what SQLite has is made of values."""


def _staged_read(row: Row) -> Row:
    turn, run, removed, ids, bodies, observed, sources, spellings = row
    texts = [text.encode() for text in orjson.loads(ids)]
    times = struct.unpack(f"<{len(observed) // 8}d", observed) or (0.0,) * len(texts)
    numbers = list(struct.unpack(f"<{len(sources) // 4}i", sources))
    written = [_bytes(text) for text in orjson.loads(spellings or b"[]")]
    digests = list(struct.unpack(f"<{len(texts)}q", bodies))
    return turn, run, bool(removed), texts, digests, list(times), numbers, written


def _staged_written(row: Row) -> Row:
    turn, run, removed, ids, bodies, observed, sources, spellings = row
    texts = orjson.dumps([_text(text) for text in ids])
    packed = struct.pack(f"<{len(ids)}q", *bodies), struct.pack(f"<{len(ids)}d", *observed)
    numbers = struct.pack(f"<{len(sources)}i", *sources)
    written = orjson.dumps([_text(text) for text in spellings]) if spellings else b""
    return turn, run, removed, texts, *packed, numbers, written, len(ids)


def _converted(table: Table, how: Mapping[tuple[str, str], Callable[[Any], Any]], row: Row) -> Row:
    made = [how.get((table.name, column)) for column in table.columns]
    return [make(value) if make else value for make, value in zip(made, row, strict=True)]


class SqliteSource:
    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self.name = str(path)
        self._db = db
        self._path = path

    async def lanes(self) -> list[tuple[int, str]]:
        return self._db.execute("SELECT number, lane FROM lanes ORDER BY number").fetchall()

    async def fingerprint(self, lane: int) -> str:
        return str(self._db.execute(SQL["fingerprint"], {"lane": lane}).fetchone()[0])

    async def rows(self, table: Table, lane: int | None) -> AsyncIterator[Sequence[Row]]:
        rows = self._db.execute(SQL.get(f"read_{table.name}", table.select(":lane")), {"lane": lane})
        while page := rows.fetchmany(PAGE):
            staged = table.name == "staged"
            yield [_staged_read(row) if staged else _converted(table, READ, row) for row in page]

    async def retire(self, target: str) -> str:
        _note(self._db, copying.AWAY, target)
        self._db.execute("COMMIT")
        return f"is called {self._path.name}{MOVED} now"


@asynccontextmanager
async def reading(path: Path, fold: Callable[[Iterable[tuple[str, str]]], Any]) -> AsyncIterator[Source]:
    """The journal at `path`, which nobody else has open. It gets another name when the move comes to its end.

    `fold` puts the last delivered state in order before.
    """
    if not await asyncio.to_thread(path.is_file):
        raise ConfigError(f"there is no journal {path}", hint="Name the file that `journal:` named until now.")
    try:
        create(path)
        with closing(connect(path)) as db:
            sets = db.execute(SQL["sets_to_fold"]).fetchall()
        await fold(sets)
        with alone(path) as db:
            working = db.execute(SQL["working"], {"now": time.time()}).fetchone()
            if working or db.execute(SQL["unfolded"]).fetchone()[0]:
                raise copying.in_use(str(path), " works on ".join(working) if working else "somebody writes to it")
            yield SqliteSource(db, path)
    except sqlite3.Error as error:
        raise explained(error) from error
    await asyncio.to_thread(path.rename, path.with_name(path.name + MOVED))


class SqliteTarget:
    def __init__(self, db: sqlite3.Connection, *, finished: bool) -> None:
        self.finished = finished
        self._db = db

    async def noted(self, lane: str) -> str | None:
        return _noted(self._db, lane)

    async def put(self, lane: str, number: int, fingerprint: str, source: Source) -> None:
        with _transaction(self._db) as db:
            for table in reversed(copying.OF_A_LANE):
                if table.name != "lane_runs":
                    name = "sent" if table.name == "staged" else None
                    db.execute(table.delete(":lane", name=name), {"lane": number})
            for table in copying.OF_A_LANE:
                await self._copy(table, number, source)
            _note(db, lane, fingerprint)

    async def _copy(self, table: Table, lane: int | None, source: Source) -> None:
        marks = ", ".join("?" * len(table.columns))
        plain = f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES ({marks})"  # noqa: S608 - our own names
        async for page in source.rows(table, lane):
            staged = table.name == "staged"
            rows = [_staged_written(row) if staged else _converted(table, WRITTEN, row) for row in page]
            self._db.executemany(SQL.get(f"write_{table.name}", plain), rows)

    async def finish(self, source: Source) -> None:
        with _transaction(self._db) as db:
            for table in copying.OF_THE_JOURNAL:
                await self._copy(table, None, source)
            db.execute(SQL["begin_turns"])
            db.execute(SQL["forget_notes"])
            _note(db, copying.FINISHED, source.name)


@asynccontextmanager
async def writing(path: Path, source: str) -> AsyncIterator[SqliteTarget]:
    """A draft of the journal at `path`, which takes its name once it is whole."""
    draft = path.with_name(path.name + DRAFT)
    if await asyncio.to_thread(path.exists):
        create(path)
        with closing(connect(path)) as db:
            finished = _noted(db, copying.FINISHED) == source
            copying.refuse_other(str(path), None, source, holds_work=not finished)
            yield SqliteTarget(db, finished=True)
        return
    try:
        create(draft)
        with closing(connect(draft)) as db:
            copying.refuse_other(str(path), _noted(db, copying.UNFINISHED), source, holds_work=False)
            finished = _noted(db, copying.FINISHED) == source
            if not finished:
                _note(db, copying.UNFINISHED, source)
            target = SqliteTarget(db, finished=finished)
            yield target
            finished = _noted(db, copying.FINISHED) == source
    except sqlite3.Error as error:
        raise explained(error) from error
    if finished:
        await asyncio.to_thread(draft.rename, path)


def _transaction(db: sqlite3.Connection) -> sqlite3.Connection:
    """Begin one, which ends with the block that uses the connection as its context."""
    db.execute("BEGIN IMMEDIATE")
    return db


def _noted(db: sqlite3.Connection, lane: str) -> str | None:
    row = db.execute(SQL["noted"], {"lane": lane}).fetchone()
    return row and str(row[0])


def _note(db: sqlite3.Connection, lane: str, counted: str) -> None:
    db.execute(SQL["note"], {"lane": lane, "counted": counted})
