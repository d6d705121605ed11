"""Goal 15, on many machines: the journal on PostgreSQL against its design written plainly, in the same rounds.

Each has a database of its own on one durable server, which is started for it. What is counted over a time runs in
processes of its own: `python -m benchmarks.postgres WHAT product|baseline URL …`.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from contextlib import AsyncExitStack
from typing import Any

import orjson
from procrastinate.jobs import Status
from tests.postgres import Server, database

from benchmarks.baseline_postgres import BaselinePostgres
from benchmarks.goals import Goal
from benchmarks.workload import (
    BLOCKED,
    CASES,
    CONTENDERS,
    TAKEN,
    Figures,
    accept,
    common_goals,
    drain_rate,
    goal,
    new,
    note_round,
    work,
)
from proofport.journal.contract import Failure
from proofport.journal.postgres import PostgresJournal
from proofport.journal.postgres.last_state import PostgresLaneRun
from proofport.journal.postgres.wake import QUEUE
from proofport.journal.postgres.work import reschedule
from proofport.journal.sql.steps import Hold

ROUNDS = 3
READY, FETCHES, CHUNK = 300, 250, 500


def journal_at(contender: str, url: str) -> Any:
    return PostgresJournal(url) if contender == "product" else BaselinePostgres(url)


# ------------------------------------------------------------------ what runs in a process of its own
async def main(what: str, contender: str, url: str, pipe: str = "-1") -> None:
    journal = journal_at(contender, url)
    await journal.open()
    if what == "work":
        await work(journal, int(pipe))
    else:
        print(orjson.dumps(await accept(journal)).decode())
    await journal.close()


# ------------------------------------------------------------------ what starts the processes
def measured(contender: str, server: str) -> dict[str, float]:
    with database(server) as url:
        asyncio.run(journal_at(contender, url).migrate())
        command = [sys.executable, "-m", "benchmarks.postgres", "accept", contender, url]
        result: dict[str, float] = orjson.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        return result


def drained(contender: str, server: str, lanes_of: int) -> float:
    with database(server) as url:
        asyncio.run(journal_at(contender, url).migrate())
        worker = [sys.executable, "-m", "benchmarks.postgres", "work", contender, url]
        return drain_rate(worker, lambda: journal_at(contender, url), lanes_of)


async def fetched(server: str) -> dict[str, float]:
    """Microseconds to get a job, take its lane and read 16 deliveries, without a blocked lane and beside one.

    One fetch after the other of both journals in turn, so that both meet the same noise.
    """
    names = [f"{contender} {case}" for contender in CONTENDERS for case in CASES]
    taken: dict[str, list[float]] = {name: [] for name in names}
    async with AsyncExitStack() as stack:
        journals = {}
        for name in names:
            journal = journal_at(name.split()[0], stack.enter_context(database(server)))
            await journal.migrate()
            await journal.open()
            stack.push_async_callback(journal.close)
            await _fill(journal, blocked=name.endswith("beside"))
            journals[name] = journal, await _app(journal).job_manager.register_worker()
        for _ in range(FETCHES):
            for name, (journal, worker) in journals.items():
                started = time.perf_counter()
                assert await _fetch(journal, worker) == TAKEN
                taken[name].append(time.perf_counter() - started)
    return {name: statistics.median(times) * 1e6 for name, times in taken.items()}


async def _fill(journal: Any, *, blocked: bool) -> None:
    if blocked:
        for _ in range(BLOCKED // CHUNK):
            await journal.accept([new("blocked")] * CHUNK)
        await _block(journal)
    for first in range(0, READY, 20):
        await journal.accept([new(f"ready {first + n % 20}") for n in range(20 * TAKEN)])


async def _block(journal: Any) -> None:
    """Let the lane rest for an hour, and a job come when that is over."""
    if isinstance(journal, BaselinePostgres):
        await journal.block("blocked")
        return
    run = await journal.claim("blocked", owner="me", lease=60.0)
    [delivery] = await run.take(1)
    await run.later(delivery, 3_600, Failure("vendor_unavailable"))
    await run.release()
    worker = await _app(journal).job_manager.register_worker()
    await _app(journal).job_manager.finish_job(
        await _app(journal).job_manager.fetch_job([QUEUE], worker), Status.SUCCEEDED, True
    )
    await journal._store.write(reschedule, journal._store, "blocked")


def _app(journal: Any) -> Any:
    return journal.app if isinstance(journal, BaselinePostgres) else journal._store.waker.app


async def _fetch(journal: Any, worker: int) -> int:
    if isinstance(journal, BaselinePostgres):
        return await journal.fetch(worker, TAKEN)
    store = journal._store
    job = await store.waker.app.job_manager.fetch_job([QUEUE], worker)
    [row] = await store.rows("claim_due", {"lane": job.task_kwargs["lane"], "owner": "me", "lease": 60.0})
    return len(await PostgresLaneRun(store, Hold(*row), 60.0).take(TAKEN))


def run() -> list[Goal]:
    figures: Figures = {}
    own = Server.new(durable=True)
    try:
        for _ in range(ROUNDS):
            note_round(
                figures,
                asyncio.run(fetched(own.url)),
                lambda contender: measured(contender, own.url),
                lambda contender, lanes_of: drained(contender, own.url, lanes_of),
            )
    finally:
        own.delete()
    return [
        *common_goals(figures),
        goal("fetch without a blocked lane", figures["without"], "{:.0f} µs", less=True),
    ]


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
