"""An open journal in a file: one thread that writes, threads that read, and the statements in the .sql files."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import orjson

from proofport.journal.contract import IdempotencyRecord, NewDelivery, Submitted
from proofport.journal.sql.queries import load
from proofport.journal.sql.steps import Change, Hold, Many, Query, Row, Steps, Values, Wake, number_of
from proofport.journal.sqlite.database import connect, explained
from proofport.journal.sqlite.reader import Reader
from proofport.journal.sqlite.writer import Writer

T = TypeVar("T")
P = ParamSpec("P")

SQL = load(__package__, ["access", "copies", "known", "lanes", "queue", "registry", "runs", "snapshots"])


def text_of(step: Query | Change) -> str:
    text = SQL[step.name]
    return text.replace("{where}", " AND ".join([SQL[name] for name in step.where] or ["true"]))


def bound(values: Values, now: float) -> dict[str, Any]:
    """Values as SQLite takes them: lists are JSON."""
    lists = {name: orjson.dumps(value).decode() for name, value in values.items() if isinstance(value, list)}
    return {**values, **lists, "now": now}


class SqliteStore:
    """`clock` gives seconds since 1970."""

    def __init__(self, path: Path, *, durable: bool, clock: Callable[[], float]) -> None:
        self.path = path
        self.clock = clock
        self.news = asyncio.Event()
        self.writer = Writer(path, durable=durable)
        self.looks = Reader(path)
        self._heads = Reader(path)
        self._watch = connect(path, query_only=True)

    async def close(self) -> None:
        await self.writer.close()
        await self._heads.close()
        await self.looks.close()
        self._watch.close()

    # ------------------------------------------------------------------ one statement
    async def rows(self, name: str, values: Values, where: Sequence[str] = ()) -> list[Row]:
        text, given = text_of(Query(name, values, where)), bound(values, self.clock())
        return await self.looks.read(lambda db: db.execute(text, given).fetchall())

    async def heads(self, values: Values) -> list[Row]:
        given = bound(values, self.clock())
        return await self._heads.read(lambda db: db.execute(SQL["heads"], given).fetchall())

    async def change(self, name: str, values: Values, where: Sequence[str] = ()) -> int:
        text, given = text_of(Change(name, values, where)), bound(values, self.clock())
        return await self.writer.write(lambda db: db.execute(text, given).rowcount)

    def is_due(self) -> bool:
        """Look whether a lane may be claimed: into one index, cheap enough for the event loop."""
        try:
            row = self._watch.execute(SQL["next_due"]).fetchone()
        except sqlite3.Error as error:
            raise explained(error) from error
        return row is not None and row[0] <= self.clock()

    # ------------------------------------------------------------------ a transaction
    async def write(self, steps: Callable[P, Steps[T]], *given: P.args, **named: P.kwargs) -> T:
        now, woken = self.clock(), list[Wake]()
        result = await self.writer.write(lambda db: _carried_out(db, steps(*given, **named), now, woken))
        if woken:
            self.news.set()
        return result

    async def accept(self, deliveries: Sequence[NewDelivery], record: IdempotencyRecord | None) -> Submitted:
        return await self.write(self.submitting, deliveries, record)

    def submitting(self, deliveries: Sequence[NewDelivery], record: IdempotencyRecord | None) -> Steps[Submitted]:
        if record is None or not deliveries:
            return Submitted((yield from self.accepting(deliveries, together=True)))
        values = {"tenant": record.tenant, "key": record.key, "digest": record.digest, "answer": record.answer}
        known = yield Query("idempotency_record", values)
        if known:
            [(digest, answer, submission)] = known
            rows = yield Query("submitted", {"submission": submission})
            return Submitted([number for (number,) in rows], replace(record, digest=digest, answer=answer))
        ids = yield from self.accepting(deliveries, together=True)
        yield Change("add_idempotency_record", {**values, "submission": ids[0]})
        return Submitted(ids)

    def accepting(self, deliveries: Sequence[NewDelivery], *, together: bool = False) -> Steps[list[int]]:
        """`together`: they are one submission, which has the number of the first."""
        [(first,)] = yield Query("next_id", {})
        numbers = dict[str, int]()
        for number, new in enumerate(deliveries, first):
            if new.lane not in numbers:
                numbers[new.lane] = yield from number_of(new.lane)
            values = {
                "id": number,
                "number": numbers[new.lane],
                "destination": new.destination,
                "kind": new.kind,
                "mode": new.mode,
                "payload": new.payload,
                "records": new.records,
                "submission": first if together else None,
                "bodies": new.bodies,
            }
            yield Change("add_delivery", values)
            yield Wake(new.lane, 0)
        return list(range(first, first + len(deliveries)))

    def claiming(self, lane: str | None, owner: str, lease: float) -> Steps[Hold | None]:
        if lane is not None:
            number = yield from number_of(lane)
            rows = yield Query("free_lane", {"number": number})
            hold = Hold(number, lane, rows[0][0] + 1) if rows else None
        else:
            hold = yield from self._longest_claimable()
        if hold is not None:
            yield Change("take_lane", {**hold.values, "owner": owner, "lease": lease})
        return hold

    def _longest_claimable(self) -> Steps[Hold | None]:
        """A lane that turns out to be empty goes to sleep."""
        while rows := (yield Query("claimable_lane", {})):
            [(number, lane, epoch, has_work)] = rows
            if has_work:
                return Hold(number, lane, epoch + 1)
            yield Change("sleep_lane", {"number": number})
        return None

    def scheduling(self, number: int, lane: str) -> Steps[None]:
        yield Change("schedule_lane", {"number": number})
        yield Wake(lane, 0)


def _carried_out(db: sqlite3.Connection, steps: Steps[T], now: float, woken: list[Wake]) -> T:
    result: Any = None
    while True:
        try:
            step = steps.send(result)
        except StopIteration as end:
            value: T = end.value
            return value
        match step:
            case Query():
                result = db.execute(text_of(step), bound(step.values, now)).fetchall()
            case Change():
                result = db.execute(text_of(step), bound(step.values, now)).rowcount
            case Many():
                db.executemany(SQL[step.name], (bound(values, now) for values in step.values))
            case Wake():
                woken.append(step)
