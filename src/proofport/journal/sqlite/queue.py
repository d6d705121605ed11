"""Queued deliveries. Every function works within the caller's transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson

from proofport.journal.contract import Accepted, Delivery, Failure, Filter, NewDelivery, Once, Submitted
from proofport.journal.sqlite import lanes
from proofport.journal.sqlite.lanes import Hold

SELECT = (
    "SELECT d.id, l.lane, d.destination, d.kind, d.mode, d.payload, d.records, d.state, d.attempts, d.created, "
    "d.finished, d.outcome, d.reason, d.detail, d.key, d.submission, d.bodies "
    "FROM deliveries d JOIN lanes l ON l.number = d.lane "
)
INSERT = (
    "INSERT INTO deliveries (lane, destination, kind, mode, payload, records, created, key, submission, bodies) "
    "SELECT number, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM lanes WHERE lane = ? ON CONFLICT DO NOTHING"
)


def accept(db: sqlite3.Connection, deliveries: Sequence[NewDelivery], now: float) -> list[Accepted]:
    return [_accept(db, new, now) for new in deliveries]


def submit(db: sqlite3.Connection, deliveries: Sequence[NewDelivery], once: Once | None, now: float) -> Submitted:
    if once is not None and (known := _known(db, once)) is not None:
        return known
    first = _next_id(db)
    ids = [_accept(db, new, now, first).id for new in deliveries]
    if once is not None:
        values = (once.tenant, once.key, once.digest, once.answer, first)
        db.execute("INSERT INTO submissions (tenant, key, digest, answer, submission) VALUES (?, ?, ?, ?, ?)", values)
    return Submitted(ids)


def _known(db: sqlite3.Connection, once: Once) -> Submitted | None:
    query = "SELECT digest, answer, submission FROM submissions WHERE tenant = ? AND key = ?"
    row = db.execute(query, (once.tenant, once.key)).fetchone()
    if row is None:
        return None
    digest, answer, submission = row
    ids = db.execute("SELECT id FROM deliveries WHERE submission = ? ORDER BY id", (submission,))
    return Submitted([number for (number,) in ids], replace(once, digest=digest, answer=answer))


def _next_id(db: sqlite3.Connection) -> int:
    """What AUTOINCREMENT gives next: https://www.sqlite.org/autoinc.html"""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'deliveries'").fetchone()
    return 1 if row is None else int(row[0]) + 1


def _accept(db: sqlite3.Connection, new: NewDelivery, now: float, submission: int | None = None) -> Accepted:
    """One statement, but for what is rare: a lane that is new, or a key that is known."""
    values = (new.destination, new.kind, new.mode, new.payload, new.records, now, new.key, submission, new.bodies)
    inserted = db.execute(INSERT, (*values, new.lane))
    if inserted.rowcount:
        return Accepted(inserted.lastrowid or 0, duplicate=False)
    if lanes.number_of(db, new.lane) is None:
        lanes.made(db, new.lane)
        return _accept(db, new, now, submission)
    return Accepted(db.execute("SELECT id FROM deliveries WHERE key = ?", (new.key,)).fetchone()[0], duplicate=True)


def find(db: sqlite3.Connection, chosen: Filter, after: int, before: int | None, limit: int) -> list[Delivery]:
    where, values = _where(db, chosen)
    below, order = ("true", "d.id") if before is None else (f"d.id < {before:d}", "d.id DESC")
    query = f"{SELECT} WHERE d.id > ? AND {below} AND {where} ORDER BY {order} LIMIT ?"
    return [_delivery(row) for row in db.execute(query, (after, *values, limit))]


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
    if chosen.tenant is not None:
        # Read in the order of ids until the page is full, and not all of the tenant's to sort them: that is the plus.
        terms.append(f"+d.lane IN ({lanes.OF_TENANT})")
        values.append(chosen.tenant)
    for words, column in ((chosen.destinations, "d.destination"), (chosen.kinds, "d.kind")):
        if words is not None:
            terms.append(column + " IN (SELECT value FROM json_each(?))")  # noqa: S608
            values.append(orjson.dumps(list(words)).decode())
    if chosen.submission is not None:
        terms.append("d.submission = ?")
        values.append(chosen.submission)
    return " AND ".join(terms), values


def _delivery(row: Sequence[Any]) -> Delivery:
    *common, reason, detail, key, submission, bodies = row
    return Delivery(*[*common, None if reason is None else Failure(reason, detail), key, submission, bodies])


def replay(db: sqlite3.Connection, chosen: Filter, now: float, *, as_it_was: bool) -> list[Accepted]:
    where, values = _where(db, chosen)
    query = f"{SELECT} WHERE d.state = 'dead' AND {where} ORDER BY d.id"
    accepted = []
    for dead in [_delivery(row) for row in db.execute(query, values)]:
        bodies = dead.bodies if as_it_was else None
        new = NewDelivery(dead.lane, dead.destination, dead.kind, dead.mode, dead.payload, dead.records, bodies=bodies)
        accepted.append(_accept(db, new, now))
        outcome = orjson.dumps({"replayed_as": accepted[-1].id}).decode()
        db.execute("UPDATE deliveries SET state = 'cancelled', outcome = ? WHERE id = ?", (outcome, dead.id))
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


def queued_bytes(db: sqlite3.Connection) -> int:
    """By way of the lanes, whose index knows what is queued; the length of a payload is known without reading it."""
    query = "SELECT coalesce(sum(length(d.payload)), 0) FROM lanes l JOIN deliveries d ON d.lane = l.number "
    return int(db.execute(query + "WHERE d.state = 'queued'").fetchone()[0])


def amend(db: sqlite3.Connection, delivery: int, outcome: str) -> None:
    db.execute("UPDATE deliveries SET outcome = ? WHERE id = ? AND state = 'done'", (outcome, delivery))


def dead(db: sqlite3.Connection, hold: Hold, delivery: int, failure: Failure, bodies: bytes | None, now: float) -> None:
    db.execute(
        "UPDATE deliveries SET state = 'dead', attempts = attempts + 1, finished = ?, reason = ?, detail = ?, "
        "bodies = ? WHERE id = ? AND lane = ? AND state = 'queued'",
        (now, failure.reason, failure.detail, bodies, delivery, hold.number),
    )


def later(db: sqlite3.Connection, hold: Hold, delivery: int, failure: Failure) -> None:
    db.execute(
        "UPDATE deliveries SET attempts = attempts + 1, reason = ?, detail = ? "
        "WHERE id = ? AND lane = ? AND state = 'queued'",
        (failure.reason, failure.detail, delivery, hold.number),
    )


def bury(db: sqlite3.Connection, hold: Hold, new: NewDelivery, failure: Failure, attempts: int, now: float) -> None:
    """Add a delivery that is dead from the start."""
    added = _accept(db, replace(new, lane=hold.lane, key=None), now)
    db.execute(
        "UPDATE deliveries SET state = 'dead', attempts = ?, finished = ?, reason = ?, detail = ? WHERE id = ?",
        (attempts, now, failure.reason, failure.detail, added.id),
    )
