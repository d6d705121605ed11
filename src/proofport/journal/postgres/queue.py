"""Queued deliveries. Functions that are given `db` work within the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from proofport.journal.contract import Accepted, Delivery, Failure, Filter, NewDelivery
from proofport.journal.postgres import lanes
from proofport.journal.postgres.accept import Request, accept
from proofport.journal.postgres.database import Db
from proofport.journal.postgres.lanes import Hold
from proofport.journal.postgres.shared import Shared, count_of, rows_of, shown

COLUMNS = (
    "d.id, l.lane, d.destination, d.kind, d.mode, d.payload, d.records, d.state, d.attempts, d.created, "
    "d.finished, d.outcome, d.reason, d.detail, d.key, d.submission, d.bodies"
)
SELECT = f"SELECT {COLUMNS} FROM deliveries d JOIN lanes l ON l.number = d.lane "


async def find(shared: Shared, chosen: Filter, after: int, before: int | None, limit: int) -> list[Delivery]:
    where, values = _where(chosen)
    below, order = ("true", "d.id") if before is None else ("d.id < %(before)s", "d.id DESC")
    query = f"{SELECT} WHERE d.id > %(after)s AND {below} AND {where} ORDER BY {order} LIMIT %(limit)s"
    given = {**values, "after": after, "before": before, "limit": limit}
    return [delivery(row) for row in await shared.rows(query, given)]


def _where(chosen: Filter) -> tuple[str, dict[str, object]]:
    """The condition of a filter over `deliveries d`, with its values. State names are literals: partial indexes fit."""
    terms, values = ["true"], dict[str, object]()
    if chosen.ids is not None:
        terms.append("d.id = ANY(%(ids)s::bigint[])")
        values["ids"] = list(chosen.ids)
    if chosen.lane is not None:
        terms.append("d.lane = (SELECT number FROM lanes WHERE lane = %(lane)s)")
        values["lane"] = chosen.lane
    if chosen.state is not None:
        terms.append(f"d.state = '{chosen.state}'")
    if chosen.tenant is not None:
        terms.append(f"d.lane IN ({lanes.OF_TENANT})")
        values["tenant"] = chosen.tenant
    if chosen.destinations is not None:
        terms.append("d.destination = ANY(%(destinations)s::text[])")
        values["destinations"] = list(chosen.destinations)
    if chosen.kinds is not None:
        terms.append("d.kind = ANY(%(kinds)s::text[])")
        values["kinds"] = list(chosen.kinds)
    if chosen.submission is not None:
        terms.append("d.submission = %(submission)s")
        values["submission"] = chosen.submission
    return " AND ".join(terms), values


def delivery(row: Sequence[Any]) -> Delivery:
    *common, reason, detail, key, submission, bodies = row
    return Delivery(*[*common, None if reason is None else Failure(reason, detail), key, submission, bodies])


async def replay(shared: Shared, chosen: Filter, *, as_it_was: bool) -> list[Accepted]:
    """Lanes are locked before their dead deliveries, as everybody does it."""
    where, values = _where(chosen)
    query = f"{SELECT} WHERE d.state = 'dead' AND {where} ORDER BY d.id FOR UPDATE OF d"
    lanes_of = (
        "SELECT number FROM lanes WHERE number IN "
        f"(SELECT d.lane FROM deliveries d WHERE d.state = 'dead' AND {where}) ORDER BY number FOR NO KEY UPDATE"
    )
    async with shared.transaction() as db:
        await rows_of(db, lanes_of, values)
        dead = [delivery(row) for row in await rows_of(db, query, values)]
        if not dead:
            return []
        new = [
            NewDelivery(
                one.lane,
                one.destination,
                one.kind,
                one.mode,
                one.payload,
                one.records,
                bodies=one.bodies if as_it_was else None,
            )
            for one in dead
        ]
        [accepted] = [answer.accepted for answer in await accept(shared, db, [Request(new)])]
        await db.cursor().executemany(
            "UPDATE deliveries SET state = 'cancelled', outcome = %s WHERE id = %s",
            [
                (orjson.dumps({"replayed_as": again.id}).decode(), old.id)
                for old, again in zip(dead, accepted, strict=True)
            ],
        )
        return accepted


async def cancel(shared: Shared, chosen: Filter, reason: str) -> int:
    where, values = _where(chosen)
    query = (
        "UPDATE deliveries d SET state = 'cancelled', outcome = %(outcome)s, finished = journal_now(%(now)s) "
        f"WHERE d.state IN ('queued', 'dead') AND {where}"
    )
    async with shared.transaction() as db:
        outcome = orjson.dumps({"reason": reason}).decode()
        return await count_of(db, query, {**values, "outcome": outcome, "now": shared.now()})


async def queued_bytes(shared: Shared) -> int:
    query = "SELECT coalesce(sum(octet_length(payload)), 0) FROM deliveries WHERE state = 'queued'"
    return int((await shared.rows(query, {}))[0][0])


async def amend(shared: Shared, number: int, outcome: str) -> None:
    query = "UPDATE deliveries SET outcome = %(outcome)s WHERE id = %(id)s AND state = 'done' RETURNING 1"
    await shared.rows(query, {"id": number, "outcome": shown(outcome)})


# ------------------------------------------------------------------ by the owner of the lane
HEADS = f"""
SELECT r.epoch = %(epoch)s AND r.owner IS NOT NULL, d.* FROM lane_runs r LEFT JOIN LATERAL (
    {SELECT} WHERE d.lane = r.lane AND d.state = 'queued' AND l.parked IS NULL AND l.next_at <= journal_now(%(now)s)
    ORDER BY d.id LIMIT %(n)s
) d ON true WHERE r.lane = %(number)s ORDER BY d.id
"""
HELD = f"WITH held AS MATERIALIZED ({lanes.HELD})"
DONE = f"""
{HELD} UPDATE deliveries SET state = 'done', attempts = attempts + 1, finished = journal_now(%(now)s),
outcome = %(outcome)s FROM held
WHERE id = %(id)s AND lane = %(number)s AND state IN ('queued', 'cancelled') RETURNING 1
"""
DEAD = f"""
{HELD} UPDATE deliveries SET state = 'dead', attempts = attempts + 1, finished = journal_now(%(now)s),
reason = %(reason)s, detail = %(detail)s, bodies = %(bodies)s FROM held
WHERE id = %(id)s AND lane = %(number)s AND state = 'queued' RETURNING 1
"""
LATER = (
    "UPDATE deliveries SET attempts = attempts + 1, reason = %(reason)s, detail = %(detail)s "
    "WHERE id = %(id)s AND lane = %(number)s AND state = 'queued'"
)
BURY = (
    "INSERT INTO deliveries (lane, destination, kind, mode, payload, records, bodies, created, state, attempts, "
    "finished, reason, detail)"
    " SELECT %(number)s, %(destination)s, %(kind)s, %(mode)s, %(payload)s, %(records)s, %(bodies)s, t.now, 'dead', "
    "%(attempts)s, t.now, "
    "%(reason)s, %(detail)s FROM (SELECT journal_now(%(now)s) AS now) t"
)


async def heads(shared: Shared, hold: Hold, n: int) -> list[Delivery]:
    values = {"number": hold.number, "epoch": hold.epoch, "n": n, "now": shared.now()}
    rows = await shared.rows(HEADS, values)
    if not rows[0][0]:
        raise lanes.lost(hold)
    return [delivery(row) for _, *row in rows if row[0] is not None]


async def done(shared: Shared, db: Db, hold: Hold, number: int, outcome: str) -> bool:
    """False when it had ended before. Checks the epoch."""
    if await rows_of(db, DONE, _done(shared, hold, number, outcome)):
        return True
    await lanes.check(db, hold)
    return False


async def done_alone(shared: Shared, hold: Hold, number: int, outcome: str) -> None:
    """The same, as one statement where nothing is in the way."""
    if not await shared.rows(DONE, _done(shared, hold, number, outcome)):
        await _check(shared, hold)


def _done(shared: Shared, hold: Hold, number: int, outcome: str) -> dict[str, object]:
    return {"id": number, "number": hold.number, "epoch": hold.epoch, "outcome": shown(outcome), "now": shared.now()}


async def _check(shared: Shared, hold: Hold) -> None:
    async with shared.transaction() as db:
        await lanes.check(db, hold)


async def dead(shared: Shared, hold: Hold, number: int, failure: Failure, bodies: bytes | None) -> None:
    given = {"id": number, "number": hold.number, "epoch": hold.epoch, "bodies": bodies, "now": shared.now()}
    values = {**given, **_failure(failure)}
    if not await shared.rows(DEAD, values):
        await _check(shared, hold)


async def later(db: Db, hold: Hold, number: int, failure: Failure) -> None:
    await db.execute(LATER, {"id": number, "number": hold.number, **_failure(failure)})


async def bury(shared: Shared, db: Db, hold: Hold, new: NewDelivery, failure: Failure, attempts: int) -> None:
    """Add a delivery that is dead from the start."""
    values = {"destination": new.destination, "kind": new.kind, "mode": new.mode, "records": new.records}
    fixed = {"number": hold.number, "payload": new.payload, "bodies": new.bodies, "attempts": attempts}
    await db.execute(BURY, {**values, **fixed, **_failure(failure), "now": shared.now()})


def _failure(failure: Failure) -> dict[str, object]:
    return {"reason": shown(failure.reason), "detail": shown(failure.detail)}
