"""Moving an embedded journal into PostgreSQL: lane by lane, each in its own transaction, so that it can be resumed.

The embedded journal is locked meanwhile: whoever still uses it waits, and then fails. A journal on PostgreSQL that is
only half there is not opened by anybody. Ids stay what they are, so that whoever noted one finds its delivery again.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

from proofport.errors import ConfigError, JournalError
from proofport.journal.postgres import migrations
from proofport.journal.postgres.database import Db, Place, explaining
from proofport.journal.postgres.tables import OF_A_LANE, OF_THE_JOURNAL, SEQUENCES, UNFOLDED, Table
from proofport.journal.sqlite import SqliteJournal
from proofport.journal.sqlite.database import connect
from proofport.journal.sqlite.database import explained as sqlite_explained

LOCK = 0x70706A32
UNFINISHED, FINISHED = "", "."
"""In `moved`, where lanes have their names: which journal is being moved, or was."""

SUFFIX = ".moved"
COUNTED = """
SELECT json_array(epoch, next_at, parked,
(SELECT json_array(count(*), max(id), sum(attempts), sum(state = 'queued')) FROM deliveries WHERE lane = l.number),
(SELECT json_array(count(*), max(ended), sum(length(memory))) FROM runs WHERE lane = l.number),
(SELECT max(number) FROM attempts WHERE lane = l.number),
(SELECT json_array(count(*), sum(body IS NOT 0), max(turn)) FROM known WHERE of_set IN
    (SELECT number FROM sets WHERE lane = l.number)),
(SELECT json_array(count(*), sum(defined)) FROM schemas WHERE lane = l.number))
FROM lanes l WHERE number = ?
"""
BUSY = "SELECT lane, owner FROM lanes WHERE owner IS NOT NULL AND lease_until > ? LIMIT 1"
TAKEN = "SELECT EXISTS (SELECT 1 FROM lanes) OR EXISTS (SELECT 1 FROM access_keys) OR EXISTS (SELECT 1 FROM snapshots)"

Told = Callable[[str, int, int], None]


async def move(source: Path, place: Place, told: Told) -> Path:
    """Move the journal in the file `source`; afterwards the file has another name, which is returned.

    `told` hears of every lane: its name, its number in the order of moving, and how many there are. Raises ConfigError.
    """
    source = _existing(source)
    await _fold(source)
    with _locked(source) as old:
        async with _opened(place) as db:
            if not await _begin(db, old, str(source).encode(), place):
                names = old.execute("SELECT number, lane FROM lanes ORDER BY number").fetchall()
                for place_of, (number, lane) in enumerate(names, 1):
                    await _move_lane(db, old, number, lane)
                    told(lane, place_of, len(names))
                await _finish(db, old)
    return _renamed(source)


def _renamed(source: Path) -> Path:
    """So that nobody who still has the old configuration delivers all of it a second time."""
    return source.rename(source.with_name(source.name + SUFFIX))


def _existing(source: Path) -> Path:
    if not source.is_file():
        raise ConfigError(f"there is no journal {source}", hint="Name the file that `journal:` named until now.")
    return source.absolute()


async def _fold(source: Path) -> None:
    """Put the last delivered state in order."""
    journal = SqliteJournal(source)
    await journal.open()
    try:
        with closing(connect(source, query_only=True)) as old:
            sets = old.execute("SELECT l.lane, s.kind FROM sets s JOIN lanes l ON l.number = s.lane").fetchall()
        for lane, kind in sets:
            await journal.known_count(lane, kind)
    finally:
        await journal.close()


@contextmanager
def _locked(source: Path) -> Iterator[sqlite3.Connection]:
    """The journal, in which nobody else writes until the end."""
    try:
        with closing(connect(source)) as old:
            old.execute("BEGIN IMMEDIATE")
            busy = old.execute(BUSY, (time.time(),)).fetchone()
            if busy or old.execute(UNFOLDED).fetchone()[0]:
                who = f"{busy[1]} works on the lane {busy[0]}" if busy else "somebody writes to it"
                raise ConfigError(
                    f"the journal {source} is in use: {who}",
                    hint="Stop everything that uses it, wait for the lease of what was killed, and try again.",
                )
            yield old
            old.execute("ROLLBACK")
    except sqlite3.Error as error:
        raise sqlite_explained(error) from error


@asynccontextmanager
async def _opened(place: Place) -> AsyncIterator[Db]:
    async with place.connected() as db:
        with explaining():
            try:
                await migrations.check(db, place)
            except ConfigError:
                if not await _noted(db, UNFINISHED):
                    raise
            if not await _one(db, "SELECT pg_try_advisory_lock(%s)", LOCK):
                raise ConfigError(f"another process is moving a journal into {place.name}", hint="Wait for its end.")
            yield db


async def _begin(db: Db, old: sqlite3.Connection, us: bytes, place: Place) -> bool:
    """Whether it had come to its end before, all but the file's name."""
    if await _noted(db, FINISHED) == us:
        return True
    begun = await _noted(db, UNFINISHED)
    if begun is None and await _one(db, TAKEN):
        raise ConfigError(
            f"{place.name} holds work already, and what is moved there would come after it",
            hint="Move into a journal that is new.",
        )
    if begun not in (None, us):
        raise ConfigError(
            f"the journal {begun.decode()} is being moved into {place.name}, and that has not come to its end",
            hint="Move that one to its end first.",
        )
    async with db.transaction():
        await _note(db, UNFINISHED, us)
        for table, column in SEQUENCES.items():
            highest = old.execute(f"SELECT max({column}) FROM {'sent' if table == 'staged' else table}").fetchone()[0]
            if highest is not None:
                await db.execute("SELECT setval(pg_get_serial_sequence(%s, %s), %s)", (table, column, highest))
    return False


async def _move_lane(db: Db, old: sqlite3.Connection, number: int, lane: str) -> None:
    """All that a lane holds, unless it is there and nothing has changed since."""
    counted = old.execute(COUNTED, (number,)).fetchone()[0].encode()
    before = await _noted(db, lane)
    if before == counted:
        return
    async with db.transaction():
        if before is not None:
            await _drop(db, number)
        for table in OF_A_LANE:
            await _copy(db, old, table, {"lane": number})
        await _note(db, lane, counted)


async def _drop(db: Db, number: int) -> None:
    of_lane = {"lanes": "number = %(lane)s"} | dict.fromkeys(
        ("lane_runs", "deliveries", "runs", "attempts", "sets", "schemas"), "lane = %(lane)s"
    )
    for table in reversed(OF_A_LANE):
        owner = (
            "run IN (SELECT number FROM runs"
            if table.name in ("batches", "staged")
            else "of_set IN (SELECT number FROM sets"
        )
        where = of_lane.get(table.name) or f"{owner} WHERE lane = %(lane)s)"
        await db.execute(f"DELETE FROM {table.name} WHERE {where}", {"lane": number})


async def _copy(db: Db, old: sqlite3.Connection, table: Table, values: dict[str, Any]) -> None:
    """Raises JournalError unless all rows have arrived."""
    count = 0
    async with db.cursor() as cursor:
        async with cursor.copy(table.copy) as copy:
            for row in old.execute(table.rows, values):
                await copy.write_row([_text(value) for value in table.converted(row)])
                count += 1
        if cursor.rowcount != count:
            raise JournalError(f"of {count} rows of {table.name}, {cursor.rowcount} arrived")


def _text(value: Any) -> Any:
    """PostgreSQL's text cannot hold U+0000, which nothing but messages of vendors may contain."""
    return value.replace("\x00", "\ufffd") if isinstance(value, str) else value


async def _finish(db: Db, old: sqlite3.Connection) -> None:
    async with db.transaction():
        for table in OF_THE_JOURNAL:
            await _copy(db, old, table, {})
        us = await _noted(db, UNFINISHED)
        assert us is not None
        await db.execute("DELETE FROM moved")
        await _note(db, FINISHED, us)


async def _noted(db: Db, lane: str) -> bytes | None:
    found = await _one(db, "SELECT counted FROM moved WHERE lane = %s", lane)
    return None if found is None else bytes(found)


async def _note(db: Db, lane: str, counted: bytes) -> None:
    query = "INSERT INTO moved VALUES (%s, %s) ON CONFLICT (lane) DO UPDATE SET counted = excluded.counted"
    await db.execute(query, (lane, counted))


async def _one(db: Db, query: str, *values: object) -> Any:
    row = await (await db.execute(query, values)).fetchone()
    return row and row[0]
