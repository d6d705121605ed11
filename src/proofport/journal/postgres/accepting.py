"""Accepting: many requests to a transaction.

A commit costs the same whether it holds one request or hundreds, so whatever is asked while one commit runs goes into
the next one together. A group in which a request fails is halved until that one stands alone: it takes nothing from the
others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import errors

from proofport.errors import JournalError
from proofport.journal.postgres.accept import Answer, Request, accept
from proofport.journal.postgres.shared import Shared

LARGEST_GROUP = 512
TRIES = 5
"""Of a transaction that PostgreSQL ended because two waited for each other: for lanes and keys in another order."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    request: Request
    future: asyncio.Future[Answer]


class Acceptor:
    """Does what it is asked in the order it was asked, and answers when it is durable."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._waiting: list[_Waiting] = []
        self._news = asyncio.Event()
        self._closing = False
        self._task = asyncio.create_task(self._run(), name="journal-acceptor")

    def accept(self, request: Request) -> asyncio.Future[Answer]:
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        if self._closing:
            future.set_exception(JournalError("the journal is closed"))
        elif not request.deliveries:
            future.set_result(Answer([]))
        else:
            self._waiting.append(_Waiting(request, future))
            self._news.set()
        return future

    async def close(self) -> None:
        """Finish what was asked before."""
        self._closing = True
        self._news.set()
        await self._task

    async def _run(self) -> None:
        while self._waiting or not self._closing:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                await self._commit(self._next_group())

    def _next_group(self) -> list[_Waiting]:
        count, size = 0, 0
        for waiting in self._waiting:
            size += len(waiting.request.deliveries)
            if count and size > LARGEST_GROUP:
                break
            count += 1
        group, self._waiting = self._waiting[:count], self._waiting[count:]
        return group

    async def _commit(self, group: list[_Waiting]) -> None:
        try:
            answers = await self._accept([waiting.request for waiting in group])
        except JournalError as error:
            await self._fail(group, error, whole=isinstance(error.__cause__, errors.OperationalError))
        except Exception as error:
            await self._fail(group, error)
        else:
            for waiting, answer in zip(group, answers, strict=True):
                if not waiting.future.done():  # whoever asked has been cancelled
                    waiting.future.set_result(answer)

    async def _accept(self, requests: Sequence[Request]) -> list[Answer]:
        for left in reversed(range(TRIES)):
            try:
                async with self._shared.transaction() as db:
                    return await accept(self._shared, db, requests)
            except JournalError as error:
                if not left or not isinstance(error.__cause__, errors.DeadlockDetected):
                    raise
        raise AssertionError("unreachable")

    async def _fail(self, group: list[_Waiting], error: Exception, *, whole: bool = False) -> None:
        """Nothing of the group was done. Find out whom it was for: the others get another chance, in their order."""
        if len(group) > 1 and not whole:
            middle = len(group) // 2
            await self._commit(group[:middle])
            await self._commit(group[middle:])
            return
        for waiting in group:
            if not waiting.future.done():
                waiting.future.set_exception(error)
