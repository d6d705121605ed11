"""Accepting deliveries, within the transaction of the writer. It is what a relay does most, so it takes no detour."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace

from proofport.journal.contract import IdempotencyRecord, NewDelivery, Submitted


def submit(
    db: sqlite3.Connection,
    sql: Mapping[str, str],
    deliveries: Sequence[NewDelivery],
    record: IdempotencyRecord | None,
    now: float,
) -> Submitted:
    """Accept deliveries as one submission, unless its key is known."""
    if record is None or not deliveries:
        return Submitted(add(db, sql, deliveries, now, together=True))
    values = {"tenant": record.tenant, "key": record.key, "digest": record.digest, "answer": record.answer}
    if db.execute(sql["add_idempotency_record"], values).rowcount:
        return Submitted(add(db, sql, deliveries, now, together=True))
    digest, answer, submission = db.execute(sql["idempotency_record"], values).fetchone()
    ids = db.execute(sql["submitted"], {"submission": submission}).fetchall()
    return Submitted([number for (number,) in ids], replace(record, digest=digest, answer=answer))


def add(
    db: sqlite3.Connection, sql: Mapping[str, str], deliveries: Sequence[NewDelivery], now: float, *, together: bool
) -> list[int]:
    """Add deliveries to their lanes: one statement each, but for a lane that is new. `together`: as one submission."""
    ids = list[int]()
    for new in deliveries:
        values = {
            "lane": new.lane,
            "destination": new.destination,
            "kind": new.kind,
            "mode": new.mode,
            "payload": new.payload,
            "records": new.records,
            "together": together,
            "submission": ids[0] if ids else None,
            "bodies": new.bodies,
            "now": now,
        }
        added = db.execute(sql["add_delivery"], values)
        if not added.rowcount:
            db.execute(sql["make_lanes"], values)
            added = db.execute(sql["add_delivery"], values)
        ids.append(added.lastrowid or 0)
    return ids
