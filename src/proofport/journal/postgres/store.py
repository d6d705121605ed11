"""An open journal in a database: its connections, and the statements in the .sql files."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, ParamSpec, TypeVar, cast

import orjson
from psycopg import errors

from proofport.errors import JournalError
from proofport.journal.contract import IdempotencyRecord, NewDelivery, Places, Submitted
from proofport.journal.postgres.accept import Acceptor, accepting
from proofport.journal.postgres.database import Db, Pool, explaining
from proofport.journal.postgres.wake import Waker
from proofport.journal.sql.clock import Watch, checked, told
from proofport.journal.sql.queries import TOPICS, load
from proofport.journal.sql.steps import Change, Hold, Many, Query, Row, Step, Steps, Values, Wake

T = TypeVar("T")
P = ParamSpec("P")

SQL = load(__package__, TOPICS)


LOOK_EVERY = 1.0
"""Seconds between two looks at the clock."""


@lru_cache(maxsize=1_024)
def text_of(name: str, where: tuple[str, ...] = ()) -> bytes:
    return SQL[name].replace("{where}", " AND ".join([SQL[each] for each in where] or ["true"])).encode()


class PostgresStore:
    """`clock` None: the server's, which all machines share."""

    def __init__(self, pool: Pool, waker: Waker, clock: Callable[[], float] | None) -> None:
        self.waker = waker
        self._pool = pool
        self._clock = clock
        self._acceptor = Acceptor(self)
        self._watch = Watch()
        self._look_at_clock = 0.0

    async def close(self) -> None:
        await self._acceptor.close()
        await self._pool.close()

    @property
    def news(self) -> asyncio.Event:
        return self.waker.news

    def id_of(self, text: str) -> bytes:
        """Text of PostgreSQL cannot hold U+0000."""
        return text.encode()

    def bound(self, values: Values) -> dict[str, Any]:
        return {**values, "now": self._clock() if self._clock else None}

    # ------------------------------------------------------------------ one statement
    async def rows(self, name: str, values: Values, where: Sequence[str] = ()) -> list[Row]:
        return cast("list[Row]", await self._alone(Query(name, values, tuple(where))))

    async def heads(self, values: Values) -> list[Row]:
        return await self.rows("heads", values)

    async def change(self, name: str, values: Values, where: Sequence[str] = ()) -> int:
        return cast(int, await self._alone(Change(name, values, tuple(where))))

    async def _alone(self, step: Step) -> Any:
        await self.watch_clock()
        return await self._only(step)

    async def _only(self, step: Step) -> Any:
        with explaining(), cancellable():
            async with self._pool.connection() as db:
                return await self._done(db, step)

    # ------------------------------------------------------------------ a transaction
    async def write(self, steps: Callable[P, Steps[T]], *given: P.args, **named: P.kwargs) -> T:
        await self.watch_clock()
        return await self._write(steps(*given, **named))

    async def _write(self, steps: Steps[T]) -> T:
        with explaining(), cancellable():
            async with self._pool.connection() as db, db.transaction():
                return await self._carried_out(db, steps)

    async def watch_clock(self) -> None:
        """Look now and then whether the clock went back: it is the server's, which nobody tells of."""
        if time.monotonic() < self._look_at_clock:
            return
        self._look_at_clock = time.monotonic() + LOOK_EVERY
        try:
            [(now,)] = await self._only(Query("time", {}))
            if self._watch.is_due(now):
                told(await self._write(checked(SQL)))
        except JournalError as error:
            self._watch.again()
            if not isinstance(error.__cause__, errors.DeadlockDetected):  # which is of lanes that were moved
                raise

    async def _carried_out(self, db: Db, steps: Steps[T]) -> T:
        result: Any = None
        while True:
            try:
                step = steps.send(result)
            except StopIteration as end:
                value: T = end.value
                return value
            result = await self._done(db, step)

    async def _done(self, db: Db, step: Step) -> Any:
        match step:
            case Query():
                return await (await db.execute(text_of(step.name, step.where), self.bound(step.values))).fetchall()
            case Change():
                return (await db.execute(text_of(step.name, step.where), self.bound(step.values))).rowcount
            case Many():
                if rows := [self.bound(values) for values in step.values]:
                    await db.cursor().executemany(SQL[step.name].encode(), rows)
            case Wake():
                await self.waker.wake(db, step.lane, step.delay)
        return None

    # ------------------------------------------------------------------ in its own way
    async def accept(self, deliveries: Sequence[NewDelivery], record: IdempotencyRecord | None) -> Submitted:
        return await self._acceptor.accept(deliveries, record)

    def accepting(self, deliveries: Sequence[NewDelivery]) -> Steps[list[int]]:
        return accepting([(new, None) for new in deliveries])

    async def is_due(self, full: Sequence[str]) -> bool:
        """Look whether a lane of a tenant that is not full may be claimed."""
        return bool(await self.rows("is_due", {"full": list(full)}))

    def claiming(self, lane: str | None, owner: str, lease: float, places: Places) -> Steps[Hold | None]:
        values = {"lane": lane, "names": [lane], "owner": owner, "lease": lease, "draining": lane is None}
        if lane is None:
            held = orjson.dumps(places.held).decode()
            rows = yield Query("claim_any", {**values, "held": held, "full": list(places.full)})
        else:
            yield Change("make_lanes", values)
            rows = yield Query("claim_named", values)
        if lane is None and not rows:
            for (idle,) in (yield Query("idle_lanes", {})):
                [(number,)] = yield Query("locked_lane", {"lane": idle})
                yield from self.scheduling(number, idle)
        return Hold(*rows[0]) if rows else None

    def scheduling(self, number: int, lane: str) -> Steps[None]:
        """The lane is locked. A job comes by the time that it may be claimed."""
        [(delay,)] = yield Query("schedule_lane", {"number": number})
        if delay is not None:
            yield Wake(lane, delay)


@contextmanager
def cancellable() -> Iterator[None]:
    """Before Python 3.12 `asyncio.wait_for`, which psycopg waits with, swallows a cancellation that comes together
    with the answer: whoever awaits the cancelled task would wait for ever. https://github.com/python/cpython/issues/86296
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    yield
    if task and task.cancelling() > before:
        raise asyncio.CancelledError
