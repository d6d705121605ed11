"""A journal for unit tests in a temporary file, and any other journal for as long as a test looks into it."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from typing import TypeVar

from proofport.journal import open_journal
from proofport.journal.contract import Journal, LaneView
from proofport.journal.sqlite import SqliteJournal, TemporaryJournal
from proofport.journal.sqlite.database import create

T = TypeVar("T")
_used: list[MemoryJournal] = []


class MemoryJournal(TemporaryJournal):
    """Open from its first use on, closed when the test ends. `clock` may be replaced at any time."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        super().__init__(clock=lambda: self.clock())
        _used.append(self)

    async def open(self) -> None:
        if self._opened is None:
            await super().open()

    def __getattribute__(self, name: str) -> object:
        if name == "_store" and super().__getattribute__("_opened") is None:
            create(self.path, durable=False)
            self._begin()
        return super().__getattribute__(name)

    async def close(self) -> None:
        """Close it, and keep what it holds until the end of the test."""
        await SqliteJournal.close(self)

    def lanes_now(self) -> list[LaneView]:
        """What `lanes` shows, without waiting."""
        with closing(sqlite3.connect(self.path)) as db:
            rows = db.execute(
                "SELECT lane, (SELECT count(*) FROM deliveries WHERE lane = lanes.number AND state = 'queued'), NULL, "
                "0, epoch, owner, lease_until, next_at, parked FROM lanes"
            )
            return [LaneView(*row) for row in rows]

    def take_over(self, lane: str) -> None:
        """Let somebody "elsewhere" have claimed a lane."""
        with closing(sqlite3.connect(self.path)) as db, db:
            change = "UPDATE lanes SET epoch = epoch + 1, owner = 'elsewhere', lease_until = ?, due = ? WHERE lane = ?"
            db.execute(change, (self.clock() + 60, self.clock() + 60, lane))


async def close_all() -> None:
    while _used:
        await TemporaryJournal.close(_used.pop())


@asynccontextmanager
async def opened(where: str) -> AsyncIterator[Journal]:
    """The journal at a path or URL, while the block runs."""
    journal = open_journal(where)
    await journal.open()
    try:
        yield journal
    finally:
        await journal.close()


def ask(where: str, question: Callable[[Journal], Awaitable[T]]) -> T:
    """An answer of a journal, for tests that do not run in a loop."""

    async def answer() -> T:
        async with opened(where) as journal:
            return await question(journal)

    return asyncio.run(answer())
