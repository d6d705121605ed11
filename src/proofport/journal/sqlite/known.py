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
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import orjson

from proofport.journal.contract import IN_DOUBT, PERHAPS_OVERWRITTEN, Kept, Known, Sent
from proofport.journal.sqlite.database import connect, explained
from proofport.journal.sqlite.reader import Reader
from proofport.journal.sqlite.writer import Writer

SLICE = 5_000
MOST_UNFOLDED = 1_000_000
"""Ids of one lane and kind that may wait in the log when a run begins: so a journal that nobody asks stops growing."""

Rows: TypeAlias = list[tuple[Any, ...]]
T = TypeVar("T")

PENDING = """
FROM sent s LEFT JOIN runs r ON r.number = s.run
WHERE s.of_set = ? AND NOT ifnull(r.staged AND r.settled IS NULL AND s.turn <= r.named, 0)
"""
LOGGED = f"""
SELECT s.turn, s.run, ifnull(r.settled, s.turn), s.removed, r.staged AND r.settled IS NULL, s.ids, s.bodies, s.observed
{PENDING}
"""
BODY = f"iif(turn <= {{doubted}} AND body NOT IN (0, {IN_DOUBT}), {PERHAPS_OVERWRITTEN}, body)"
FOLD = f"""
INSERT INTO known (of_set, id, run, turn, body, observed) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET run = ifnull(excluded.run, run), turn = excluded.turn, body = ifnull(excluded.body, {BODY}),
observed = iif(excluded.body IS NULL, observed, excluded.observed) WHERE excluded.turn >= turn
"""  # noqa: S608


def append(
    db: sqlite3.Connection,
    lane: int,
    kind: str,
    run: int | None,
    sent: Sent,
    *,
    removed: bool,
    delivery: int | None = None,
) -> None:
    """Log what was delivered, by a run or a queued delivery: one row, whatever the number of ids."""
    if not sent.ids:
        return
    count = len(sent.ids)
    bodies = struct.pack(f"<{count}Q", *sent.bodies) if sent.bodies else bytes(8 * count)
    observed = struct.pack(f"<{count}d", *sent.observed) if sent.observed else b""
    of_set = _set(db, lane, kind)
    values = (of_set, run, removed, count, orjson.dumps(list(sent.ids)), bodies, observed)
    db.execute(
        "INSERT INTO sent (of_set, run, removed, records, ids, bodies, observed) VALUES (?, ?, ?, ?, ?, ?, ?)", values
    )
    if removed:
        query = "UPDATE bodies SET body = x'', run = ?, delivery = ? WHERE of_set = ? AND id = ?"
        db.executemany(query, ((run, delivery, of_set, text) for text in sent.ids))
    else:
        query = "INSERT OR REPLACE INTO bodies (of_set, id, body, run, delivery) VALUES (?, ?, ?, ?, ?)"
        kept = zip(sent.ids, sent.items, strict=True) if sent.items else ()
        db.executemany(query, ((of_set, text, item, run, delivery) for text, item in kept if item))


def drop_unfinished(db: sqlite3.Connection, lane: int, destination: str, kind: str, run: int) -> None:
    """What older staged runs logged and never completed will not be delivered any more."""
    db.execute(
        "DELETE FROM sent WHERE of_set = ? AND run IN (SELECT number FROM runs "
        "WHERE lane = ? AND destination = ? AND kind = ? AND staged AND state <> 'complete' AND number < ?)",
        (_set(db, lane, kind), lane, destination, kind, run),
    )


def doubt(db: sqlite3.Connection, lane: int, kind: str) -> None:
    """All that was delivered before now may have been overwritten. Takes a turn, so that what comes later has not."""
    db.execute("UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'sent'")
    db.execute(
        "UPDATE sets SET doubted = ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'sent'), 0) WHERE number = ?",
        (_set(db, lane, kind),),
    )


def forget(db: sqlite3.Connection, lane: int, kind: str, ids: Sequence[str]) -> None:
    append(db, lane, kind, None, Sent(ids), removed=True)


def _set(db: sqlite3.Connection, lane: int, kind: str) -> int:
    row = db.execute("SELECT number FROM sets WHERE lane = ? AND kind = ?", (lane, kind)).fetchone()
    if row is None:
        return db.execute("INSERT INTO sets (lane, kind) VALUES (?, ?)", (lane, kind)).lastrowid or 0
    return int(row[0])


@dataclass(slots=True)
class _Pending:
    """What one folding works on: rows of the log, their ids sorted in a database of its own on disk."""

    scratch: sqlite3.Connection
    folded: list[tuple[int]] = field(default_factory=list)
    named: dict[int, int] = field(default_factory=dict)

    def add(self, db: sqlite3.Connection, of_set: int) -> None:
        self.scratch.execute("CREATE TABLE pending (id TEXT, run, turn, body, observed, place)")
        self.scratch.execute("BEGIN")
        for place, run, turn, removed, only_named, ids, bodies, observed in db.execute(LOGGED, (of_set,)):
            rows = zip(
                orjson.loads(ids),
                repeat(run),
                repeat(turn),
                repeat(None) if only_named else _bodies(bodies, removed),
                struct.unpack(f"<{len(observed) // 8}d", observed) if observed else repeat(0.0),
                repeat(place),
                strict=False,
            )
            self.scratch.executemany("INSERT INTO pending VALUES (?, ?, ?, ?, ?, ?)", rows)
            if only_named:
                self.named[run] = max(place, self.named.get(run, 0))
            else:
                self.folded.append((place,))

    def slices(self, of_set: int) -> Iterable[Rows]:
        query = "SELECT ?, id, run, turn, body, observed FROM pending ORDER BY id, turn, place"
        rows = self.scratch.execute(query, (of_set,))
        while chunk := rows.fetchmany(SLICE):
            yield chunk


def _bodies(packed: bytes, removed: bool) -> Iterable[int | None]:
    """Signed, as SQLite's integers are: null leaves the body as it is, 0 removes it."""
    if removed:
        return repeat(0)
    return (body or None for body in struct.unpack(f"<{len(packed) // 8}q", packed))


class KnownSets:
    """The last delivered state of each lane and kind."""

    def __init__(self, path: Path, writer: Writer, reader: Reader) -> None:
        self._path = path
        self._writer = writer
        self._reader = reader
        self._folding = asyncio.Lock()

    async def known(self, lane: str, kind: str, ids: Sequence[str]) -> list[Known | None]:
        of_set = await self.folded(lane, kind)
        found = await self._reader.read(lambda db: _bodies_of(db, of_set, ids))
        return [found.get(text) for text in ids]

    async def gone(self, lane: str, kind: str, run_id: str, after: str, limit: int) -> list[str]:
        of_set = await self.folded(lane, kind)
        query = (
            "SELECT id FROM known WHERE of_set = ? AND id > ? AND body <> 0 AND ifnull(run, 0) NOT IN "
            "(SELECT number FROM runs WHERE run_id = ?) ORDER BY id LIMIT ?"
        )
        rows = await self._reader.read(lambda db: db.execute(query, (of_set, after, run_id, limit)).fetchall())
        return [row[0] for row in rows]

    async def count(self, lane: str, kind: str) -> int:
        of_set = await self.folded(lane, kind)
        query = "SELECT count(*) FROM known WHERE of_set = ? AND body <> 0"
        return int((await self._reader.read(lambda db: db.execute(query, (of_set,)).fetchone()))[0])

    async def bodies(self, lane: str, kind: str, ids: Sequence[str]) -> list[bytes | None]:
        of_set = await self._find(lane, kind)
        query = "SELECT body FROM bodies WHERE of_set = ? AND id = ?"

        def read(db: sqlite3.Connection) -> list[bytes | None]:
            rows = (db.execute(query, (of_set, text)).fetchone() for text in ids)
            return [row and bytes(row[0]) for row in rows]

        return await self._reader.read(read)

    async def kept(self, lane: str, kind: str, after: str, limit: int) -> list[Kept]:
        of_set = await self.folded(lane, kind)
        query = (
            "SELECT k.id, r.run_id, b.body, b.delivery, k.body = 0 FROM known k "
            "JOIN bodies b ON b.of_set = k.of_set AND b.id = k.id LEFT JOIN runs r ON r.number = b.run "
            "WHERE k.of_set = ? AND k.id > ? AND k.body IS NOT NULL ORDER BY k.id LIMIT ?"
        )
        rows = await self._reader.read(lambda db: db.execute(query, (of_set, after, limit)).fetchall())
        return [Kept(text, run, body, delivery, bool(removed)) for text, run, body, delivery, removed in rows]

    async def tidy(self, lane: str, kind: str) -> None:
        """Fold when very much is waiting."""
        of_set = await self._find(lane, kind)
        query = "SELECT ifnull(sum(records), 0) FROM sent WHERE of_set = ?"
        if (await self._reader.read(lambda db: db.execute(query, (of_set,)).fetchone()))[0] > MOST_UNFOLDED:
            await self.folded(lane, kind)

    async def _find(self, lane: str, kind: str) -> int:
        query = "SELECT s.number FROM sets s JOIN lanes l ON l.number = s.lane WHERE l.lane = ? AND s.kind = ?"
        row = await self._reader.read(lambda db: db.execute(query, (lane, kind)).fetchone())
        return 0 if row is None else int(row[0])

    async def folded(self, lane: str, kind: str) -> int:
        """The number of a set of which nothing is left in the log."""
        of_set = await self._find(lane, kind)
        async with self._folding:
            if await self._reader.read(lambda db: db.execute(f"SELECT 1 {PENDING} LIMIT 1", (of_set,)).fetchone()):
                await self._fold(of_set)
        return of_set

    async def _fold(self, of_set: int) -> None:
        with closing(sqlite3.connect("", isolation_level=None, check_same_thread=False)) as scratch:
            pending = _Pending(scratch)
            await _in_thread(lambda: self._collect(pending, of_set))
            slices = iter(pending.slices(of_set))
            while rows := await _in_thread(lambda: next(slices, None)):
                await self._writer.write(_fold_slice(rows))
            await self._writer.write(lambda db: _finish(db, pending))

    def _collect(self, pending: _Pending, of_set: int) -> None:
        try:
            with closing(connect(self._path, query_only=True)) as db:
                pending.add(db, of_set)
        except sqlite3.Error as error:
            raise explained(error) from error


async def _in_thread(work: Callable[[], T]) -> T:
    """A thread cannot be cancelled: wait for its end before its database is taken away."""
    thread = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        await asyncio.wait([thread])
        raise


def _fold_slice(rows: Rows) -> Callable[[sqlite3.Connection], object]:
    return lambda db: db.executemany(FOLD.format(doubted=_doubted(db, of_set=rows[0][0])), rows)


def _doubted(db: sqlite3.Connection, of_set: int) -> int:
    row = db.execute("SELECT doubted FROM sets WHERE number = ?", (of_set,)).fetchone()
    return 0 if row is None else int(row[0])


def _finish(db: sqlite3.Connection, pending: _Pending) -> None:
    db.executemany("DELETE FROM sent WHERE turn = ?", pending.folded)
    db.executemany("UPDATE runs SET named = ? WHERE number = ?", ((turn, run) for run, turn in pending.named.items()))


def _bodies_of(db: sqlite3.Connection, of_set: int, ids: Sequence[str]) -> dict[str, Known]:
    found: dict[str, Known] = {}
    body_now = BODY.format(doubted=_doubted(db, of_set))
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        marks = ", ".join("?" * len(part))
        query = f"SELECT id, {body_now}, observed FROM known WHERE of_set = ? AND id IN ({marks}) AND body <> 0"  # noqa: S608
        for text, body, observed in db.execute(query, (of_set, *part)):
            found[text] = Known(body & 0xFFFF_FFFF_FFFF_FFFF, observed)
    return found
