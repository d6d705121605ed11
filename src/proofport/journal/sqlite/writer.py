"""One thread that does all writing of a process, many requests to a commit.

A commit costs the same whether it holds one request or hundreds, so whatever is asked while one commit runs goes into
the next one together. A group in which a request fails is halved until that one stands alone: it takes nothing from the
others, and those that all go well pay for no savepoints.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from proofport.errors import JournalError
from proofport.journal.sqlite import database
from proofport.journal.sqlite.database import connect, is_busy, is_for_all, refuse_away
from proofport.journal.sqlite.place import OpenFiles

T = TypeVar("T")
LARGEST_GROUP = 512
LOCKED_PAUSE = 0.0005


@dataclass(slots=True)
class _Request:
    work: Callable[[sqlite3.Connection], Any]
    future: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = None


class Writer:
    """Does what it is asked in the order it was asked, and answers when it is durable."""

    def __init__(self, path: Path, *, durable: bool = True) -> None:
        """Raises ConfigError when the journal was moved away, or replaced by a backup, before this had it open."""
        self._asked: list[_Request] = []
        self._handed: queue.SimpleQueue[list[_Request] | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self._db = connect(path, durable=durable)
        try:
            refuse_away(self._db, path)  # from here on it cannot be moved or restored, but only tampered with
            self.files = OpenFiles(path)
        except BaseException:
            self._db.close()
            raise
        self._db.execute("PRAGMA busy_timeout = 0")
        self._thread = threading.Thread(target=self._run, name="journal-writer", daemon=True)
        self._thread.start()

    def write(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """Call `work` within a transaction; its result once that is committed, or what it raised."""
        future: asyncio.Future[T] = self._loop.create_future()
        if self._closed:
            future.set_exception(JournalError("the journal is closed"))
        else:
            if not self._asked:
                self._loop.call_soon(self._hand_over_soon, 0)
            self._asked.append(_Request(work, future))
        return future

    def _hand_over_soon(self, before: int) -> None:
        """Once a turn of the loop has asked for nothing more: each waking, each commit costs more than an insert."""
        if before < len(self._asked) < LARGEST_GROUP:
            self._loop.call_soon(self._hand_over_soon, len(self._asked))
        else:
            self._hand_over()

    def _hand_over(self) -> None:
        if self._asked:
            self._handed.put(self._asked)
            self._asked = []

    async def close(self) -> None:
        """Finish what was asked before."""
        self._closed = True
        self._hand_over()
        self._handed.put(None)
        await asyncio.to_thread(self._thread.join)
        self._db.close()
        self.files.close()

    def _run(self) -> None:
        open_ = True
        while open_:
            group, open_ = self._next_group()
            self._commit(group)
            with suppress(RuntimeError):  # the loop was closed without waiting
                self._loop.call_soon_threadsafe(_answer, group)

    def _next_group(self) -> tuple[list[_Request], bool]:
        """Wait for a request, and take all that have come meanwhile. False: it was the last one."""
        group: list[_Request] = []
        with suppress(queue.Empty):
            while len(group) < LARGEST_GROUP:
                asked = self._handed.get_nowait() if group else self._handed.get()
                if asked is None:
                    return group, False
                group += asked
        return group, True

    def _commit(self, group: list[_Request]) -> None:
        try:
            self._try(group)
        except JournalError as error:  # about the files: it is the same for all
            self._fail(group, error, whole=True)
        except sqlite3.Error as error:
            self._fail(group, self.files.failed(error), whole=is_for_all(error))
        except Exception as error:
            self._fail(group, error)

    def _try(self, group: list[_Request]) -> None:
        db = self._db
        self.files.look()
        try:
            self._begin()
            for request in group:
                request.result = request.work(db)
            db.execute("COMMIT")
            self.files.check_commit()
        finally:
            if db.in_transaction:
                db.execute("ROLLBACK")

    def _begin(self) -> None:
        """Wait for other processes' commits. They are short, and SQLite's own waiting soon sleeps for much longer."""
        deadline = time.monotonic() + database.BUSY_SECONDS
        while True:
            try:
                self._db.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if not is_busy(error) or time.monotonic() > deadline:
                    raise
                time.sleep(LOCKED_PAUSE)
            else:
                return

    def _fail(self, group: list[_Request], error: Exception, *, whole: bool = False) -> None:
        """Nothing of the group was done. Find out whom it was for: the others get another chance, in their order."""
        if len(group) > 1 and not whole:
            middle = len(group) // 2
            self._commit(group[:middle])
            self._commit(group[middle:])
            return
        for request in group:
            request.error = error


def _answer(group: list[_Request]) -> None:
    for request in group:
        if request.future.done():  # whoever asked has been cancelled
            continue
        if request.error is not None:
            request.future.set_exception(request.error)
        else:
            request.future.set_result(request.result)
