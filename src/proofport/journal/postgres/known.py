"""The last delivered state, one row an id. Functions that are given `db` work within the caller's transaction.

A lane has one writer at a time, so rows are written in the order of delivery and the later one wins. What a staged run
sends is kept beside them, a row a batch, and written over them when the run is complete; until then its ids are only
named: they belong to its set.
"""

from __future__ import annotations

from collections.abc import Sequence

from proofport.journal.contract import IN_DOUBT, PERHAPS_OVERWRITTEN, Kept, Known, NewRun, Sent
from proofport.journal.postgres.database import Db
from proofport.journal.postgres.lanes import Hold
from proofport.journal.postgres.shared import Row, Shared, rows_of

SIGN, RANGE = 2**63, 2**64

SET = "SELECT s.number FROM sets s JOIN lanes l ON l.number = s.lane WHERE l.lane = %(lane)s AND s.kind = %(kind)s"
FIND_SET = "SELECT number FROM sets WHERE lane = %(lane)s AND kind = %(kind)s"
MAKE_SET = "INSERT INTO sets (lane, kind) VALUES (%(lane)s, %(kind)s) ON CONFLICT DO NOTHING"
CUTS = "(SELECT cuts FROM sets WHERE number = %(set)s)"
DOUBT = "UPDATE sets SET cuts = cuts + 1 WHERE number = %(set)s"
LAST = "(array_agg({0} ORDER BY place DESC) FILTER (WHERE body <> 0))[1]"
GIVEN = f"""
SELECT %(set)s::int, id, %(run)s::int, {LAST.format("body")}, coalesce({LAST.format("observed")}, 0), {CUTS}
FROM unnest(%(ids)s::bytea[], %(bodies)s::bigint[], %(observed)s::float8[]) WITH ORDINALITY
AS g (id, body, observed, place) GROUP BY id
"""
STAGED = f"""
SELECT %(set)s::int, id, %(run)s::int, {LAST.format("body")}, coalesce({LAST.format("observed")}, 0), {CUTS}
FROM (
    SELECT g.id, g.body, g.observed, (s.turn, g.place) AS place FROM staged s,
    unnest(s.ids, s.bodies, s.observed) WITH ORDINALITY AS g (id, body, observed, place)
    WHERE s.run = %(run)s AND NOT s.removed
) g GROUP BY id
"""
OVER = """
ON CONFLICT (of_set, id) DO UPDATE SET run = coalesce(excluded.run, known.run), body = coalesce(excluded.body,
known.body), observed = CASE WHEN excluded.body IS NULL THEN known.observed ELSE excluded.observed END,
cuts = CASE WHEN excluded.body IS NULL THEN known.cuts ELSE excluded.cuts END
"""
INSERT = "INSERT INTO known (of_set, id, run, body, observed, cuts)"
REMOVE = "DELETE FROM known WHERE of_set = %(set)s AND id = ANY(%(ids)s::bytea[])"
REMOVE_STAGED = (
    "DELETE FROM known WHERE of_set = %(set)s AND id IN "
    "(SELECT unnest(ids) FROM staged WHERE run = %(run)s AND removed)"
)
STAGE = (
    "INSERT INTO staged (run, removed, ids, bodies, observed) "
    "VALUES (%(run)s, %(removed)s, %(ids)s, %(bodies)s::bigint[], %(observed)s::float8[])"
)
KEEP = """
INSERT INTO bodies (of_set, id, body, run, delivery)
SELECT %(set)s, id, (array_agg(body ORDER BY place DESC))[1], %(run)s::int, %(delivery)s::bigint
FROM unnest(%(ids)s::bytea[], %(items)s::bytea[]) WITH ORDINALITY AS g (id, body, place)
WHERE body <> '' GROUP BY id
ON CONFLICT (of_set, id) DO UPDATE SET body = excluded.body, run = excluded.run, delivery = excluded.delivery
"""
EMPTY = (
    "UPDATE bodies SET body = '', run = %(run)s, delivery = %(delivery)s "
    "WHERE of_set = %(set)s AND id = ANY(%(ids)s::bytea[])"
)
DROP_UNFINISHED = (
    "DELETE FROM staged WHERE run IN (SELECT number FROM runs WHERE lane = %(lane)s AND destination = %(destination)s "
    "AND kind = %(kind)s AND staged AND state <> 'complete' AND number < %(run)s)"
)
KNOWN = (
    f"SELECT k.id, CASE WHEN k.cuts < s.cuts AND k.body <> {IN_DOUBT} THEN {PERHAPS_OVERWRITTEN} ELSE k.body END, "
    f"k.observed FROM known k JOIN sets s ON s.number = k.of_set WHERE k.of_set = ({SET}) "
    "AND k.id = ANY(%(ids)s::bytea[]) AND k.body <> 0"
)
GONE = (
    f"SELECT id FROM known WHERE of_set = ({SET}) AND id > %(after)s AND body <> 0 AND coalesce(run, 0) NOT IN "
    "(SELECT number FROM runs WHERE run_id = %(run_id)s) ORDER BY id LIMIT %(limit)s"
)
COUNT = f"SELECT count(*) FROM known WHERE of_set = ({SET}) AND body <> 0"
BODIES = f"SELECT id, body FROM bodies WHERE of_set = ({SET}) AND id = ANY(%(ids)s::bytea[])"
KEPT = (
    "SELECT b.id, r.run_id, b.body, b.delivery, coalesce(k.body, 0) = 0 FROM bodies b "
    "LEFT JOIN known k ON k.of_set = b.of_set AND k.id = b.id LEFT JOIN runs r ON r.number = b.run "
    f"WHERE b.of_set = ({SET}) AND b.id > %(after)s AND (k.body <> 0 OR b.body = '') ORDER BY b.id LIMIT %(limit)s"
)


async def append(
    db: Db,
    hold: Hold,
    kind: str,
    sent: Sent,
    *,
    removed: bool,
    run: int | None = None,
    delivery: int | None = None,
    staged: bool = False,
) -> None:
    """Write down what was delivered, by a run or a queued delivery; of a staged run that the ids belong to its set."""
    if not sent.ids:
        return
    ids = [text.encode() for text in sent.ids]
    values: dict[str, object] = {
        "set": await _set(db, hold.number, kind),
        "run": run,
        "delivery": delivery,
        "removed": removed,
        "ids": ids,
        "bodies": [_signed(body) for body in sent.bodies] or [0] * len(ids),
        "observed": list(sent.observed) or [0.0] * len(ids),
        "items": list(sent.items),
    }
    if removed:
        await db.execute(EMPTY, values)
    elif sent.items:
        await db.execute(KEEP, values)
    if staged:
        await db.execute(STAGE, values)
        values["bodies"] = [0] * len(ids)
    if removed and not staged:
        await db.execute(REMOVE, values)
    else:
        await db.execute(f"{INSERT} {GIVEN} {OVER}", values)


async def doubt(db: Db, lane: int, kind: str) -> None:
    """All that was delivered before now may have been overwritten."""
    await db.execute(DOUBT, {"set": await _set(db, lane, kind)})


async def apply_staged(db: Db, lane: int, kind: str, run: int) -> None:
    values = {"set": await _set(db, lane, kind), "run": run}
    await db.execute(f"{INSERT} {STAGED} {OVER}", values)
    await db.execute(REMOVE_STAGED, values)
    await db.execute("DELETE FROM staged WHERE run = %(run)s", values)


async def drop_unfinished(db: Db, lane: int, run: NewRun, number: int) -> None:
    """What older staged runs sent and never completed will not be delivered any more."""
    values = {"lane": lane, "destination": run.destination, "kind": run.kind, "run": number}
    await db.execute(DROP_UNFINISHED, values)


async def _set(db: Db, lane: int, kind: str) -> int:
    values = {"lane": lane, "kind": kind}
    while not (rows := await rows_of(db, FIND_SET, values)):
        await db.execute(MAKE_SET, values)
    return int(rows[0][0])


def _signed(body: int) -> int:
    """As PostgreSQL's integers are."""
    return body - RANGE if body >= SIGN else body


# ------------------------------------------------------------------ looking
async def known(shared: Shared, lane: str, kind: str, ids: Sequence[str]) -> list[Known | None]:
    rows = await _of(shared, KNOWN, lane, kind, ids)
    found = {bytes(text): Known(body % RANGE, observed) for text, body, observed in rows}
    return [found.get(text.encode()) for text in ids]


async def gone(shared: Shared, lane: str, kind: str, run_id: str, after: str, limit: int) -> list[str]:
    values = {"lane": lane, "kind": kind, "run_id": run_id, "after": after.encode(), "limit": limit}
    return [bytes(text).decode() for (text,) in await shared.rows(GONE, values)]


async def count(shared: Shared, lane: str, kind: str) -> int:
    return int((await shared.rows(COUNT, {"lane": lane, "kind": kind}))[0][0])


async def bodies(shared: Shared, lane: str, kind: str, ids: Sequence[str]) -> list[bytes | None]:
    found = {bytes(text): bytes(body) for text, body in await _of(shared, BODIES, lane, kind, ids)}
    return [found.get(text.encode()) for text in ids]


async def kept(shared: Shared, lane: str, kind: str, after: str, limit: int) -> list[Kept]:
    values = {"lane": lane, "kind": kind, "after": after.encode(), "limit": limit}
    rows = await shared.rows(KEPT, values)
    return [
        Kept(bytes(text).decode(), run_id, bytes(body), delivery, removed)
        for text, run_id, body, delivery, removed in rows
    ]


async def _of(shared: Shared, query: str, lane: str, kind: str, ids: Sequence[str]) -> list[Row]:
    return await shared.rows(query, {"lane": lane, "kind": kind, "ids": [text.encode() for text in ids]})
