"""The last delivered state: appended while pushing, folded into a table in the order of its key when someone asks.

Appending a row per batch costs a push next to nothing, where an indexed insert per id would cost more than mapping it.
Folding sorts on disk and writes in slices, so that a million ids need little memory and other writers never wait long.
It may be repeated, interrupted and done by two processes at once: each id keeps the turn that it was folded from.
"""

from __future__ import annotations

import asyncio
import sqlite3
import struct
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any, TypeAlias, TypeVar

import orjson

from proofport.adapter import Tombstone
from proofport.journal.contract import IN_DOUBT, Kept, Known, SourceCount, SpellingState
from proofport.journal.sql.steps import Many, Part, Steps
from proofport.journal.sqlite.database import connect
from proofport.journal.sqlite.store import SQL, SqliteStore

SLICE = 5_000
MOST_UNFOLDED = 1_000_000
"""Ids of one lane and kind that may wait in the log when a run begins: so a journal that nobody asks stops growing."""

SCRATCH = "CREATE TABLE pending (id TEXT, run, turn, body, observed, source, spelling, place)"
SORTED = "SELECT ?, id, run, turn, body, observed, source, spelling FROM pending ORDER BY id, turn, place"
RANGE = 2**64

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


class LastStatePart(Part):
    """Looking at the last delivered state of each lane and kind."""

    @property
    def _store(self) -> SqliteStore:
        raise NotImplementedError

    async def known(self, lane: str, kind: str, ids: Sequence[str]) -> list[Known | None]:
        rows = await self._each("known", await folded(self._store, lane, kind), ids)
        return [row and Known(row[0] % RANGE, *row[1:]) for row in rows]

    async def bodies(self, lane: str, kind: str, ids: Sequence[str]) -> list[bytes | None]:
        rows = await self._each("kept_body", await _find(self._store, lane, kind), ids)
        return [row and bytes(row[0]) for row in rows]

    async def _each(self, name: str, of_set: int, ids: Sequence[str]) -> list[Any]:
        """The row of each id, or None."""

        def read(db: sqlite3.Connection) -> list[Any]:
            return [db.execute(SQL[name], {"set": of_set, "id": text}).fetchone() for text in ids]

        return await self._store.looks.read(read)

    async def gone(self, lane: str, kind: str, run_id: str, *, after: str = "", limit: int = 500) -> list[str]:
        values = {"set": await folded(self._store, lane, kind), "run_id": run_id, "after": after, "limit": limit}
        return [text for (text,) in await self._store.rows("gone", values)]

    async def known_count(self, lane: str, kind: str) -> int:
        return int((await self._store.rows("known_count", {"set": await folded(self._store, lane, kind)}))[0][0])

    async def spellings(self, lane: str, kind: str, ids: Sequence[str]) -> list[str | None]:
        rows = await self._each("spelling", await folded(self._store, lane, kind), ids)
        return [row and row[0] for row in rows]

    async def spelling_state(self, lane: str, kind: str) -> SpellingState:
        rows = await self._store.rows("spelling_state", {"set": await _find(self._store, lane, kind)})
        return SpellingState(*map(bool, rows[0])) if rows else SpellingState()

    async def sources(self, lane: str, kind: str) -> list[SourceCount]:
        rows = await self._store.rows("sources", {"set": await folded(self._store, lane, kind)})
        return [SourceCount(*row) for row in rows]

    async def kept(self, lane: str, kind: str, *, after: str = "", limit: int = 500) -> list[Kept]:
        values = {"set": await folded(self._store, lane, kind), "after": after, "limit": limit}
        rows = await self._store.rows("kept", values)
        return [Kept(text, run, body, delivery, bool(removed)) for text, run, body, delivery, removed in rows]

    async def tombstones(
        self, lane: str, kind: str, *, since: float, after: str = "", limit: int = 500
    ) -> list[Tombstone]:
        values = {"set": await _find(self._store, lane, kind), "since": since, "after": after, "limit": limit}
        return [Tombstone(*row) for row in await self._store.rows("tombstones", values)]


# ---------------------------------------------------------------------- folding
async def tidy(store: SqliteStore, lane: str, kind: str) -> None:
    """Fold when very much is waiting."""
    [(waiting,)] = await store.rows("waiting_ids", {"set": await _find(store, lane, kind)})
    if waiting > MOST_UNFOLDED:
        await folded(store, lane, kind)


async def _find(store: SqliteStore, lane: str, kind: str) -> int:
    rows = await store.rows("set_of", {"lane": lane, "kind": kind})
    return int(rows[0][0]) if rows else 0


async def folded(store: SqliteStore, lane: str, kind: str) -> int:
    """The number of a set of which nothing is left in the log."""
    of_set = await _find(store, lane, kind)
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
