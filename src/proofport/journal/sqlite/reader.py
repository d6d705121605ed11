"""Reading beside the writer: WAL readers see the last commit and block nobody."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from proofport.errors import JournalError
from proofport.journal.sqlite.database import connect, explained

T = TypeVar("T")


class Reader:
    """One query-only connection in a thread of its own, made when it is first used.

    Each statement sees one state of the journal.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
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
                self._db = connect(self._path, query_only=True)
            return question(self._db)
        except sqlite3.Error as error:
            raise explained(error) from error

    async def close(self) -> None:
        self._closed = True
        await asyncio.to_thread(self._thread.shutdown)
        if self._db is not None:
            self._db.close()
