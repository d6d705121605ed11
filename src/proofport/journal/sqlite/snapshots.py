"""Snapshots that come in parts. Every function works within the caller's transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import orjson

from proofport.journal.snapshots import NewSnapshot, Part, SnapshotState, SnapshotView

DROPS_PARTS: tuple[SnapshotState, ...] = ("delivered", "aborted")
STATE = "iif(state = 'open' AND expires <= :now, 'expired', state)"
SELECT = (
    f"SELECT id, tenant, kind, destinations, {STATE}, created, expires, parts, records, report "  # noqa: S608
    "FROM snapshots"
)


def open_new(db: sqlite3.Connection, new: NewSnapshot, now: float) -> None:
    destinations = orjson.dumps(list(new.destinations)).decode()
    db.execute(
        "INSERT INTO snapshots (id, tenant, kind, destinations, lifetime, created, expires) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (new.id, new.tenant, new.kind, destinations, new.lifetime, now, now + new.lifetime),
    )


def view(db: sqlite3.Connection, snapshot: str, now: float) -> SnapshotView | None:
    row = db.execute(f"{SELECT} WHERE id = :id", {"now": now, "id": snapshot}).fetchone()
    return None if row is None else _view(row)


def views(
    db: sqlite3.Connection, tenant: str | None, state: SnapshotState | None, limit: int, now: float
) -> list[SnapshotView]:
    where = f"tenant = ifnull(:tenant, tenant) AND {STATE} = ifnull(:state, {STATE})"
    given = {"now": now, "tenant": tenant, "state": state, "limit": limit}
    rows = db.execute(f"{SELECT} WHERE {where} ORDER BY number DESC LIMIT :limit", given)
    return [_view(row) for row in rows]


def _view(row: Sequence[Any]) -> SnapshotView:
    identity, tenant, kind, destinations, *rest = row
    return SnapshotView(identity, tenant, kind, orjson.loads(destinations), *rest)


def put(db: sqlite3.Connection, snapshot: str, part: Part, now: float) -> bool:
    row = db.execute(
        "SELECT number FROM snapshots WHERE id = ? AND state = 'open' AND expires > ?", (snapshot, now)
    ).fetchone()
    if row is None:
        return False
    db.execute(
        "INSERT OR REPLACE INTO parts (snapshot, name, records, payload, incomplete) VALUES (?, ?, ?, ?, ?)",
        (row[0], part.name, part.records, part.payload, part.incomplete),
    )
    db.execute(
        "UPDATE snapshots SET expires = ? + lifetime, (parts, records) = "
        "(SELECT count(*), sum(records) FROM parts WHERE snapshot = snapshots.number) WHERE number = ?",
        (now, row[0]),
    )
    return True


def parts(db: sqlite3.Connection, snapshot: str, after: str, limit: int) -> list[Part]:
    rows = db.execute(
        "SELECT name, records, payload, incomplete FROM parts "
        "WHERE snapshot = (SELECT number FROM snapshots WHERE id = ?) AND name > ? ORDER BY name LIMIT ?",
        (snapshot, after, limit),
    )
    return [Part(name, records, payload, incomplete) for name, records, payload, incomplete in rows]


def move(
    db: sqlite3.Connection, snapshot: str, before: SnapshotState, after: SnapshotState, report: str | None, now: float
) -> bool:
    moved = db.execute(
        "UPDATE snapshots SET state = ?, expires = ? + lifetime, report = ifnull(?, report) "
        "WHERE id = ? AND state = ? AND (state <> 'open' OR expires > ?)",
        (after, now, report, snapshot, before, now),
    )
    if moved.rowcount and after in DROPS_PARTS:
        db.execute("DELETE FROM parts WHERE snapshot = (SELECT number FROM snapshots WHERE id = ?)", (snapshot,))
    return bool(moved.rowcount)


def expire(db: sqlite3.Connection, now: float) -> int:
    over = "SELECT number FROM snapshots WHERE state = 'open' AND expires <= ?"
    db.execute(f"DELETE FROM parts WHERE snapshot IN ({over})", (now,))  # noqa: S608
    return db.execute("UPDATE snapshots SET state = 'expired' WHERE state = 'open' AND expires <= ?", (now,)).rowcount
