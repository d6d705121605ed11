"""Hearing of work: the job engine tells this process that a lane has some, at once or when its rest is over.

A job is no more than a hint. Which lane comes next is for `proofport.journal.scheduler` to say, and our own epoch sees
that one worker of all machines has it. Where a hint is lost, the lane is found a moment later.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.jobs import Status
from procrastinate.worker import Worker

from proofport.errors import JournalError
from proofport.journal import scheduler
from proofport.journal.postgres.database import explained, explaining
from proofport.journal.postgres.store import PostgresStore
from proofport.journal.postgres.wake import QUEUE
from proofport.logs import get_logger

POLL = 0.5
"""Seconds between two looks for what has become due; what is new is announced."""

SWEEP = 1.0
HEARTBEAT, STALLED = 5.0, 20.0
"""Seconds between two signs of life of a worker, and after which its jobs go to others; less where leases are short."""

HINTS = 4
"""Jobs at a time. They take no time."""

log = get_logger("journal")


@dataclass(frozen=True, slots=True)
class Hearing:
    """One process's worker of the job engine."""

    store: PostgresStore
    owner: str
    lease: float
    stop: asyncio.Event

    async def run(self) -> None:
        """Until `stop` is set."""
        sweeping = asyncio.create_task(self._sweep_again_and_again())
        try:
            while not self.stop.is_set():
                await self._run_worker()
        finally:
            sweeping.cancel()
            await asyncio.wait([sweeping])

    async def _run_worker(self) -> None:
        """A worker ends when PostgreSQL goes away: then another one is started."""
        worker: Any = Worker(
            self.store.waker.app,
            queues=[QUEUE],
            name=self.owner,
            concurrency=HINTS,
            fetch_job_polling_interval=POLL,
            delete_jobs="successful",
            install_signal_handlers=False,
            update_heartbeat_interval=min(HEARTBEAT, self.lease / 4),
            stalled_worker_timeout=self._stalled,
        )
        running, stopping = asyncio.create_task(worker.run()), asyncio.create_task(self.stop.wait())
        try:
            await asyncio.wait([running, stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            worker.stop()  # which lets it end what it has begun; see `cancellable` why it is not cancelled
            await asyncio.wait([running])
        if (error := running.exception()) is not None:
            if not isinstance(error, ConnectorException | psycopg.Error):
                raise error
            log.error("journal_unavailable", error=explained(error).message)
            await _pause(self.stop, scheduler.PAUSE)

    @property
    def _stalled(self) -> float:
        return min(STALLED, self.lease)

    # ------------------------------------------------------------------ what fell through
    async def _sweep_again_and_again(self) -> None:
        while not self.stop.is_set():
            try:
                await self._retry_stalled()
            except JournalError as error:
                log.warning("sweep_failed", error=error.message)
            await _pause(self.stop, SWEEP)

    async def _retry_stalled(self) -> None:
        """Give the jobs of workers that have died to others. The engine's own sweep may stall with its worker."""
        with explaining():
            for job in await self.store.waker.app.job_manager.get_stalled_jobs(
                queue=QUEUE, seconds_since_heartbeat=self._stalled
            ):
                if job.id is not None:
                    await self._retry(job.id)

    async def _retry(self, job: int) -> None:
        """Where another job waits for the lane already, one is enough."""
        manager = self.store.waker.app.job_manager
        try:
            await manager.retry_job_by_id_async(job, retry_at=datetime.now(UTC))
        except UniqueViolation:
            await manager.finish_job_by_id_async(job, status=Status.FAILED, delete_job=True)
        except ConnectorException as error:
            if not isinstance(error.__cause__, psycopg.errors.RaiseException):  # another sweep was first
                raise


async def _pause(end: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await end.wait()
