"""Schemas that vendors make from what they are sent. Every function works within the caller's transaction."""

from __future__ import annotations

import sqlite3

import orjson

from proofport.adapter import Schema
from proofport.journal.contract import IN_DOUBT
from proofport.journal.sqlite import lanes
from proofport.journal.sqlite.lanes import Hold


def note(db: sqlite3.Connection, hold: Hold, schema: Schema, now: float) -> None:
    """The first one under a slug stays. What is known of the kind has been folded before."""
    fields = orjson.dumps(dict(schema.fields)).decode()
    values = (hold.number, schema.slug, schema.kind, fields, schema.primary_id, now)
    query = "INSERT INTO schemas (lane, slug, kind, fields, primary_id, published) VALUES (?, ?, ?, ?, ?, ?)"
    if db.execute(f"{query} ON CONFLICT DO NOTHING", values).rowcount:
        db.execute(
            "UPDATE known SET body = ? WHERE body <> 0 "
            "AND of_set IN (SELECT number FROM sets WHERE lane = ? AND kind = ?)",
            (IN_DOUBT, hold.number, schema.kind),
        )


def of_lane(db: sqlite3.Connection, lane: str) -> list[Schema]:
    columns = "slug, kind, fields, primary_id, published, defined"
    query = f"SELECT {columns} FROM schemas WHERE lane = ? ORDER BY published, number"  # noqa: S608
    rows = db.execute(query, (lanes.number_of(db, lane),))
    return [Schema(slug, kind, orjson.loads(fields), *rest) for slug, kind, fields, *rest in rows]


def confirm(db: sqlite3.Connection, lane: str, slug: str, now: float) -> bool:
    query = "UPDATE schemas SET defined = iif(defined, defined, ?) WHERE lane = ? AND slug = ?"
    return bool(db.execute(query, (now, lanes.number_of(db, lane), slug)).rowcount)
