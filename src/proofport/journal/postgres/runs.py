"""Bulk runs, their batches, and attempts. Functions that are given `db` work within the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson

from proofport.adapter import Memory
from proofport.errors import UsageError
from proofport.journal.contract import Attempt, BatchDone, NewRun, RunView
from proofport.journal.postgres import known
from proofport.journal.postgres.database import Db
from proofport.journal.postgres.lanes import Hold
from proofport.journal.postgres.shared import Shared, count_of, rows_of, shown

SELECT = (
    "SELECT r.number, r.run_id, l.lane, r.destination, r.kind, r.mode, r.state, r.memory, r.started, r.ended, "
    "r.report, r.inputs FROM runs r JOIN lanes l ON l.number = r.lane "
)
END_OTHERS = (
    "UPDATE runs SET state = 'ended', ended = journal_now(%(now)s) WHERE lane = %(lane)s "
    "AND destination = %(destination)s AND kind = %(kind)s AND state = 'open' AND run_id <> %(run_id)s"
)
BEGIN = (
    "INSERT INTO runs (run_id, destination, lane, kind, mode, staged, inputs, started) VALUES (%(run_id)s, "
    "%(destination)s, %(lane)s, %(kind)s, %(mode)s, %(staged)s, %(inputs)s, journal_now(%(now)s)) RETURNING number"
)
FIND = "SELECT number, lane FROM runs WHERE run_id = %(run_id)s AND destination = %(destination)s"
CUT = "UPDATE runs SET cut = true WHERE lane = %(lane)s AND kind = %(kind)s AND state = 'open' AND NOT cut"
REOPEN = "UPDATE runs SET state = 'open', cut = false, ended = NULL, report = NULL WHERE number = %(number)s"
BATCH = (
    "INSERT INTO batches (run, number, first, last, records, digest, outcomes) VALUES "
    "(%(run)s, %(number)s, %(first)s, %(last)s, %(records)s, %(digest)s, %(outcomes)s) ON CONFLICT (run, number) "
    "DO UPDATE SET first = excluded.first, last = excluded.last, records = excluded.records, "
    "digest = excluded.digest, outcomes = excluded.outcomes"
)
END = (
    "UPDATE runs SET state = %(state)s, ended = journal_now(%(now)s), report = %(report)s WHERE number = %(number)s "
    "RETURNING staged"
)
AMEND = (
    "UPDATE runs SET report = %(report)s WHERE run_id = %(run_id)s AND destination = %(destination)s "
    "AND state <> 'open' RETURNING 1"
)
ATTEMPT = (
    "INSERT INTO attempts (lane, operation, status, seconds, sent_bytes, digest, message, at, run_id, delivery) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)


async def begin(shared: Shared, db: Db, hold: Hold, run: NewRun) -> int:
    """The number of the run, for the functions below."""
    values: dict[str, object] = {
        "run_id": run.run_id,
        "destination": run.destination,
        "lane": hold.number,
        "kind": run.kind,
        "mode": run.mode,
        "staged": run.staged,
        "inputs": orjson.dumps(list(run.inputs)),
        "now": shared.now(),
    }
    if await count_of(db, CUT, values):
        await known.doubt(db, hold.number, run.kind)
    await db.execute(END_OTHERS, values)
    rows = await rows_of(db, FIND, values)
    if not rows:
        number = int((await rows_of(db, BEGIN, values))[0][0])
        await known.drop_unfinished(db, hold.number, run, number)
        return number
    number, lane = rows[0]
    if lane != hold.number:
        raise UsageError(f"the run {run.run_id} of {run.destination} was begun in another lane than {hold.lane}")
    await db.execute(REOPEN, {"number": number})
    return int(number)


async def remember(db: Db, run: int, memory: Memory) -> None:
    query = "UPDATE runs SET memory = %(memory)s WHERE number = %(number)s"
    await db.execute(query, {"memory": orjson.dumps(memory), "number": run})


async def batch_done(db: Db, run: int, batch: BatchDone) -> None:
    values = {"run": run, "number": batch.number, "first": batch.first, "last": batch.last, "records": batch.records}
    await db.execute(BATCH, {**values, "digest": batch.digest, "outcomes": shown(batch.outcomes)})


async def end(shared: Shared, db: Db, hold: Hold, number: int, run: NewRun, *, complete: bool, report: str) -> None:
    """A staged run takes its turn in the last delivered state now: after all that was sent before, before the next."""
    state = "complete" if complete else "ended"
    values = {"state": state, "report": shown(report), "number": number, "now": shared.now()}
    [(staged,)] = await rows_of(db, END, values)
    if staged and complete:
        await known.apply_staged(db, hold.number, run.kind, number)


async def amend(shared: Shared, run_id: str, destination: str, report: str) -> None:
    await shared.rows(AMEND, {"run_id": run_id, "destination": destination, "report": shown(report)})


async def view(shared: Shared, run_id: str, destination: str) -> RunView | None:
    values = {"run_id": run_id, "destination": destination}
    rows = await shared.rows(f"{SELECT} WHERE r.run_id = %(run_id)s AND r.destination = %(destination)s", values)
    if not rows:
        return None
    query = "SELECT number, first, last, records, digest, outcomes FROM batches WHERE run = %(run)s ORDER BY number"
    batches = await shared.rows(query, {"run": rows[0][0]})
    return replace(_run(rows[0]), batches=[BatchDone(*batch) for batch in batches])


async def views(shared: Shared, lane: str | None, limit: int) -> list[RunView]:
    where = "l.lane = %(lane)s" if lane is not None else "true"
    query = f"{SELECT} WHERE {where} ORDER BY r.number DESC LIMIT %(limit)s"
    return [_run(row) for row in await shared.rows(query, {"lane": lane, "limit": limit})]


def _run(row: Sequence[Any]) -> RunView:
    _number, *names, memory, started, ended, report, inputs = row
    return RunView(*[*names, orjson.loads(memory), started, ended, report, orjson.loads(inputs)])


async def attempted(db: Db, hold: Hold, attempts: Sequence[Attempt]) -> None:
    rows = (
        (
            hold.number,
            one.operation,
            one.status,
            one.seconds,
            one.sent_bytes,
            one.digest,
            shown(one.message),
            one.at,
            one.run_id,
            one.delivery,
        )
        for one in attempts
    )
    await db.cursor().executemany(ATTEMPT, rows)


async def attempts(shared: Shared, run_id: str | None, lane: str | None, limit: int) -> list[Attempt]:
    terms = ["true"]
    if run_id is not None:
        terms.append("run_id = %(run_id)s")
    if lane is not None:
        terms.append("lane = (SELECT number FROM lanes WHERE lane = %(lane)s)")
    query = (
        "SELECT operation, status, seconds, sent_bytes, digest, message, at, run_id, delivery FROM attempts "
        f"WHERE {' AND '.join(terms)} ORDER BY number DESC LIMIT %(limit)s"
    )
    return [Attempt(*row) for row in await shared.rows(query, {"run_id": run_id, "lane": lane, "limit": limit})]
