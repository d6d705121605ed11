"""What the journal and its lane runs work with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
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
        with explaining():
            async with self.pool.connection() as db, db.transaction():
                yield db

    async def rows(self, query: str, values: Values) -> list[Row]:
        """One statement, which is a transaction of its own."""
        with explaining():
            async with self.pool.connection() as db:
                return await (await db.execute(query, values)).fetchall()


async def rows_of(db: Db, query: str, values: Values) -> list[Row]:
    return await (await db.execute(query, values)).fetchall()


async def count_of(db: Db, query: str, values: Values) -> int:
    """How many rows a statement changed."""
    return (await db.execute(query, values)).rowcount


def shown(text: str | None) -> str | None:
    """Text that people read, without the one character that PostgreSQL cannot hold."""
    return text and text.replace("\x00", "\ufffd")
