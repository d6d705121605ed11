"""The job engine's part in accepting: one job, a hint, waits for each lane that is awake.

https://procrastinate.readthedocs.io/en/stable/howto/advanced/queueing_locks.html
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued

from proofport.journal.postgres.database import Db, Pool

QUEUE = "proofport"
TASK = "proofport.drain"


class Waker:
    """Puts hints into the queue, as part of a transaction that holds the lane's row.

    `sleeping_job`: the query that finds the job of a lane, if it comes too late.
    """

    def __init__(self, sleeping_job: str) -> None:
        self._sleeping_job = sleeping_job.encode()
        self.app = App(connector=PsycopgConnector())
        #: Set when there may be something to do.
        self.news = asyncio.Event()
        self._task = self.app.task(name=TASK, queue=QUEUE)(self._run)

    async def open(self, pool: Pool) -> None:
        await self.app.open_async(pool)

    async def _run(self, lane: str) -> None:
        self.news.set()

    async def wake(self, db: Db, lane: str, delay: float) -> None:
        """See to it that a job for the lane runs in `delay` seconds, or before."""
        at = datetime.now(UTC) + timedelta(seconds=delay) if delay > 0 else None
        while True:
            try:
                async with db.transaction():
                    job = self._task.configure(queueing_lock=lane, schedule_at=at, connection=db)
                    await job.defer_async(lane=lane)
            except AlreadyEnqueued:
                if not await self._drop_sleeping(db, lane, delay):
                    return
            else:
                return

    async def _drop_sleeping(self, db: Db, lane: str, delay: float) -> bool:
        """True if a job that would have come later than that is gone."""
        row = await (await db.execute(self._sleeping_job, {"lane": lane, "delay": max(delay, 0.0)})).fetchone()
        if row is None:
            return False
        await self.app.job_manager.cancel_job_by_id_async(row[0], delete_job=True, connection=db)
        return True
