"""Queued deliveries. Every function works within the caller's transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import orjson

from proofport.journal.contract import Accepted, Delivery, Failure, Filter, NewDelivery
from proofport.journal.sqlite import lanes
from proofport.journal.sqlite.lanes import Hold

SELECT = (
    "SELECT d.id, l.lane, d.destination, d.kind, d.mode, d.payload, d.records, d.state, d.attempts, d.created, "
    "d.finished, d.outcome, d.reason, d.detail, d.key FROM deliveries d JOIN lanes l ON l.number = d.lane "
)
INSERT = (
    "INSERT INTO deliveries (lane, destination, kind, mode, payload, records, created, key) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)


def accept(db: sqlite3.Connection, deliveries: Sequence[NewDelivery], now: float) -> list[Accepted]:
    numbers: dict[str, int] = {}
    accepted = []
    for new in deliveries:
        number = numbers.get(new.lane)
        if number is None:
            number = numbers[new.lane] = lanes.made(db, new.lane)
        accepted.append(_insert(db, number, new, now))
    for number in numbers.values():
        lanes.wake(db, number, now)
    return accepted


def _insert(db: sqlite3.Connection, number: int, new: NewDelivery, now: float) -> Accepted:
    cursor = db.execute(INSERT, (number, new.destination, new.kind, new.mode, new.payload, new.records, now, new.key))
    if cursor.rowcount:
        return Accepted(cursor.lastrowid or 0, duplicate=False)
    return Accepted(db.execute("SELECT id FROM deliveries WHERE key = ?", (new.key,)).fetchone()[0], duplicate=True)


def find(db: sqlite3.Connection, chosen: Filter, after: int, limit: int) -> list[Delivery]:
    where, values = _where(db, chosen)
    rows = db.execute(f"{SELECT} WHERE d.id > ? AND {where} ORDER BY d.id LIMIT ?", (after, *values, limit))
    return [_delivery(row) for row in rows]


def _where(db: sqlite3.Connection, chosen: Filter) -> tuple[str, list[object]]:
    """The condition of a filter over `deliveries d`, with its values. State names are literals: partial indexes fit."""
    terms, values = ["true"], list[object]()
    if chosen.ids is not None:
        terms.append("d.id IN (SELECT value FROM json_each(?))")
        values.append(orjson.dumps(list(chosen.ids)).decode())
    if chosen.lane is not None:
        terms.append("d.lane = ?")
        values.append(lanes.number_of(db, chosen.lane))
    if chosen.state is not None:
        terms.append(f"d.state = '{chosen.state}'")
    return " AND ".join(terms), values


def _delivery(row: Sequence[Any]) -> Delivery:
    *common, reason, detail, key = row
    return Delivery(*[*common, None if reason is None else Failure(reason, detail), key])


def replay(db: sqlite3.Connection, chosen: Filter, now: float) -> list[Accepted]:
    where, values = _where(db, chosen)
    columns = "d.id, d.lane, d.destination, d.kind, d.mode, d.payload, d.records"
    query = f"SELECT {columns} FROM deliveries d WHERE d.state = 'dead' AND {where} ORDER BY d.id"  # noqa: S608
    accepted = []
    for number, lane, *rest in db.execute(query, values).fetchall():
        new = db.execute(INSERT, (lane, *rest, now, None)).lastrowid or 0
        outcome = orjson.dumps({"replayed_as": new}).decode()
        db.execute("UPDATE deliveries SET state = 'cancelled', outcome = ? WHERE id = ?", (outcome, number))
        lanes.wake(db, lane, now)
        accepted.append(Accepted(new, duplicate=False))
    return accepted


def cancel(db: sqlite3.Connection, chosen: Filter, reason: str, now: float) -> int:
    where, values = _where(db, chosen)
    outcome = orjson.dumps({"reason": reason}).decode()
    change = "UPDATE deliveries AS d SET state = 'cancelled', outcome = ?, finished = ?"
    query = f"{change} WHERE d.state IN ('queued', 'dead') AND {where}"
    return db.execute(query, (outcome, now, *values)).rowcount


# ------------------------------------------------------------------ by the owner of the lane
def heads(db: sqlite3.Connection, hold: Hold, n: int, now: float) -> list[Delivery]:
    rows = db.execute(
        f"{SELECT} WHERE d.lane = ? AND d.state = 'queued' AND l.parked IS NULL AND l.next_at <= ? "
        "ORDER BY d.id LIMIT ?",
        (hold.number, now, n),
    )
    return [_delivery(row) for row in rows]


def done(db: sqlite3.Connection, hold: Hold, delivery: int, outcome: str, now: float) -> bool:
    """False when it had ended before."""
    return bool(
        db.execute(
            "UPDATE deliveries SET state = 'done', attempts = attempts + 1, finished = ?, outcome = ? "
            "WHERE id = ? AND lane = ? AND state IN ('queued', 'cancelled')",
            (now, outcome, delivery, hold.number),
        ).rowcount
    )


def dead(db: sqlite3.Connection, hold: Hold, delivery: int, failure: Failure, now: float) -> None:
    db.execute(
        "UPDATE deliveries SET state = 'dead', attempts = attempts + 1, finished = ?, reason = ?, detail = ? "
        "WHERE id = ? AND lane = ? AND state = 'queued'",
        (now, failure.reason, failure.detail, delivery, hold.number),
    )


def later(db: sqlite3.Connection, hold: Hold, delivery: int, failure: Failure) -> None:
    db.execute(
        "UPDATE deliveries SET attempts = attempts + 1, reason = ?, detail = ? "
        "WHERE id = ? AND lane = ? AND state = 'queued'",
        (failure.reason, failure.detail, delivery, hold.number),
    )


def bury(db: sqlite3.Connection, hold: Hold, new: NewDelivery, failure: Failure, now: float) -> None:
    """Add a delivery that is dead from the start."""
    added = db.execute(INSERT, (hold.number, new.destination, new.kind, new.mode, new.payload, new.records, now, None))
    db.execute(
        "UPDATE deliveries SET state = 'dead', finished = ?, reason = ?, detail = ? WHERE id = ?",
        (now, failure.reason, failure.detail, added.lastrowid),
    )
