"""How each table of the embedded journal is carried over: its rows, as the tables of PostgreSQL have them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson

from proofport.journal.contract import IN_DOUBT, PERHAPS_OVERWRITTEN

Row: TypeAlias = Sequence[Any]


def _as_it_is(row: Row) -> Row:
    return row


@dataclass(frozen=True, slots=True)
class Table:
    """`rows`: a query over SQLite, of one lane (`:lane` is its number) or of the whole journal."""

    name: str
    columns: str
    rows: str
    converted: Callable[[Row], Row] = _as_it_is

    @property
    def copy(self) -> str:
        return f"COPY {self.name} ({self.columns}) FROM STDIN"


def _run(row: Row) -> Row:
    *names, cut, staged, memory, inputs = row
    return (*names, bool(cut), bool(staged), memory.encode(), inputs.encode())


def _known(row: Row) -> Row:
    of_set, text, *rest = row
    return (of_set, text.encode(), *rest)


def _staged(row: Row) -> Row:
    turn, run, removed, ids, bodies, observed = row
    texts = [text.encode() for text in orjson.loads(ids)]
    times = struct.unpack(f"<{len(observed) // 8}d", observed) or (0.0,) * len(texts)
    return turn, run, bool(removed), texts, list(struct.unpack(f"<{len(texts)}q", bodies)), list(times)


def _schema(row: Row) -> Row:
    *names, fields = row
    return (*names, fields.encode())


def _access_key(row: Row) -> Row:
    *names, may_read, may_write, destinations, kinds = row
    return (
        *names,
        bool(may_read),
        bool(may_write),
        destinations and orjson.loads(destinations),
        kinds and orjson.loads(kinds),
    )


def _snapshot(row: Row) -> Row:
    *rest, destinations = row
    return (*rest, orjson.loads(destinations))


def _same(name: str, columns: str, source: str, converted: Callable[[Row], Row] = _as_it_is) -> Table:
    return Table(name, columns, f"SELECT {columns} FROM {source}", converted)


OF_SETS = "of_set IN (SELECT number FROM sets WHERE lane = :lane)"
OF_RUNS = "run IN (SELECT number FROM runs WHERE lane = :lane{})"

OF_A_LANE = (
    Table(
        "lanes",
        "number, lane, next_at, parked, due",
        "SELECT number, lane, next_at, parked, CASE WHEN parked IS NULL AND EXISTS (SELECT 1 FROM deliveries d "
        "WHERE d.lane = lanes.number AND d.state = 'queued') THEN next_at END FROM lanes WHERE number = :lane",
    ),
    Table("lane_runs", "lane, epoch", "SELECT number, epoch FROM lanes WHERE number = :lane"),
    _same(
        "deliveries",
        "id, lane, destination, kind, mode, records, state, attempts, created, finished, key, outcome, reason, detail, "
        "submission, payload, bodies",
        "deliveries WHERE lane = :lane ORDER BY id",
    ),
    _same(
        "runs",
        "number, run_id, destination, lane, kind, mode, state, started, ended, report, cut, staged, memory, inputs",
        "runs WHERE lane = :lane",
        _run,
    ),
    _same(
        "batches",
        "run, number, first, last, records, digest, outcomes",
        f"batches WHERE {OF_RUNS.format('')}",
    ),
    _same(
        "attempts",
        "number, lane, run_id, delivery, operation, status, seconds, sent_bytes, digest, message, at",
        "attempts WHERE lane = :lane",
    ),
    _same("sets", "number, lane, kind", "sets WHERE lane = :lane"),
    Table(
        "known",
        "of_set, id, run, body, observed",
        f"SELECT k.of_set, k.id, k.run, CASE WHEN k.turn <= s.doubted AND k.body <> {IN_DOUBT} "
        f"THEN {PERHAPS_OVERWRITTEN} ELSE k.body END, k.observed FROM known k JOIN sets s ON s.number = k.of_set "
        "WHERE s.lane = :lane AND k.body IS NOT 0 ORDER BY k.of_set, k.id",
        _known,
    ),
    _same(
        "staged",
        "turn, run, removed, ids, bodies, observed",
        f"sent WHERE {OF_RUNS.format(' AND staged AND settled IS NULL')}",
        _staged,
    ),
    _same("bodies", "of_set, id, body, run, delivery", f"bodies WHERE {OF_SETS} ORDER BY of_set, id", _known),
    _same(
        "schemas",
        "number, lane, slug, kind, primary_id, published, defined, fields",
        "schemas WHERE lane = :lane",
        _schema,
    ),
)
"""In an order in which each row finds what it refers to."""

OF_THE_JOURNAL = (
    _same("submissions", "tenant, key, digest, answer, submission", "submissions"),
    _same("permits", "key, next", "permits"),
    _same(
        "access_keys",
        "number, prefix, name, tenant, proof, created, expires, revoked, used, may_read, may_write, destinations, "
        "kinds",
        "access_keys",
        _access_key,
    ),
    _same(
        "snapshots",
        "number, id, tenant, kind, state, lifetime, created, expires, parts, records, report, destinations",
        "snapshots",
        _snapshot,
    ),
    _same("parts", "snapshot, name, records, payload, incomplete", "parts"),
)

UNFOLDED = (
    "SELECT count(*) FROM sent s LEFT JOIN runs r ON r.number = s.run "
    "WHERE NOT ifnull(r.staged AND r.settled IS NULL AND s.turn <= r.named, 0)"
)
"""What was delivered and not yet written where `known` finds it: nothing, when nobody writes."""

SEQUENCES = {
    "lanes": "number",
    "deliveries": "id",
    "runs": "number",
    "attempts": "number",
    "sets": "number",
    "staged": "turn",
    "schemas": "number",
    "access_keys": "number",
    "snapshots": "number",
}
"""Tables that give numbers, and the column: what is new begins above all that was moved."""
