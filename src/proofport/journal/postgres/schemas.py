"""Schemas that vendors make from what they are sent. Functions given `db` work within the caller's transaction."""

from __future__ import annotations

import orjson

from proofport.adapter import Schema
from proofport.journal.contract import IN_DOUBT
from proofport.journal.postgres.database import Db
from proofport.journal.postgres.lanes import Hold
from proofport.journal.postgres.shared import Shared, count_of

NOTE = (
    "INSERT INTO schemas (lane, slug, kind, fields, primary_id, published) VALUES (%(lane)s, %(slug)s, %(kind)s, "
    "%(fields)s, %(primary_id)s, journal_now(%(now)s)) ON CONFLICT DO NOTHING"
)
DOUBT = (
    "UPDATE known SET body = %(doubt)s WHERE body <> 0 "
    "AND of_set IN (SELECT number FROM sets WHERE lane = %(lane)s AND kind = %(kind)s)"
)
OF_LANE = (
    "SELECT s.slug, s.kind, s.fields, s.primary_id, s.published, s.defined FROM schemas s "
    "JOIN lanes l ON l.number = s.lane WHERE l.lane = %(lane)s ORDER BY s.published, s.number"
)
CONFIRM = (
    "UPDATE schemas s SET defined = CASE WHEN s.defined = 0 THEN journal_now(%(now)s) ELSE s.defined END "
    "FROM lanes l WHERE l.number = s.lane AND l.lane = %(lane)s AND s.slug = %(slug)s RETURNING 1"
)


async def note(shared: Shared, db: Db, hold: Hold, schema: Schema) -> None:
    """The first one under a slug stays."""
    values = {
        "lane": hold.number,
        "slug": schema.slug,
        "kind": schema.kind,
        "fields": orjson.dumps(dict(schema.fields)),
        "primary_id": schema.primary_id,
        "now": shared.now(),
    }
    if await count_of(db, NOTE, values):
        await db.execute(DOUBT, {"doubt": IN_DOUBT, "lane": hold.number, "kind": schema.kind})


async def of_lane(shared: Shared, lane: str) -> list[Schema]:
    rows = await shared.rows(OF_LANE, {"lane": lane})
    return [Schema(slug, kind, orjson.loads(fields), *rest) for slug, kind, fields, *rest in rows]


async def confirm(shared: Shared, lane: str, slug: str) -> bool:
    return bool(await shared.rows(CONFIRM, {"lane": lane, "slug": slug, "now": shared.now()}))
