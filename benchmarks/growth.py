"""Row 23: what stays the same while there is more: accepting and fetching beside many deliveries, and planning.

`python -m benchmarks.growth queue COUNT` and `… plan COUNT INPUT ORIGIN` measure once, in a process of its own.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from benchmarks.goals import GROWTH, GROWTH_MEMORY, GROWTH_PEAK, Goal, peak_of_this_process
from benchmarks.serving import on_first_core, serving
from benchmarks.workload import TAKEN, figures_of, new
from proofport.config import Config
from proofport.gateway import Gateway, Input
from proofport.journal.sqlite import SqliteJournal

ROUNDS = 5
WAITING = (1_000, 1_000_000)
LISTED = (100_000, 1_000_000)
ACCEPTED, CHUNK = 300, 1_000
PAGE_SIZE = 500
EACH_CHANGED = 100
"""One record of so many differs from the listed one."""
KIND = "cloud_resource"
RESOURCE = 101
STRIDE = 7_919
"""The vendor lists in another order than the input has: the records are this far apart. A prime, so that all come."""


def run() -> list[Goal]:
    return [*_queue(), *_plan()]


# ------------------------------------------------------------------ a queue in which many deliveries wait
def _queue() -> list[Goal]:
    times = asyncio.run(_interleaved())
    few, many = (_measured("queue", count)["peak"] for count in WAITING)
    return [
        *(_times_goal(f"{what} beside {WAITING[1]:,} waiting deliveries", *times[what]) for what in times),
        *_memory_goals(f"with {WAITING[1]:,} waiting deliveries", few, many),
    ]


async def _interleaved() -> dict[str, tuple[list[float], list[float]]]:
    """Microseconds of an acceptance and of a fetch, with few and with many waiting, in turn."""
    times: dict[str, tuple[list[float], list[float]]] = {"accept": ([], []), "fetch": ([], [])}
    with tempfile.TemporaryDirectory() as folder:
        journals = [await _filled(Path(folder, str(count)), count) for count in WAITING]
        for _ in range(ACCEPTED):
            for which, journal in enumerate(journals):
                started = time.perf_counter()
                await journal.accept([new("lane 0")])
                accepted = time.perf_counter()
                await _fetch(journal)
                times["accept"][which].append((accepted - started) * 1e6)
                times["fetch"][which].append((time.perf_counter() - accepted) * 1e6)
        for journal in journals:
            await journal.close()
    return times


async def _filled(path: Path, count: int) -> SqliteJournal:
    journal = SqliteJournal(path)
    await journal.open()
    for first in range(0, count, CHUNK):
        await journal.accept([new(f"lane {number % 20}") for number in range(first, first + CHUNK)])
    return journal


async def _fetch(journal: Any) -> None:
    """Claim a lane, read its first deliveries, give it back."""
    lane = await journal.claim(owner="me", lease=60.0)
    assert len(await lane.take(TAKEN)) == TAKEN
    await lane.release()


async def _peak_of_queue(count: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        journal = await _filled(Path(folder, "journal"), count)
        await _fetch(journal)
        await journal.close()
    return {"peak": peak_of_this_process()}


# ------------------------------------------------------------------ a plan over many listed records
def _plan() -> list[Goal]:
    on_first_core()
    figures: dict[int, list[Mapping[str, float]]] = {count: [] for count in LISTED}
    with tempfile.TemporaryDirectory() as folder, serving(vendor) as (origin, _):
        files = {count: _input(Path(folder, f"{count}.ndjson"), count) for count in LISTED}
        for _ in range(ROUNDS):
            for count, file in files.items():
                figures[count].append(_measured("plan", count, str(file), origin))
    few, many = ([each["wall"] for each in figures[count]] for count in LISTED)
    used = [statistics.median(each["processor"] for each in figures[count]) for count in LISTED]
    peaks = [max(each["peak"] for each in figures[count]) for count in LISTED]
    name = f"plan of {LISTED[1]:,} listed records"
    more = f"; by processor time {used[1] / used[0]:.2f}x"
    return [_times_goal(f"{name}, time of a record", few, many, more), *_memory_goals(name, *peaks)]


def _input(file: Path, count: int) -> Path:
    """As many records as the vendor lists. Some differ from theirs."""
    with file.open("wb") as out:
        for number in range(count):
            out.write(b"{%b}\n" % _fields(number, b"running" if number % EACH_CHANGED else b"stopped"))
    return file


def _fields(number: int, state: bytes) -> bytes:
    """The members that a record has in the input and at the vendor. The ids are in no order."""
    scattered = number * 0x9E3779B97F4A7C15 % 2**64
    return (
        b'"id":"i-%016x","type":"aws.ec2.instance","provider":"aws","account_id":"123456789012","region":"eu-west-1",'
        b'"name":"web-%d","description":"t3.medium of the shop","state":"%b","encrypted":true'
        % (scattered, number, state)
    )


async def vendor(pipe: Connection) -> None:
    """Serves Drata's list of live records (OpenAPI v2), 500 a page, made as they are asked for.

    A connection holds as many records as its number says, so one server does for all counts.
    """

    async def page(request: web.Request) -> web.Response:
        assert request.query["size"] == str(PAGE_SIZE)
        count, start = int(request.match_info["count"]), int(request.query.get("cursor", "0"))
        end = min(start + PAGE_SIZE, count)
        rows = b",".join(_row(number * STRIDE % count) for number in range(start, end))
        cursor = b'"%d"' % end if end < count else b"null"
        body = b'{"data":[%b],"pagination":{"cursor":%b}}' % (rows, cursor)
        return web.Response(body=body, content_type="application/json")

    application = web.Application()
    application.router.add_get(f"/public/v2/custom-connections/{{count}}/resources/{RESOURCE}/records", page)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    pipe.send(f"http://127.0.0.1:{runner.addresses[0][1]}")
    await asyncio.Event().wait()


def _row(number: int) -> bytes:
    fields = _fields(number, b"running")
    own_id, _, _ = fields.partition(b",")
    return (
        b'{%b,"attributes":{%b,"display_name":"web-%d"},"sessionId":"pp-12345678-bench",'
        b'"createdAt":"2026-01-31T09:00:00.000Z","updatedAt":"2026-01-31T09:00:00.000Z"}' % (own_id, fields, number)
    )


async def _planned(count: int, file: str, origin: str) -> dict[str, float]:
    """Microseconds a record, by the clock on the wall and of the processor, and the peak of this process in MB."""
    resource = {"connection_id": count, "resource_id": RESOURCE}
    drata = {"adapter": "drata", "base_url": origin, "api_key": "k", "requests_per_minute": 0}
    destinations = {"drata": {**drata, "objects": {KIND: resource}}}
    with tempfile.TemporaryDirectory() as folder:
        async with Gateway(
            Config(instance="bench", journal=Path(folder, "journal"), destinations=destinations)
        ) as gateway:
            started, before = time.perf_counter(), time.process_time()
            plan = await gateway.plan(Input(file), to="drata", kind=KIND, mode="snapshot")
            taken, used = time.perf_counter() - started, time.process_time() - before
    found = plan.destinations["drata"]
    different, changed = found.difference, count // EACH_CHANGED
    counts = different.changed.count, different.unchanged, found.gone.count
    assert counts == (changed, count - changed, 0), found.as_dict()
    return {"wall": taken / count * 1e6, "processor": used / count * 1e6, "peak": peak_of_this_process()}


# ------------------------------------------------------------------ what both have in common
def _measured(what: str, count: int, *more: str) -> dict[str, float]:
    """The figures of a process of its own."""
    return figures_of([sys.executable, "-m", "benchmarks.growth", what, str(count), *more])


def _times_goal(name: str, few: Sequence[float], many: Sequence[float], more: str = "") -> Goal:
    """The median of the rounds' ratios."""
    ratio = statistics.median(one / other for one, other in zip(many, few, strict=True))
    detail = (
        f"{statistics.median(many):,.1f} us against {statistics.median(few):,.1f} us with few; {len(few)} rounds{more}"
    )
    return GROWTH.goal(name, ratio, detail)


def _memory_goals(name: str, few: float, many: float) -> list[Goal]:
    detail = f"{many:.1f} MB against {few:.1f} MB with few"
    return [
        GROWTH_PEAK.goal(f"{name}, peak memory", max(few, many), detail),
        GROWTH_MEMORY.goal(f"{name}, growth of the memory", abs(many / few - 1) * 100, detail),
    ]


def main(what: str, count: str, *more: str) -> None:
    measured = _planned(int(count), *more) if what == "plan" else _peak_of_queue(int(count))
    print(orjson.dumps(asyncio.run(measured)).decode())


if __name__ == "__main__":
    main(*sys.argv[1:])
