"""An open journal in a file: one thread that writes, threads that read, and the statements in the .sql files."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import orjson

from proofport.errors import JournalError
from proofport.journal.contract import IdempotencyRecord, NewDelivery, Places, Submitted
from proofport.journal.sql.clock import Watch, checked, told
from proofport.journal.sql.queries import TOPICS, load
from proofport.journal.sql.steps import Change, Direct, Hold, Many, Query, Row, Steps, Values, Wake, number_of
from proofport.journal.sqlite.database import connect
from proofport.journal.sqlite.place import OpenFiles
from proofport.journal.sqlite.writer import Writer

T = TypeVar("T")
P = ParamSpec("P")

SQL = load(__package__, TOPICS)
LISTS = ("ids", "keys", "destinations", "kinds", "left_out", "full")
"""Names of values that may be lists."""


@lru_cache(maxsize=1_024)
def text_of(name: str, where: tuple[str, ...] = ()) -> str:
    return SQL[name].replace("{where}", " AND ".join([SQL[each] for each in where] or ["true"]))


def bound(values: Values, now: float) -> dict[str, Any]:
    """Values as SQLite takes them: lists are JSON."""
    given = {**values, "now": now}
    for name in LISTS:
        if isinstance(value := given.get(name), list):
            given[name] = orjson.dumps(value).decode()
    return given


class Reader:
    """One query-only connection in a thread of its own, made when it is first used.

    Each statement sees the last commit, and blocks nobody.
    """

    def __init__(self, path: Path, files: OpenFiles) -> None:
        self._path = path
        self._files = files
        self._db: sqlite3.Connection | None = None
        self._closed = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal-reader")

    async def read(self, question: Callable[[sqlite3.Connection], T]) -> T:
        if self._closed:
            raise JournalError("the journal is closed")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._ask, question)

    def _ask(self, question: Callable[[sqlite3.Connection], T]) -> T:
        try:
            if self._db is None:
                self._db = self._connected()
            found = question(self._db)
        except sqlite3.Error as error:
            raise self._files.failed(error) from error
        self._files.check()
        return found

    def _connected(self) -> sqlite3.Connection:
        self._files.check()  # SQLite removes the log beside a file that is empty
        db = connect(self._path, query_only=True)
        try:
            self._files.check()  # it is the file that the writer writes to
        except JournalError:
            db.close()
            raise
        return db

    async def close(self) -> None:
        self._closed = True
        await asyncio.to_thread(self._thread.shutdown)
        if self._db is not None:
            self._db.close()


class SqliteStore:
    """`clock` gives seconds since 1970."""

    def __init__(self, path: Path, *, durable: bool, clock: Callable[[], float]) -> None:
        self.path = path
        self._clock = clock
        self._watch = Watch()
        self.news = asyncio.Event()
        self.folding = asyncio.Lock()
        self.writer = Writer(path, durable=durable)
        self.looks = Reader(path, self.writer.files)
        self._lanes = Reader(path, self.writer.files)

    async def close(self) -> None:
        await self.writer.close()
        await self._lanes.close()
        await self.looks.close()

    def now(self, *, writes: bool = True) -> float:
        """The time. A clock that went back is dealt with before whatever is written next."""
        now = self._clock()
        if self._watch.is_due(now, only_back=not writes):
            checking = self.writer.write(lambda db: _carried_out(db, checked(SQL), now, []))
            checking.add_done_callback(self._checked)
        return now

    def _checked(self, checking: asyncio.Future[float]) -> None:
        """Log that the clock went back. If that could not be written, check again at the next write, which says why."""
        if checking.cancelled() or checking.exception() is not None:
            self._watch.again()
        else:
            told(checking.result())

    def id_of(self, text: str) -> str:
        return text

    # ------------------------------------------------------------------ one statement
    async def rows(self, name: str, values: Values, where: Sequence[str] = ()) -> list[Row]:
        text, given = text_of(name, tuple(where)), bound(values, self._clock())
        return await self.looks.read(lambda db: db.execute(text, given).fetchall())

    async def heads(self, values: Values) -> list[Row]:
        given = bound(values, self._clock())
        return await self._lanes.read(lambda db: db.execute(SQL["heads"], given).fetchall())

    async def change(self, name: str, values: Values, where: Sequence[str] = ()) -> int:
        text, given = text_of(name, tuple(where)), bound(values, self.now())
        return await self.writer.write(lambda db: db.execute(text, given).rowcount)

    async def is_due(self, full: Sequence[str]) -> bool:
        """Look whether a lane of a tenant that is not full may be claimed, which takes no lock."""
        given = bound({"full": list(full)}, self.now(writes=False))
        return bool(await self._lanes.read(lambda db: db.execute(SQL["is_due"], given).fetchone()))

    # ------------------------------------------------------------------ a transaction
    async def write(self, steps: Callable[P, Steps[T]], *given: P.args, **named: P.kwargs) -> T:
        now, woken = self.now(), list[Wake]()
        result = await self.writer.write(lambda db: _carried_out(db, steps(*given, **named), now, woken))
        if woken:
            self.news.set()
        return result

    async def accept(self, deliveries: Sequence[NewDelivery], record: IdempotencyRecord | None) -> Submitted:
        now = self.now()
        submitted = await self.writer.write(lambda db: _submit(db, deliveries, record, now))
        self.news.set()
        return submitted

    def accepting(self, deliveries: Sequence[NewDelivery]) -> Steps[list[int]]:
        ids: list[int] = yield Direct(lambda db, now: _add(db, deliveries, now, together=False))
        for lane in {new.lane for new in deliveries}:
            yield Wake(lane, 0)
        return ids

    def claiming(self, lane: str | None, owner: str, lease: float, places: Places) -> Steps[Hold | None]:
        hold, has_died = yield from (self._claimable(places) if lane is None else self._named(lane))
        if hold is None:
            return None
        if has_died:
            yield Change("count_breakdown", {"number": hold.number})
        yield Change("take_lane", {**hold.values, "owner": owner, "lease": lease, "draining": lane is None})
        return hold

    def _named(self, lane: str) -> Steps[tuple[Hold | None, bool]]:
        number = yield from number_of(lane)
        for epoch, tenant, has_died, before in (yield Query("free_lane", {"number": number})):
            return Hold(number, lane, epoch + 1, tenant, before), has_died
        return None, False

    def _claimable(self, places: Places) -> Steps[tuple[Hold | None, bool]]:
        """A lane that turns out to be empty goes to sleep."""
        while due := [row for row in (yield Query("due_tenants", {})) if row[0] not in places.full]:
            tenant, _ = min(due, key=lambda row: (places.held.get(row[0], 0), row[1]))
            [(number, lane, epoch, has_died, has_work, before)] = yield Query("claimable_lane", {"tenant": tenant})
            if has_work:
                return Hold(number, lane, epoch + 1, tenant, before), has_died
            yield Change("sleep_lane", {"number": number})
        return None, False

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
                result = db.execute(text_of(step.name, step.where), bound(step.values, now)).fetchall()
            case Direct():
                result = step.work(db, now)
            case Change():
                result = db.execute(text_of(step.name, step.where), bound(step.values, now)).rowcount
            case Many():
                db.executemany(SQL[step.name], (bound(values, now) for values in step.values))
            case Wake():
                woken.append(step)


# ---------------------------------------------------------------------- accepting: what a relay does most
def _submit(
    db: sqlite3.Connection, deliveries: Sequence[NewDelivery], record: IdempotencyRecord | None, now: float
) -> Submitted:
    """Accept deliveries as one submission, unless its key is known."""
    if record is None or not deliveries:
        return Submitted(_add(db, deliveries, now, together=True))
    values = {"tenant": record.tenant, "key": record.key, "digest": record.digest, "answer": record.answer}
    if db.execute(SQL["add_idempotency_record"], values).rowcount:
        return Submitted(_add(db, deliveries, now, together=True))
    digest, answer, submission = db.execute(SQL["idempotency_record"], values).fetchone()
    ids = db.execute(SQL["submitted"], {"submission": submission}).fetchall()
    return Submitted([number for (number,) in ids], replace(record, digest=digest, answer=answer))


def _add(db: sqlite3.Connection, deliveries: Sequence[NewDelivery], now: float, *, together: bool) -> list[int]:
    """Add deliveries to their lanes: one statement each, but for a lane that is new. `together`: as one submission."""
    ids: list[int] = []
    for new in deliveries:
        first = ids[0] if ids else None
        about = new.lane, new.destination, new.kind, new.mode
        values = (*about, new.payload, new.records, new.bodies, now, together, first)
        try:
            added = db.execute(SQL["add_delivery"], values)
        except sqlite3.IntegrityError:  # the lane is new
            db.execute(SQL["make_lanes"], {"lane": new.lane})
            added = db.execute(SQL["add_delivery"], values)
        ids.append(added.lastrowid or 0)
    return ids
