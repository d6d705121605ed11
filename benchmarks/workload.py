"""What the benchmarks of the journals have in common: the deliveries, the processes that drain them, the comparison."""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from benchmarks.goals import Goal
from proofport.journal.contract import IdempotencyRecord, NewDelivery

CONTENDERS = ("product", "baseline")
CASES = ("without", "beside")
ACCEPTS_IN_A_ROUND = 3
"""The tail of one second of acceptances hangs on a few commits: it takes many seconds to compare two tails."""
PAYLOAD = b'[{"id":"' + b"x" * 380 + b'"}]'
ACCEPTING, ACCEPT_SECONDS = 64, 1.0
SLOTS, CALL_SECONDS, WORKERS, TAKEN = 10, 0.005, 2, 16
IN_EACH_LANE, BLOCKED = 100, 50_000

Figures: TypeAlias = dict[str, dict[str, list[float]]]
"""Under the name of what was measured and of the contender, one figure a round."""


def new(lane: str) -> NewDelivery:
    return NewDelivery(lane, "somewhere", "device", "upsert", PAYLOAD, 1)


# ------------------------------------------------------------------ what runs in a process of its own
async def accept(journal: Any) -> dict[str, float]:
    """Durable acceptances, one delivery each, by many that wait for theirs."""
    taken: list[float] = []
    end = time.perf_counter() + ACCEPT_SECONDS

    async def one_after_the_other(number: int) -> None:
        while (started := time.perf_counter()) < end:
            record = IdempotencyRecord("default", f"{number}-{len(taken)}-{started}", b"", b"")
            await journal.accept([new(f"lane {number % 20}")], record=record)
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


# ------------------------------------------------------------------ what starts the processes
def drain_rate(worker: Sequence[str], journal: Callable[[], Any], lanes: int) -> float:
    """Deliveries a second of two worker processes, from the first to the last one done.

    `worker` is a command that takes the number of a pipe as its last argument; the journal is there already.
    """
    count = lanes * IN_EACH_LANE
    read_end, write_end = os.pipe()
    workers = [subprocess.Popen([*worker, str(write_end)], pass_fds=[write_end]) for _ in range(WORKERS)]
    os.close(write_end)
    _read(read_end, WORKERS)
    asyncio.run(_queue(journal(), lanes))
    _read(read_end, 1)
    started = time.perf_counter()
    _read(read_end, count - 1)
    seconds = time.perf_counter() - started
    for each in workers:
        each.terminate()
        each.wait()
    os.close(read_end)
    return (count - 1) / seconds


async def _queue(journal: Any, lanes: int) -> None:
    await journal.open()
    await journal.accept([new(f"lane {n % lanes}") for n in range(lanes * IN_EACH_LANE)])
    await journal.close()


def _read(pipe: int, count: int) -> None:
    while count:
        count -= len(os.read(pipe, count))


# ------------------------------------------------------------------ the comparison
def note_round(
    figures: Figures,
    fetches: dict[str, float],
    accepted: Callable[[str], dict[str, float]],
    drained: Callable[[str, int], float],
) -> None:
    """Measure every contender once, in turn. `fetches`: microseconds by contender and case."""

    def note(name: str, contender: str, figure: float) -> None:
        figures.setdefault(name, {}).setdefault(contender, []).append(figure)

    for contender in CONTENDERS * ACCEPTS_IN_A_ROUND:
        found = accepted(contender)
        note("accepted", contender, found["a second"])
        note("p99", contender, found["p99 ms"])
    for contender in CONTENDERS:
        for case in CASES:
            note(case, contender, fetches[f"{contender} {case}"])
        note("20 lanes", contender, drained(contender, 20))
        note("1 lane", contender, drained(contender, 1))


def common_goals(figures: Figures) -> list[Goal]:
    return [
        goal("durable acceptances a second", figures["accepted"], "{:,.0f}/s"),
        goal("99 of 100 acceptances within", figures["p99"], "{:.1f} ms", less=True),
        goal("deliveries a second, 20 lanes, 2 workers", figures["20 lanes"], "{:,.0f}/s"),
        goal("deliveries a second, one lane", figures["1 lane"], "{:.0f}/s"),
        goal("fetch beside a blocked lane of 50,000", figures["beside"], "{:.0f} µs", less=True),
    ]


def goal(name: str, figures: dict[str, list[float]], unit: str, *, less: bool = False) -> Goal:
    """The median of the ratios of each round; above 1 is better than the plain design, whatever is counted."""
    product, baseline = figures["product"], figures["baseline"]
    pairs = zip(product, baseline, strict=True)
    ratio = statistics.median(base / own if less else own / base for own, base in pairs)
    medians = [unit.format(statistics.median(numbers)) for numbers in (product, baseline)]
    detail = f"{medians[0]}, the plain design {medians[1]}; median of {len(product)} interleaved rounds"
    return Goal(15, name, ">= 0.8 of the plain design", f"{ratio:.2f}", detail, ratio >= 0.8)
