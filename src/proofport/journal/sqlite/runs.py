"""Bulk runs, their batches, and attempts. Every function works within the caller's transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson

from proofport.errors import UsageError
from proofport.journal.contract import Attempt, BatchDone, NewRun, RunView
from proofport.journal.sqlite import known, lanes
from proofport.journal.sqlite.lanes import Hold

SELECT = (
    "SELECT r.number, r.run_id, l.lane, r.destination, r.kind, r.mode, r.state, r.memory, r.started, r.ended, "
    "r.report, r.inputs FROM runs r JOIN lanes l ON l.number = r.lane "
)


def begin(db: sqlite3.Connection, hold: Hold, run: NewRun, now: float) -> int:
    """The number of the run, for the functions below."""
    cut = "UPDATE runs SET cut = true WHERE lane = ? AND kind = ? AND state = 'open' AND NOT cut"
    if db.execute(cut, (hold.number, run.kind)).rowcount:
        known.doubt(db, hold.number, run.kind)
    db.execute(
        "UPDATE runs SET state = 'ended', ended = ? "
        "WHERE lane = ? AND destination = ? AND kind = ? AND state = 'open' AND run_id <> ?",
        (now, hold.number, run.destination, run.kind, run.run_id),
    )
    row = db.execute(
        "SELECT number, lane FROM runs WHERE run_id = ? AND destination = ?", (run.run_id, run.destination)
    ).fetchone()
    if row is None:
        inputs = orjson.dumps(list(run.inputs)).decode()
        values = (run.run_id, run.destination, hold.number, run.kind, run.mode, run.staged, inputs, now)
        query = (
            "INSERT INTO runs (run_id, destination, lane, kind, mode, staged, inputs, started) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        )
        number = db.execute(query, values).lastrowid or 0
        known.drop_unfinished(db, hold.number, run.destination, run.kind, number)
        return number
    if row[1] != hold.number:
        raise UsageError(f"the run {run.run_id} of {run.destination} was begun in another lane than {hold.lane}")
    db.execute(
        "UPDATE runs SET state = 'open', cut = false, ended = NULL, report = NULL, settled = NULL WHERE number = ?",
        (row[0],),
    )
    return int(row[0])


def remember(db: sqlite3.Connection, run: int, memory: str) -> None:
    db.execute("UPDATE runs SET memory = ? WHERE number = ?", (memory, run))


def batch_done(db: sqlite3.Connection, run: int, batch: BatchDone) -> None:
    values = (run, batch.number, batch.first, batch.last, batch.records, batch.digest, batch.outcomes)
    db.execute("INSERT OR REPLACE INTO batches VALUES (?, ?, ?, ?, ?, ?, ?)", values)


def end(db: sqlite3.Connection, run: int, *, complete: bool, report: str, now: float) -> None:
    """A staged run takes its turn in the last delivered state now: after all that was sent before, before the next."""
    db.execute(
        "UPDATE runs SET state = ?, ended = ?, report = ?, settled = CASE WHEN staged AND ? "
        "THEN ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'sent'), 0) + 0.5 END WHERE number = ?",
        ("complete" if complete else "ended", now, report, complete, run),
    )


def amend(db: sqlite3.Connection, run_id: str, destination: str, report: str) -> None:
    query = "UPDATE runs SET report = ? WHERE run_id = ? AND destination = ? AND state <> 'open'"
    db.execute(query, (report, run_id, destination))


def view(db: sqlite3.Connection, run_id: str, destination: str) -> RunView | None:
    row = db.execute(f"{SELECT} WHERE r.run_id = ? AND r.destination = ?", (run_id, destination)).fetchone()
    if row is None:
        return None
    query = "SELECT number, first, last, records, digest, outcomes FROM batches WHERE run = ? ORDER BY number"
    return replace(_run(row), batches=[BatchDone(*batch) for batch in db.execute(query, (row[0],))])


def views(db: sqlite3.Connection, lane: str | None, limit: int) -> list[RunView]:
    where, values = ("true", []) if lane is None else ("r.lane = ?", [lanes.number_of(db, lane)])
    rows = db.execute(f"{SELECT} WHERE {where} ORDER BY r.number DESC LIMIT ?", (*values, limit))
    return [_run(row) for row in rows]


def _run(row: Sequence[Any]) -> RunView:
    _number, *names, memory, started, ended, report, inputs = row
    return RunView(*[*names, orjson.loads(memory), started, ended, report, orjson.loads(inputs)])


def attempted(db: sqlite3.Connection, hold: Hold, attempts: Sequence[Attempt]) -> None:
    query = (
        "INSERT INTO attempts (lane, operation, status, seconds, sent_bytes, digest, message, at, run_id, delivery) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    )
    db.executemany(
        query,
        (
            (
                hold.number,
                a.operation,
                a.status,
                a.seconds,
                a.sent_bytes,
                a.digest,
                a.message,
                a.at,
                a.run_id,
                a.delivery,
            )
            for a in attempts
        ),
    )


def attempts(db: sqlite3.Connection, run_id: str | None, lane: str | None, limit: int) -> list[Attempt]:
    terms, values = ["true"], list[object]()
    if run_id is not None:
        terms.append("run_id = ?")
        values.append(run_id)
    if lane is not None:
        terms.append("lane = ?")
        values.append(lanes.number_of(db, lane))
    query = "SELECT operation, status, seconds, sent_bytes, digest, message, at, run_id, delivery FROM attempts"
    where = " AND ".join(terms)
    rows = db.execute(f"{query} WHERE {where} ORDER BY number DESC LIMIT ?", (*values, limit))
    return [Attempt(*row) for row in rows]
