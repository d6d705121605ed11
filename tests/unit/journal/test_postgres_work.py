"""A worker on PostgreSQL ends when it is told to, at whatever moment that is."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from procrastinate.manager import JobManager
from tests.support.postgres import Database

from proofport.journal.contract import LaneRun
from proofport.journal.postgres import PostgresJournal
from proofport.journal.postgres.store import cancellable


async def test_a_worker_that_is_told_to_stop_while_it_starts_ends(
    postgres: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, register = asyncio.Event(), JobManager.register_worker

    async def told_meanwhile(manager: JobManager) -> int:
        stop.set()
        with suppress(asyncio.CancelledError):  # as asyncio.wait_for of Python 3.11 does when the answer comes, too
            for _ in range(10):
                await asyncio.sleep(0)
        return await register(manager)

    async def drain(run: LaneRun) -> None:
        raise AssertionError("there is nothing to drain")

    monkeypatch.setattr(JobManager, "register_worker", told_meanwhile)
    journal = PostgresJournal(postgres.empty())
    await journal.open()
    try:
        async with asyncio.timeout(20):
            await journal.work(drain, owner="me", slots=1, lease=30.0, stop=stop)
    finally:
        await journal.close()


async def test_a_cancellation_that_comes_together_with_the_answer_is_not_lost() -> None:
    answered = asyncio.Event()

    async def asked() -> None:
        with cancellable(), suppress(asyncio.CancelledError):  # as asyncio.wait_for of Python 3.11 does
            await answered.wait()

    asking = asyncio.create_task(asked())
    await asyncio.sleep(0)
    answered.set()
    asking.cancel()
    await asyncio.wait([asking])
    assert asking.cancelled()
