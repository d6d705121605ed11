"""What the journal and its lane runs work with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

from proofport.journal.postgres.database import Db, Pool, explaining
from proofport.journal.postgres.wake import Waker

Row: TypeAlias = tuple[Any, ...]
Values: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Shared:
    """An open journal. `clock` None: the server's, which all machines share."""

    pool: Pool
    waker: Waker
    clock: Callable[[], float] | None

    def now(self) -> float | None:
        """For `journal_now`: None asks the server's clock."""
        return self.clock() if self.clock else None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Db]:
        with explaining(), cancellable():
            async with self.pool.connection() as db, db.transaction():
                yield db

    async def rows(self, query: str, values: Values) -> list[Row]:
        """One statement, which is a transaction of its own."""
        with explaining(), cancellable():
            async with self.pool.connection() as db:
                return await (await db.execute(query, values)).fetchall()


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


async def rows_of(db: Db, query: str, values: Values) -> list[Row]:
    return await (await db.execute(query, values)).fetchall()


async def count_of(db: Db, query: str, values: Values) -> int:
    """How many rows a statement changed."""
    return (await db.execute(query, values)).rowcount


def shown(text: str | None) -> str | None:
    """Text that people read, without the one character that PostgreSQL cannot hold."""
    return text and text.replace("\x00", "\ufffd")
