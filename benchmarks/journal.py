"""Goal 15: the SQLite journal against its design written plainly (`baseline_journal`), in the same rounds.

What is counted over a time runs in processes of its own: `python -m benchmarks.journal WHAT product|baseline PATH …`.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from benchmarks.baseline_journal import BaselineJournal
from benchmarks.goals import Goal, peak_of_this_process
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
from proofport.journal.sqlite import SqliteJournal

ROUNDS = 5
FETCHES = 300
MANY, CHUNK = 1_000_000, 1_000


def journal_at(contender: str, path: str) -> Any:
    return SqliteJournal(path) if contender == "product" else BaselineJournal(Path(path))


# ------------------------------------------------------------------ what runs in a process of its own
async def queue_many(journal: Any) -> dict[str, float]:
    """Peak memory of a process that queues a million deliveries and reads the head of one lane."""
    for _ in range(MANY // CHUNK):
        await journal.accept([new(f"lane {n % 20}") for n in range(CHUNK)])
    await _fetch(journal)
    return {"MiB": peak_of_this_process()}


async def main(what: str, contender: str, path: str, pipe: str = "-1") -> None:
    journal = journal_at(contender, path)
    await journal.open()
    measurements: dict[str, Callable[[Any], Any]] = {"accept": accept, "queue_many": queue_many}
    if what == "work":
        await work(journal, int(pipe))
    else:
        print(orjson.dumps(await measurements[what](journal)).decode())
    await journal.close()


# ------------------------------------------------------------------ what starts the processes
def measured(what: str, contender: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.journal", what, contender, f"{folder}/journal"]
        result: dict[str, float] = orjson.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        return result


async def fetched() -> dict[str, float]:
    """Microseconds to claim a lane, read 16 deliveries and give it back, without a blocked lane and beside one.

    One fetch after the other of every journal in turn, so that all of them meet the same noise.
    """
    with tempfile.TemporaryDirectory() as folder:
        journals = {f"{c} {case}": journal_at(c, f"{folder}/{c} {case}") for c in CONTENDERS for case in CASES}
        taken: dict[str, list[float]] = {name: [] for name in journals}
        for name, journal in journals.items():
            await journal.open()
            await journal.accept([new(f"ready {n % 20}") for n in range(20 * TAKEN)])
            if name.endswith("beside"):
                await _block(journal)
        for _ in range(FETCHES):
            for name, journal in journals.items():
                started = time.perf_counter()
                await _fetch(journal)
                taken[name].append(time.perf_counter() - started)
        for journal in journals.values():
            await journal.close()
    return {name: statistics.median(times) * 1e6 for name, times in taken.items()}


async def _block(journal: Any) -> None:
    for _ in range(BLOCKED // CHUNK):
        await journal.accept([new("blocked")] * CHUNK)
    blocked = await journal.claim("blocked", owner="me", lease=60.0)
    await blocked.later((await blocked.take(1))[0], 3_600, Failure("vendor_unavailable"))
    await blocked.release()


async def _fetch(journal: Any) -> None:
    run = await journal.claim(owner="me", lease=60.0)
    assert len(await run.take(TAKEN)) == TAKEN
    await run.release()


def drained(contender: str, lanes: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/journal"
        asyncio.run(_make(contender, path))
        worker = [sys.executable, "-m", "benchmarks.journal", "work", contender, path]
        return drain_rate(worker, lambda: journal_at(contender, path), lanes)


async def _make(contender: str, path: str) -> None:
    journal = journal_at(contender, path)
    await journal.open()
    await journal.close()


def run() -> list[Goal]:
    figures: Figures = {}
    for _ in range(ROUNDS):
        note_round(figures, asyncio.run(fetched()), lambda contender: measured("accept", contender), drained)
    memory = {contender: [measured("queue_many", contender)["MiB"]] for contender in CONTENDERS}
    blocked = {each: _ratio(figures["beside"][each], figures["without"][each]) for each in CONTENDERS}
    return [
        *common_goals(figures),
        Goal(
            15,
            "fetch beside a blocked lane of 50,000 against none",
            "< 2x",
            f"{blocked['product']:.2f}x",
            f"the plain design: {blocked['baseline']:.2f}x",
            blocked["product"] < 2,
        ),
        goal("peak memory with 1,000,000 queued", memory, "{:.0f} MiB", less=True),
    ]


def _ratio(some: list[float], others: list[float]) -> float:
    return statistics.median(one / other for one, other in zip(some, others, strict=True))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
