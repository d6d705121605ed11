"""The part that both journals' benchmarks share: the deliveries, the processes that drain them, the comparison."""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from benchmarks.goals import Base, Goal
from proofport.journal.contract import NewDelivery

CONTENDERS = ("product", "baseline")
ACCEPTS_IN_A_ROUND = 3
"""The tail of one second of acceptances hangs on a few commits: it takes many seconds to compare two tails."""
PAYLOAD = b'[{"id":"' + b"x" * 380 + b'"}]'
ACCEPTING, ACCEPT_SECONDS = 64, 1.0
SLOTS, CALL_SECONDS, WORKERS, TAKEN = 10, 0.005, 2, 16
IN_EACH_LANE = 100
LANES = (20, 1)


def new(lane: str) -> NewDelivery:
    return NewDelivery(lane, "somewhere", "device", "upsert", PAYLOAD, 1)


# ------------------------------------------------------------------ what runs in a process of its own
async def accept(journal: Any) -> dict[str, float]:
    """Durable acceptances, one delivery each, by many that wait for theirs."""
    taken: list[float] = []
    end = time.perf_counter() + ACCEPT_SECONDS

    async def one_after_the_other(number: int) -> None:
        while (started := time.perf_counter()) < end:
            await journal.accept([new(f"lane {number % 20}")])
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


async def in_process(journal: Any, what: str, pipe: str = "-1") -> None:
    """Measure once: print the figures of `accept`, or `work` until the process is told to end."""
    await journal.open()
    if what == "work":
        await work(journal, int(pipe))
    else:
        print(orjson.dumps(await accept(journal)).decode())
    await journal.close()


# ------------------------------------------------------------------ what starts the processes
def figures_of(command: Sequence[str]) -> dict[str, float]:
    """The figures that a process prints."""
    figures: dict[str, float] = orjson.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return figures


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
def compared(
    base: Base, rounds: int, accepted: Callable[[str], dict[str, float]], drained: Callable[[str, int], float]
) -> list[Goal]:
    """Measure every contender in turn, round by round."""
    figures: dict[str, dict[str, list[float]]] = {}

    def note(name: str, contender: str, figure: float) -> None:
        figures.setdefault(name, {}).setdefault(contender, []).append(figure)

    for _ in range(rounds):
        for contender in CONTENDERS * ACCEPTS_IN_A_ROUND:
            found = accepted(contender)
            note("accepted", contender, found["a second"])
            note("p99", contender, found["p99 ms"])
        for contender in CONTENDERS:
            for lanes in LANES:
                note(f"{lanes}", contender, drained(contender, lanes))
    return [
        _goal(base, "durable acceptances a second", figures["accepted"], "{:,.0f}/s"),
        _goal(base, "99 of 100 acceptances within", figures["p99"], "{:.1f} ms", less=True),
        *(_goal(base, f"deliveries a second, {lanes} lanes", figures[f"{lanes}"], "{:,.0f}/s") for lanes in LANES),
    ]


def _goal(base: Base, name: str, figures: dict[str, list[float]], unit: str, *, less: bool = False) -> Goal:
    """The median of the rounds' ratios. Above 1 is better than the plain design, whatever is counted."""
    product, baseline = figures["product"], figures["baseline"]
    pairs = zip(product, baseline, strict=True)
    ratio = statistics.median(other / own if less else own / other for own, other in pairs)
    medians = [unit.format(statistics.median(numbers)) for numbers in (product, baseline)]
    detail = f"{medians[0]}, the plain design {medians[1]}; median of {len(product)} interleaved rounds"
    return base.goal(f"{name}, against the plain design", ratio, detail)
