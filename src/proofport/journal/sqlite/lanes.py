"""Lanes: who may write to one, and which may be claimed next. Every function works within the caller's transaction."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from proofport.errors import LaneLost
from proofport.journal.contract import LaneView

OF_TENANT = "SELECT number FROM lanes WHERE iif(lane LIKE '@%', substr(lane, 2, instr(lane, '/') - 2), 'default') = ?"
"""`proofport.tenancy.tenant_of` in SQL."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A lane as its owner knows it."""

    number: int
    lane: str
    epoch: int


def number_of(db: sqlite3.Connection, lane: str) -> int | None:
    row = db.execute("SELECT number FROM lanes WHERE lane = ?", (lane,)).fetchone()
    return None if row is None else int(row[0])


def made(db: sqlite3.Connection, lane: str) -> int:
    """The number of a lane, which is made when it is new."""
    number = number_of(db, lane)
    return int(db.execute("INSERT INTO lanes (lane) VALUES (?)", (lane,)).lastrowid or 0) if number is None else number


def schedule(db: sqlite3.Connection, number: int, now: float) -> None:
    """Work out anew when the lane may be claimed."""
    db.execute(
        "UPDATE lanes SET due = CASE WHEN parked IS NULL "
        "AND EXISTS (SELECT 1 FROM deliveries WHERE lane = lanes.number AND state = 'queued') "
        "THEN max(?, next_at, ifnull(lease_until, 0)) END WHERE number = ?",
        (now, number),
    )


def next_due(db: sqlite3.Connection) -> float | None:
    """When the first of all lanes may be claimed."""
    row = db.execute("SELECT due FROM lanes WHERE due IS NOT NULL ORDER BY due LIMIT 1").fetchone()
    return None if row is None else float(row[0])


def claim_any(db: sqlite3.Connection, owner: str, lease: float, now: float) -> Hold | None:
    """The lane that has been claimable for the longest. One that turns out to be empty goes to sleep."""
    while True:
        row = db.execute(
            "SELECT number, lane, epoch, "
            "EXISTS (SELECT 1 FROM deliveries WHERE lane = lanes.number AND state = 'queued') "
            "FROM lanes WHERE due <= ? ORDER BY due, number LIMIT 1",
            (now,),
        ).fetchone()
        if row is None:
            return None
        number, lane, epoch, has_work = row
        if has_work:
            return _take_over(db, Hold(number, lane, epoch + 1), owner, now + lease)
        db.execute("UPDATE lanes SET due = NULL WHERE number = ?", (number,))


def claim_named(db: sqlite3.Connection, lane: str, owner: str, lease: float, now: float) -> Hold | None:
    number = made(db, lane)
    epoch, held_until = db.execute(
        "SELECT epoch, iif(owner IS NULL, 0, lease_until) FROM lanes WHERE number = ?", (number,)
    ).fetchone()
    return None if held_until > now else _take_over(db, Hold(number, lane, epoch + 1), owner, now + lease)


def _take_over(db: sqlite3.Connection, hold: Hold, owner: str, until: float) -> Hold:
    db.execute(
        "UPDATE lanes SET epoch = ?, owner = ?, lease_until = ?, due = iif(due IS NULL, NULL, max(next_at, ?)) "
        "WHERE number = ?",
        (hold.epoch, owner, until, until, hold.number),
    )
    return hold


def check(db: sqlite3.Connection, hold: Hold) -> None:
    """Raises LaneLost when another owner has claimed the lane, or it was given back."""
    row = db.execute("SELECT epoch, owner FROM lanes WHERE number = ?", (hold.number,)).fetchone()
    if row is None or row[0] != hold.epoch or row[1] is None:
        raise LaneLost(f"the lane {hold.lane} was given back or taken over: its epoch {hold.epoch} is over")


def renew(db: sqlite3.Connection, hold: Hold, until: float) -> None:
    db.execute(
        "UPDATE lanes SET lease_until = ?, due = iif(due IS NULL, NULL, max(next_at, ?)) WHERE number = ?",
        (until, until, hold.number),
    )


def release(db: sqlite3.Connection, hold: Hold, now: float) -> None:
    """Does nothing when the lane was lost."""
    given_back = db.execute(
        "UPDATE lanes SET owner = NULL, lease_until = NULL WHERE number = ? AND epoch = ? AND owner IS NOT NULL",
        (hold.number, hold.epoch),
    )
    if given_back.rowcount:
        schedule(db, hold.number, now)


def rest(db: sqlite3.Connection, hold: Hold, until: float) -> None:
    db.execute(
        "UPDATE lanes SET next_at = ?, due = iif(due IS NULL, NULL, max(?, ifnull(lease_until, 0))) WHERE number = ?",
        (until, until, hold.number),
    )


def park(db: sqlite3.Connection, hold: Hold, reason: str) -> None:
    db.execute("UPDATE lanes SET parked = ?, due = NULL WHERE number = ?", (reason, hold.number))


def resume(db: sqlite3.Connection, lane: str, now: float) -> bool:
    number = number_of(db, lane)
    if number is None:
        return False
    db.execute("UPDATE lanes SET parked = NULL, next_at = 0 WHERE number = ?", (number,))
    schedule(db, number, now)
    return True


def views(db: sqlite3.Connection) -> list[LaneView]:
    rows = db.execute(
        "SELECT lane, (SELECT count(*) FROM deliveries WHERE lane = lanes.number AND state = 'queued'), "
        "(SELECT created FROM deliveries WHERE lane = lanes.number AND state = 'queued' ORDER BY id LIMIT 1), "
        "(SELECT count(*) FROM deliveries WHERE lane = lanes.number AND state = 'dead'), "
        "epoch, owner, lease_until, next_at, parked FROM lanes ORDER BY lane"
    )
    return [LaneView(*row) for row in rows]
