"""Lanes: who may write to one, and which may be claimed next. Every function works within the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from proofport.errors import LaneLost
from proofport.journal.contract import LaneView
from proofport.journal.postgres.database import Db
from proofport.journal.postgres.shared import Shared, count_of, rows_of

QUEUED = "EXISTS (SELECT 1 FROM deliveries d WHERE d.lane = l.number AND d.state = 'queued')"
FREE = "(r.owner IS NULL OR r.lease_until <= journal_now(%(now)s))"
TAKE_OVER = (
    "UPDATE lane_runs t SET epoch = t.epoch + 1, owner = %(owner)s, lease_until = journal_now(%(now)s) + %(lease)s "
    "FROM free WHERE t.lane = free.number RETURNING free.number, free.lane, t.epoch"
)
CLAIM_ANY = (
    f"WITH free AS (SELECT l.number, l.lane FROM lanes l JOIN lane_runs r ON r.lane = l.number "
    f"WHERE l.due <= journal_now(%(now)s) AND {FREE} AND {QUEUED} "
    f"ORDER BY greatest(l.due, r.lease_until), l.number LIMIT 1 FOR NO KEY UPDATE OF r SKIP LOCKED) {TAKE_OVER}"
)
CLAIM_DUE = (
    f"WITH free AS (SELECT l.number, l.lane FROM lanes l JOIN lane_runs r ON r.lane = l.number "
    f"WHERE l.lane = %(lane)s AND l.due <= journal_now(%(now)s) AND {FREE} AND {QUEUED} "
    f"FOR NO KEY UPDATE OF r) {TAKE_OVER}"
)
CLAIM_NAMED = (
    f"WITH free AS (SELECT l.number, l.lane FROM lanes l JOIN lane_runs r ON r.lane = l.number "
    f"WHERE l.lane = %(lane)s AND {FREE} FOR NO KEY UPDATE OF r) {TAKE_OVER}"
)
MAKE = (
    "WITH made AS (INSERT INTO lanes (lane) SELECT lane FROM unnest(%(names)s::text[]) AS lane ORDER BY lane "
    "ON CONFLICT DO NOTHING RETURNING number) INSERT INTO lane_runs (lane) SELECT number FROM made"
)
RENEW = (
    "UPDATE lane_runs SET lease_until = journal_now(%(now)s) + %(lease)s "
    "WHERE lane = %(number)s AND epoch = %(epoch)s AND owner IS NOT NULL RETURNING 1"
)
RELEASE = (
    "UPDATE lane_runs SET owner = NULL, lease_until = NULL "
    "WHERE lane = %(number)s AND epoch = %(epoch)s AND owner IS NOT NULL"
)
HELD = "SELECT 1 FROM lane_runs WHERE lane = %(number)s AND epoch = %(epoch)s AND owner IS NOT NULL FOR SHARE"
SCHEDULE = (
    f"UPDATE lanes l SET due = CASE WHEN l.parked IS NULL AND {QUEUED} THEN greatest(journal_now(%(now)s), l.next_at) "
    "END WHERE l.number = %(number)s RETURNING l.due - journal_now(%(now)s)"
)
SETTLE = f"SELECT 1 FROM lane_runs r WHERE r.lane = %(number)s AND {FREE}"
PARK = "UPDATE lanes SET parked = %(reason)s, due = NULL WHERE number = %(number)s"
REST = (
    "UPDATE lanes SET next_at = journal_now(%(now)s) + %(delay)s, "
    "due = CASE WHEN due IS NOT NULL THEN journal_now(%(now)s) + %(delay)s END WHERE number = %(number)s"
)
RESUME = "UPDATE lanes SET parked = NULL, next_at = 0 WHERE number = %(number)s"
OVERLOOKED = (
    f"SELECT l.lane FROM lanes l JOIN lane_runs r ON r.lane = l.number WHERE l.due <= journal_now(%(now)s) AND {FREE} "
    "AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs j WHERE j.queueing_lock = l.lane AND j.status = 'todo' "
    "AND (j.scheduled_at IS NULL OR j.scheduled_at <= clock_timestamp())) "
    "AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs j WHERE j.lock = l.lane AND j.status = 'doing') LIMIT 1000"
)
ORPHANED = (
    "SELECT j.id FROM procrastinate_jobs j JOIN lanes l ON l.lane = j.lock JOIN lane_runs r ON r.lane = l.number "
    "WHERE j.status = 'doing' AND l.due <= journal_now(%(now)s) - %(stalled)s "
    "AND (r.owner IS NULL OR r.lease_until <= journal_now(%(now)s) - %(stalled)s)"
)
VIEWS = (
    "SELECT l.lane, (SELECT count(*) FROM deliveries d WHERE d.lane = l.number AND d.state = 'queued'), "
    "(SELECT d.created FROM deliveries d WHERE d.lane = l.number AND d.state = 'queued' ORDER BY d.id LIMIT 1), "
    "(SELECT count(*) FROM deliveries d WHERE d.lane = l.number AND d.state = 'dead'), "
    "r.epoch, r.owner, r.lease_until, l.next_at, l.parked FROM lanes l JOIN lane_runs r ON r.lane = l.number "
    "ORDER BY l.lane"
)
OF_TENANT = (
    "SELECT number FROM lanes WHERE CASE WHEN starts_with(lane, '@') "
    "THEN substr(split_part(lane, '/', 1), 2) ELSE 'default' END = %(tenant)s"
)
"""`proofport.tenancy.tenant_of` in SQL."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A lane as its owner knows it."""

    number: int
    lane: str
    epoch: int


async def make(db: Db, names: Iterable[str]) -> None:
    """Make the lanes that are new."""
    await db.execute(MAKE, {"names": list(names)})


async def locked(db: Db, lane: str) -> int | None:
    """The number of a lane, which nobody puts to sleep or wakes until the transaction is over."""
    query = "SELECT number FROM lanes WHERE lane = %(lane)s FOR NO KEY UPDATE"
    rows = await rows_of(db, query, {"lane": lane})
    return rows[0][0] if rows else None


async def check(db: Db, hold: Hold) -> None:
    """Raises LaneLost when another owner has claimed the lane, or it was given back. Nobody can do so until the end."""
    if not await rows_of(db, HELD, {"number": hold.number, "epoch": hold.epoch}):
        raise lost(hold)


def lost(hold: Hold) -> LaneLost:
    return LaneLost(f"the lane {hold.lane} was given back or taken over: its epoch {hold.epoch} is over")


async def claim_any(shared: Shared, owner: str, lease: float) -> Hold | None:
    """The lane that has been claimable for the longest."""
    return _hold(await shared.rows(CLAIM_ANY, {"owner": owner, "lease": lease, "now": shared.now()}))


async def claim_due(shared: Shared, lane: str, owner: str, lease: float) -> Hold | None:
    """This lane, if it has work now."""
    return _hold(await shared.rows(CLAIM_DUE, {"lane": lane, "owner": owner, "lease": lease, "now": shared.now()}))


async def claim_named(shared: Shared, lane: str, owner: str, lease: float) -> Hold | None:
    values = {"lane": lane, "owner": owner, "lease": lease, "now": shared.now()}
    async with shared.transaction() as db:
        await make(db, [lane])
        return _hold(await rows_of(db, CLAIM_NAMED, values))


def _hold(rows: list[tuple[int, str, int]]) -> Hold | None:
    return Hold(*rows[0]) if rows else None


async def renew(shared: Shared, hold: Hold, lease: float) -> None:
    values = {"number": hold.number, "epoch": hold.epoch, "lease": lease, "now": shared.now()}
    if not await shared.rows(RENEW, values):
        raise lost(hold)


async def release(shared: Shared, hold: Hold) -> None:
    """Does nothing when the lane was lost."""
    async with shared.transaction() as db:
        await locked(db, hold.lane)
        if await count_of(db, RELEASE, {"number": hold.number, "epoch": hold.epoch}):
            await schedule(shared, db, hold.number, hold.lane)


async def schedule(shared: Shared, db: Db, number: int, lane: str) -> None:
    """Work out anew when a lane that is locked may be claimed, and see to it that a job comes by then."""
    [(delay,)] = await rows_of(db, SCHEDULE, {"number": number, "now": shared.now()})
    if delay is not None:
        await shared.waker.wake(db, lane, delay)


async def settle(shared: Shared, lane: str) -> None:
    """The same for a lane that a job could not claim. Of one that is held, its owner takes care."""
    async with shared.transaction() as db:
        number = await locked(db, lane)
        if number is not None and await rows_of(db, SETTLE, {"number": number, "now": shared.now()}):
            await schedule(shared, db, number, lane)


async def overlooked(shared: Shared) -> list[str]:
    """Lanes with work and nobody to do it: their owner has died, or a job was lost."""
    return [lane for (lane,) in await shared.rows(OVERLOOKED, {"now": shared.now()})]


async def orphaned(shared: Shared, stalled: float) -> list[int]:
    """Jobs that nobody does although their worker lives: it could not note their end while PostgreSQL was away."""
    return [job for (job,) in await shared.rows(ORPHANED, {"stalled": stalled, "now": shared.now()})]


async def rest(shared: Shared, db: Db, hold: Hold, delay: float) -> None:
    await db.execute(REST, {"number": hold.number, "delay": delay, "now": shared.now()})


async def park(db: Db, hold: Hold, reason: str) -> None:
    await db.execute(PARK, {"number": hold.number, "reason": reason})


async def resume(shared: Shared, lane: str) -> bool:
    async with shared.transaction() as db:
        number = await locked(db, lane)
        if number is None:
            return False
        await db.execute(RESUME, {"number": number})
        await schedule(shared, db, number, lane)
        return True


async def views(shared: Shared) -> list[LaneView]:
    return [LaneView(*row) for row in await shared.rows(VIEWS, {})]
