"""Snapshots that come in parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proofport.journal.postgres.shared import Shared, rows_of, shown
from proofport.journal.snapshots import NewSnapshot, Part, SnapshotState, SnapshotView

DROPS_PARTS: tuple[SnapshotState, ...] = ("delivered", "aborted")
STATE = "CASE WHEN state = 'open' AND expires <= journal_now(%(now)s) THEN 'expired' ELSE state END"
SELECT = f"SELECT id, tenant, kind, destinations, {STATE}, created, expires, parts, records, report FROM snapshots"
OPEN = (
    "INSERT INTO snapshots (id, tenant, kind, destinations, lifetime, created, expires) "
    "SELECT %(id)s, %(tenant)s, %(kind)s, %(destinations)s, %(lifetime)s, t.now, t.now + %(lifetime)s "
    "FROM (SELECT journal_now(%(now)s) AS now) t RETURNING 1"
)
LOCK = (
    "SELECT number FROM snapshots WHERE id = %(id)s AND state = 'open' AND expires > journal_now(%(now)s) "
    "FOR NO KEY UPDATE"
)
PUT = (
    "INSERT INTO parts (snapshot, name, records, payload, incomplete) "
    "VALUES (%(number)s, %(name)s, %(records)s, %(payload)s, %(incomplete)s) ON CONFLICT (snapshot, name) "
    "DO UPDATE SET records = excluded.records, payload = excluded.payload, incomplete = excluded.incomplete"
)
COUNT = (
    "UPDATE snapshots s SET expires = journal_now(%(now)s) + lifetime, (parts, records) = "
    "(SELECT count(*), sum(p.records) FROM parts p WHERE p.snapshot = s.number) WHERE number = %(number)s"
)
PARTS = (
    "SELECT p.name, p.records, p.payload, p.incomplete FROM parts p JOIN snapshots s ON s.number = p.snapshot "
    "WHERE s.id = %(id)s AND p.name > %(after)s ORDER BY p.name LIMIT %(limit)s"
)
MOVE = (
    "UPDATE snapshots SET state = %(after)s, expires = journal_now(%(now)s) + lifetime, "
    "report = coalesce(%(report)s, report) WHERE id = %(id)s AND state = %(before)s "
    "AND (state <> 'open' OR expires > journal_now(%(now)s)) RETURNING number"
)
EXPIRE = (
    "UPDATE snapshots SET state = 'expired' WHERE state = 'open' AND expires <= journal_now(%(now)s) RETURNING number"
)
DROP = "DELETE FROM parts WHERE snapshot = ANY(%(numbers)s::int[])"


async def open_new(shared: Shared, new: NewSnapshot) -> None:
    values = {"id": new.id, "tenant": new.tenant, "kind": new.kind, "destinations": list(new.destinations)}
    await shared.rows(OPEN, {**values, "lifetime": new.lifetime, "now": shared.now()})


async def view(shared: Shared, snapshot: str) -> SnapshotView | None:
    rows = await shared.rows(f"{SELECT} WHERE id = %(id)s", {"id": snapshot, "now": shared.now()})
    return _view(rows[0]) if rows else None


async def views(shared: Shared, tenant: str | None, state: SnapshotState | None, limit: int) -> list[SnapshotView]:
    where = f"tenant = coalesce(%(tenant)s, tenant) AND {STATE} = coalesce(%(state)s, {STATE})"
    given = {"tenant": tenant, "state": state, "limit": limit, "now": shared.now()}
    return [
        _view(row) for row in await shared.rows(f"{SELECT} WHERE {where} ORDER BY number DESC LIMIT %(limit)s", given)
    ]


def _view(row: Sequence[Any]) -> SnapshotView:
    return SnapshotView(*row)


async def put(shared: Shared, snapshot: str, part: Part) -> bool:
    values = {"name": part.name, "records": part.records, "payload": part.payload, "incomplete": shown(part.incomplete)}
    async with shared.transaction() as db:
        rows = await rows_of(db, LOCK, {"id": snapshot, "now": shared.now()})
        if not rows:
            return False
        await db.execute(PUT, {**values, "number": rows[0][0]})
        await db.execute(COUNT, {"number": rows[0][0], "now": shared.now()})
        return True


async def parts(shared: Shared, snapshot: str, after: str, limit: int) -> list[Part]:
    rows = await shared.rows(PARTS, {"id": snapshot, "after": after, "limit": limit})
    return [Part(name, records, payload, incomplete) for name, records, payload, incomplete in rows]


async def move(shared: Shared, snapshot: str, before: SnapshotState, after: SnapshotState, report: str | None) -> bool:
    values = {"id": snapshot, "before": before, "after": after, "report": shown(report), "now": shared.now()}
    async with shared.transaction() as db:
        moved = [number for (number,) in await rows_of(db, MOVE, values)]
        if after in DROPS_PARTS:
            await db.execute(DROP, {"numbers": moved})
        return bool(moved)


async def expire(shared: Shared) -> int:
    async with shared.transaction() as db:
        over = [number for (number,) in await rows_of(db, EXPIRE, {"now": shared.now()})]
        await db.execute(DROP, {"numbers": over})
        return len(over)
