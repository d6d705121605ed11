"""A journal for unit tests in a temporary file, and any other journal for as long as a test looks into it."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from proofport.journal import open_journal, opened
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


def ask(where: str, question: Callable[[Journal], Awaitable[T]]) -> T:
    """An answer of a journal, for tests that do not run in a loop."""

    async def answer() -> T:
        async with opened(open_journal(where)) as journal:
            return await question(journal)

    return asyncio.run(answer())


USER = """
import asyncio, sys
from proofport.journal import open_journal, opened
async def main():
    async with opened(open_journal(sys.argv[1])):
        print("open", flush=True)
        await asyncio.to_thread(sys.stdin.read)
asyncio.run(main())
"""


@contextmanager
def used(path: Path) -> Iterator[None]:
    """Another process has the journal open."""
    with subprocess.Popen(
        [sys.executable, "-c", USER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        yield
        process.kill()


def damage_deliveries(path: Path) -> None:
    """Nothing that is read when the journal is opened."""
    with closing(sqlite3.connect(path)) as db:
        query = "SELECT pageno FROM dbstat WHERE name = 'deliveries' AND pagetype = 'leaf' ORDER BY pageno"
        pages = db.execute(query).fetchall()
    with path.open("r+b") as file:
        for (number,) in pages[1:-1]:
            file.seek((number - 1) * 4096)
            file.write(b"\xff" * 4096)
