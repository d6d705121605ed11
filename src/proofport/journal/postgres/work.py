"""Working on lanes: the job engine hands out a lane to one worker of all machines, our own epoch sees that it is so.

The engine's lock alone would not do: a worker that was frozen may end the job of the one that took its lane over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.jobs import Status
from procrastinate.worker import Worker

from proofport.errors import JournalError
from proofport.journal import scheduler
from proofport.journal.contract import LaneRun
from proofport.journal.postgres.database import explained, explaining
from proofport.journal.postgres.last_state import PostgresLaneRun
from proofport.journal.postgres.store import PostgresStore
from proofport.journal.postgres.wake import QUEUE
from proofport.journal.sql.steps import Hold, Query, Steps
from proofport.logs import get_logger

POLL = 0.5
"""Seconds between two looks for jobs whose time has come; new ones are announced."""

SWEEP = 1.0
HEARTBEAT, STALLED = 5.0, 20.0
"""Seconds between two signs of life of a worker, and after which its jobs go to others; less where leases are short."""

log = get_logger("journal")


@dataclass(frozen=True, slots=True)
class Work:
    """One process's share of the work. See `proofport.journal.contract.Lanes.work`."""

    store: PostgresStore
    drain: Callable[[LaneRun], Awaitable[None]]
    owner: str
    slots: int
    lease: float
    stop: asyncio.Event
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Until `stop` is set; running drains are brought to their end."""
        self.store.waker.drain = self._job
        sweeping = asyncio.create_task(self._sweep_again_and_again())
        try:
            while not self.stop.is_set():
                await self._run_worker()
        finally:
            self._over.set()
            await sweeping

    async def _run_worker(self) -> None:
        """A worker ends when PostgreSQL goes away: then another one is started."""
        worker: Any = Worker(
            self.store.waker.app,
            queues=[QUEUE],
            name=self.owner,
            concurrency=self.slots,
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

    # ------------------------------------------------------------------ one job
    async def _job(self, name: str) -> None:
        """Drain a lane, if it has work for us; a job never fails, for the lane says all that is to be known."""
        if job := asyncio.current_task():
            job.add_done_callback(_tell_whether_noted)
        try:
            claim = {"lane": name, "owner": self.owner, "lease": self.lease}
            rows = [] if self.stop.is_set() else await self.store.rows("claim_due", claim)
            if not rows:
                await self.store.write(reschedule, self.store, name)
            else:
                hold = Hold(*rows[0])
                await scheduler.drained(self.drain, PostgresLaneRun(self.store, hold, self.lease))
        except JournalError as error:
            log.error("journal_unavailable", lane=name, error=error.message)

    # ------------------------------------------------------------------ what fell through
    async def _sweep_again_and_again(self) -> None:
        while not self._over.is_set():
            try:
                await self._retry_stalled()
                for (lane,) in await self.store.rows("overlooked", {}):
                    await self.store.write(reschedule, self.store, lane)
            except JournalError as error:
                log.warning("sweep_failed", error=error.message)
            await _pause(self._over, SWEEP)

    async def _retry_stalled(self) -> None:
        """Give the jobs of workers that have died to others. The engine's own sweep may stall with its worker."""
        manager = self.store.waker.app.job_manager
        with explaining():
            stalled = await manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=self._stalled)
            jobs = [job.id for job in stalled if job.id is not None]
            orphaned = await self.store.rows("orphaned", {"stalled": self._stalled})
            for job in {*jobs, *(job for (job,) in orphaned)}:
                await self._retry(job)

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


def reschedule(store: PostgresStore, lane: str) -> Steps[None]:
    """Work out when a lane that a job could not claim may be claimed. Of one that is held, its owner takes care."""
    rows = yield Query("locked_lane", {"lane": lane})
    if rows and (yield Query("free_lane", {"number": rows[0][0]})):
        yield from store.scheduling(rows[0][0], lane)


async def _pause(end: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await end.wait()


def _tell_whether_noted(job: asyncio.Task[object]) -> None:
    """The engine asks nobody what became of a job whose end it could not note; the sweep finds it."""
    if not job.cancelled() and isinstance(error := job.exception(), Exception):
        log.error("journal_unavailable", error=explained(error).message)
