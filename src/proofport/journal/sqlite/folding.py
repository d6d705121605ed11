"""The last delivered state: appended while pushing, folded into a table in the order of its key when someone asks.

Appending a row per batch costs a push next to nothing, where an indexed insert per id would cost more than mapping it.
Folding sorts on disk and writes in slices, so that a million ids need little memory and other writers never wait long.
It may be repeated, interrupted and done by two processes at once: each id keeps the turn that it was folded from.
"""

from __future__ import annotations

import asyncio
import sqlite3
import struct
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any, TypeAlias, TypeVar

import orjson

from proofport.journal.contract import IN_DOUBT
from proofport.journal.sql.steps import Many, Steps
from proofport.journal.sqlite.database import connect
from proofport.journal.sqlite.store import SQL, SqliteStore

SLICE = 5_000
MOST_UNFOLDED = 1_000_000
"""Ids of one lane and kind that may wait in the log when a run begins: so a journal that nobody asks stops growing."""

SCRATCH = "CREATE TABLE pending (id TEXT, run, turn, body, observed, source, spelling, place)"
SORTED = "SELECT ?, id, run, turn, body, observed, source, spelling FROM pending ORDER BY id, turn, place"

Rows: TypeAlias = list[tuple[Any, ...]]
T = TypeVar("T")


@dataclass(slots=True)
class _Pending:
    """The work of one folding: rows of the log, their ids sorted in a database of its own on disk."""

    scratch: sqlite3.Connection
    folded: list[int] = field(default_factory=list)
    named: dict[int, int] = field(default_factory=dict)

    def add(self, db: sqlite3.Connection, of_set: int) -> None:
        self.scratch.execute(SCRATCH)
        self.scratch.execute("BEGIN")
        log = db.execute(SQL["log_to_fold"], {"set": of_set})
        for place, run, turn, removed, only_named, ids, bodies, observed, sources, spellings in log:
            known_sources = sources and not only_named
            rows = zip(
                orjson.loads(ids),
                repeat(run),
                repeat(turn),
                repeat(None) if only_named else _bodies(bodies, removed),
                struct.unpack(f"<{len(observed) // 8}d", observed) if observed else repeat(0.0),
                struct.unpack(f"<{len(sources) // 4}i", sources) if known_sources else repeat(0),
                orjson.loads(spellings) if spellings else repeat(None),
                repeat(place),
                strict=False,
            )
            self.scratch.executemany("INSERT INTO pending VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
            if only_named:
                self.named[run] = max(place, self.named.get(run, 0))
            else:
                self.folded.append(place)

    def slices(self, of_set: int) -> Iterable[Rows]:
        rows = self.scratch.execute(SORTED, (of_set,))
        while chunk := rows.fetchmany(SLICE):
            yield chunk

    def finished(self) -> Steps[None]:
        yield Many("folded", ({"turn": turn} for turn in self.folded))
        yield Many("named", ({"turn": turn, "run": run} for run, turn in self.named.items()))


def _bodies(packed: bytes, removed: bool) -> Iterable[int | None]:
    """Signed, as SQLite's integers are: null leaves the body as it is, 0 removes it. No bodies: all are in doubt."""
    if removed:
        return repeat(0)
    if not packed:
        return repeat(IN_DOUBT)
    return (body or None for body in struct.unpack(f"<{len(packed) // 8}q", packed))


async def tidy(store: SqliteStore, lane: str, kind: str) -> None:
    """Fold when very much is waiting."""
    [(waiting,)] = await store.rows("waiting_ids", {"set": await number_of_set(store, lane, kind)})
    if waiting > MOST_UNFOLDED:
        await folded(store, lane, kind)


async def number_of_set(store: SqliteStore, lane: str, kind: str) -> int:
    """0: nothing of the kind was delivered to the lane yet."""
    rows = await store.rows("set_of", {"lane": lane, "kind": kind})
    return int(rows[0][0]) if rows else 0


async def folded(store: SqliteStore, lane: str, kind: str) -> int:
    """The number of a set of which nothing is left in the log."""
    of_set = await number_of_set(store, lane, kind)
    async with store.folding:
        if await store.rows("is_to_fold", {"set": of_set}):
            await _fold(store, of_set)
    return of_set


async def _fold(store: SqliteStore, of_set: int) -> None:
    with closing(sqlite3.connect("", isolation_level=None, check_same_thread=False)) as scratch:
        pending = _Pending(scratch)
        await _in_thread(lambda: _collect(store, pending, of_set))
        slices = iter(pending.slices(of_set))
        while rows := await _in_thread(lambda: next(slices, None)):
            await store.writer.write(_fold_slice(rows))
        await store.write(pending.finished)


def _collect(store: SqliteStore, pending: _Pending, of_set: int) -> None:
    files = store.writer.files
    files.check()
    try:
        with closing(connect(store.path, query_only=True)) as db:
            pending.add(db, of_set)
    except sqlite3.Error as error:
        raise files.failed(error) from error
    files.check()


async def _in_thread(work: Callable[[], T]) -> T:
    """A thread cannot be cancelled: wait for its end before its database is taken away."""
    thread = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        await asyncio.wait([thread])
        raise


def _fold_slice(rows: Rows) -> Callable[[sqlite3.Connection], object]:
    return lambda db: db.executemany(SQL["fold"], rows)
