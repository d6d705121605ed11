"""Goal 15: the SQLite journal against its design written plainly (`baseline_journal`), in the same rounds.

What is counted over a time runs in processes of its own: `python -m benchmarks.journal WHAT product|baseline PATH …`.
"""

from __future__ import annotations

import asyncio
import os
import resource
import signal
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
from benchmarks.goals import Goal
from proofport.journal.contract import Failure, NewDelivery
from proofport.journal.sqlite import SqliteJournal

ROUNDS = 5
ACCEPTS_IN_A_ROUND = 3
"""The tail of one second of acceptances hangs on a few commits: it takes many seconds to compare two tails."""
CONTENDERS = ("product", "baseline")
CASES = ("without", "beside")
PAYLOAD = b'[{"id":"' + b"x" * 380 + b'"}]'
ACCEPTING, ACCEPT_SECONDS = 64, 1.0
SLOTS, CALL_SECONDS, WORKERS, TAKEN = 10, 0.005, 2, 16
IN_EACH_LANE, BLOCKED, FETCHES = 100, 50_000, 300
MANY, CHUNK = 1_000_000, 1_000
MIB = 1024


def journal_at(contender: str, path: str) -> Any:
    return SqliteJournal(path) if contender == "product" else BaselineJournal(Path(path))


def new(lane: str, key: str | None = None) -> NewDelivery:
    return NewDelivery(lane, "somewhere", "device", "upsert", PAYLOAD, 1, key)


# ------------------------------------------------------------------ what runs in a process of its own
async def accept(journal: Any) -> dict[str, float]:
    """Durable acceptances, one delivery each, by many that wait for theirs."""
    taken: list[float] = []
    end = time.perf_counter() + ACCEPT_SECONDS

    async def one_after_the_other(number: int) -> None:
        while (started := time.perf_counter()) < end:
            await journal.accept([new(f"lane {number % 20}", f"{number}-{len(taken)}-{started}")])
            taken.append(time.perf_counter() - started)

    await asyncio.gather(*(one_after_the_other(number) for number in range(ACCEPTING)))
    return {"a second": len(taken) / ACCEPT_SECONDS, "p99 ms": statistics.quantiles(taken, n=100)[98] * 1000}


async def work(journal: Any, pipe: int) -> None:
    """Deliver to a vendor that takes 5 ms, and write one byte of `pipe` per delivery."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)

    async def drain(run: Any) -> None:
        while deliveries := await run.take(TAKEN):
            for delivery in deliveries:
                await asyncio.sleep(CALL_SECONDS)
                await run.done(delivery, "[]")
                os.write(pipe, b".")

    os.write(pipe, b"r")
    await journal.work(drain, owner=str(os.getpid()), slots=SLOTS, lease=30.0, stop=stop)


async def queue_many(journal: Any) -> dict[str, float]:
    """Peak memory of a process that queues a million deliveries and reads the head of one lane."""
    for _ in range(MANY // CHUNK):
        await journal.accept([new(f"lane {n % 20}") for n in range(CHUNK)])
    await _fetch(journal)
    return {"MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB}


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
    """Deliveries a second of two worker processes, from the first to the last one done."""
    count = lanes * IN_EACH_LANE
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/journal"
        asyncio.run(_queue(contender, path, 0))
        read_end, write_end = os.pipe()
        command = [sys.executable, "-m", "benchmarks.journal", "work", contender, path, str(write_end)]
        workers = [subprocess.Popen(command, pass_fds=[write_end]) for _ in range(WORKERS)]
        os.close(write_end)
        _read(read_end, WORKERS)
        asyncio.run(_queue(contender, path, lanes))
        _read(read_end, 1)
        started = time.perf_counter()
        _read(read_end, count - 1)
        seconds = time.perf_counter() - started
        for worker in workers:
            worker.terminate()
            worker.wait()
        os.close(read_end)
    return (count - 1) / seconds


async def _queue(contender: str, path: str, lanes: int) -> None:
    journal = journal_at(contender, path)
    await journal.open()
    await journal.accept([new(f"lane {n % lanes}") for n in range(lanes * IN_EACH_LANE)])
    await journal.close()


def _read(pipe: int, count: int) -> None:
    while count:
        count -= len(os.read(pipe, count))


def run() -> list[Goal]:
    figures: dict[str, dict[str, list[float]]] = {}

    def note(name: str, contender: str, figure: float) -> None:
        figures.setdefault(name, {}).setdefault(contender, []).append(figure)

    for _ in range(ROUNDS):
        fetches = asyncio.run(fetched())
        for contender in CONTENDERS * ACCEPTS_IN_A_ROUND:
            accepted = measured("accept", contender)
            note("accepted", contender, accepted["a second"])
            note("p99", contender, accepted["p99 ms"])
        for contender in CONTENDERS:
            note("fetch", contender, fetches[f"{contender} beside"])
            note("blocked", contender, fetches[f"{contender} beside"] / fetches[f"{contender} without"])
            note("20 lanes", contender, drained(contender, 20))
            note("1 lane", contender, drained(contender, 1))
    for contender in CONTENDERS:
        note("memory", contender, measured("queue_many", contender)["MiB"])
    blocked = statistics.median(figures["blocked"]["product"])
    return [
        _goal("durable acceptances a second", figures["accepted"], "{:,.0f}/s"),
        _goal("99 of 100 acceptances within", figures["p99"], "{:.1f} ms", less=True),
        _goal("deliveries a second, 20 lanes, 2 workers", figures["20 lanes"], "{:,.0f}/s"),
        _goal("deliveries a second, one lane", figures["1 lane"], "{:.0f}/s"),
        _goal("fetch beside a blocked lane of 50,000", figures["fetch"], "{:.0f} µs", less=True),
        Goal(
            15,
            "fetch beside a blocked lane of 50,000 against none",
            "< 2x",
            f"{blocked:.2f}x",
            f"the plain design: {statistics.median(figures['blocked']['baseline']):.2f}x",
            blocked < 2,
        ),
        _goal("peak memory with 1,000,000 queued", figures["memory"], "{:.0f} MiB", less=True),
    ]


def _goal(name: str, figures: dict[str, list[float]], unit: str, *, less: bool = False) -> Goal:
    """The median of the ratios of each round; above 1 is better than the plain design, whatever is counted."""
    product, baseline = figures["product"], figures["baseline"]
    pairs = zip(product, baseline, strict=True)
    ratio = statistics.median(base / own if less else own / base for own, base in pairs)
    medians = [unit.format(statistics.median(numbers)) for numbers in (product, baseline)]
    detail = f"{medians[0]}, the plain design {medians[1]}; median of {len(product)} interleaved rounds"
    return Goal(15, name, ">= 0.8 of the plain design", f"{ratio:.2f}", detail, ratio >= 0.8)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
