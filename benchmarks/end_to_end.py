"""Goals 6 and 7, and memory: a file of records, mapped, checked, batched and posted, on one core.

All contenders read the same file and post the same bodies in batches of 1,000 to the same sink, round by round. The
product does all that it does for a user: ids checked for duplicates, outcomes accounted for, every answer read.
`by hand` does nothing but what one writes for these twelve fields: it shows what a machine leaves to Python at all.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import aiohttp
import orjson

from benchmarks.data import CLOUD, cloud_by_hand, cloud_record, shapes
from benchmarks.goals import Goal, peak_of_this_process
from benchmarks.sink import Sink
from proofport.config import Config
from proofport.delivery import ledger
from proofport.delivery.ledger import Ledger
from proofport.delivery.report import Exit
from proofport.gateway import Gateway, Input

ROUNDS = 5
RECORDS = 500_000
SLOW_RECORDS = 5_000
MEMORY_RECORDS = (10_000, 1_000_000)
BATCH = 1000
KIND = "custom:instance"
ENVELOPE = b'{"schema_slug":"instance","vendor_slug":"acme","resource_data":[%s]}'
PATH = "/custom_connections/5f0c0c0e-0000-4000-8000-000000000001/data"


def run() -> list[Goal]:
    with tempfile.TemporaryDirectory() as name, Sink() as origin:
        folder = Path(name)
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        many, few = folder / "many.ndjson", folder / "few.ndjson"
        write_records(many, RECORDS)
        write_records(few, SLOW_RECORDS)
        contenders: dict[str, tuple[Path, int, Callable[[Path], None]]] = {
            "floor": (many, RECORDS, lambda file: asyncio.run(floor(file, origin))),
            "by hand": (many, RECORDS, lambda file: asyncio.run(by_hand(file, origin))),
            "proofport": (many, RECORDS, lambda file: push(file, origin, folder)),
            "unjournalled": (many, RECORDS, lambda file: push_unjournalled(file, origin, folder)),
            "naive": (few, SLOW_RECORDS, lambda file: asyncio.run(naive(file, origin))),
            "dlt": (few, SLOW_RECORDS, lambda file: dlt_run(file, origin, folder)),
        }
        each = {name: [] for name in contenders}  # type: dict[str, list[float]]
        for _ in range(ROUNDS):
            for name, (file, count, contender) in contenders.items():
                started = time.perf_counter()
                contender(file)
                each[name].append((time.perf_counter() - started) / count * 1e6)
        return [*_speed(each), _memory()]


def _speed(each: dict[str, list[float]]) -> list[Goal]:
    def ratio(other: str) -> float:
        return statistics.median(b / a for a, b in zip(each["proofport"], each[other], strict=True))

    hand = statistics.median(b / a for a, b in zip(each["by hand"], each["floor"], strict=True))
    hand_naive = statistics.median(b / a for a, b in zip(each["by hand"], each["naive"], strict=True))
    micro = {name: f"{statistics.median(times):.1f} µs a record" for name, times in each.items()}
    share, naively, by_dlt = ratio("floor"), ratio("naive"), ratio("dlt")
    limit = f"; by hand {micro['by hand']}: {hand:.0%} of the floor, {hand_naive:.1f}x the naive script"
    dearer = 1 / ratio("unjournalled") - 1
    mine = f"{micro['proofport']} against "
    return [
        Goal(
            6,
            "end to end against floor + same POSTs",
            ">= 45 %",
            f"{share:.0%}",
            mine + micro["floor"] + limit,
            share >= 0.45,
        ),
        Goal(
            7,
            "end to end against a naive batch script",
            ">= 12x",
            f"{naively:.1f}x",
            mine + micro["naive"],
            naively >= 12,
        ),
        Goal(
            15,
            "what journalling adds to a push",
            "<= 10 %",
            f"{dearer:+.1%}",
            mine + micro["unjournalled"],
            dearer <= 0.10,
        ),
        Goal(7, "end to end against a dlt destination", ">= 8x", f"{by_dlt:.1f}x", mine + micro["dlt"], by_dlt >= 8),
    ]


# ------------------------------------------------------------------ contenders
async def floor(file: Path, origin: str) -> None:
    """What no product can beat: decode each line, encode a ready body, post."""
    ready = cloud_by_hand(cloud_record(0, random.Random(1)))
    async with aiohttp.ClientSession(headers={"Authorization": "k s"}) as session:
        body, count = bytearray(), 0
        for line in file.open("rb", 1 << 18):
            orjson.loads(line)
            body += orjson.dumps(ready)
            body += b","
            count += 1
            if count == BATCH:
                await post(session, origin, ENVELOPE % bytes(body[:-1]))
                body, count = bytearray(), 0


async def by_hand(file: Path, origin: str) -> None:
    """The floor, with the mapping written by hand: nothing is checked, counted or written down."""
    async with aiohttp.ClientSession(headers={"Authorization": "k s"}) as session:
        body, count = bytearray(), 0
        for line in file.open("rb", 1 << 18):
            body += orjson.dumps(cloud_by_hand(orjson.loads(line)))
            body += b","
            count += 1
            if count == BATCH:
                await post(session, origin, ENVELOPE % bytes(body[:-1]))
                body, count = bytearray(), 0


async def naive(file: Path, origin: str) -> None:
    """The script people write: jsonpath-ng's find over parsed selectors, the standard library's json, a list."""
    [by_find] = [shape.by_find for shape in shapes(1) if shape.name == "cloud"]
    async with aiohttp.ClientSession(headers={"Authorization": "k s"}) as session:
        batch = []
        for line in file.open():
            batch.append(by_find(json.loads(line)))
            if len(batch) == BATCH:
                data = {"schema_slug": "instance", "vendor_slug": "acme", "resource_data": batch}
                await post(session, origin, json.dumps(data).encode())
                batch = []


async def post(session: aiohttp.ClientSession, origin: str, body: bytes) -> None:
    async with session.post(origin + PATH, data=body, headers={"Content-Type": "application/json"}) as answer:
        answer.raise_for_status()


def push(file: Path, origin: str, folder: Path) -> None:
    (folder / "sources").mkdir(exist_ok=True)
    mapping = CLOUD.replace("{evidence: cloud_resource}", f"{{evidence: {KIND!r}}}")
    (folder / "sources" / "bench.yaml").write_text(mapping)
    destination = {
        "adapter": "secureframe",
        "base_url": origin,
        "api_key": "k",
        "api_secret": "s",
        "connection_id": "5f0c0c0e-0000-4000-8000-000000000001",
        "vendor_slug": "acme",
        "requests_per_minute": 0,
        "batch_records": BATCH,
        "objects": {KIND: {"schema_slug": "instance", "defined": True}},
    }
    config = Config(
        instance="bench", journal=folder / "journal.sqlite3", mappings=folder, destinations={"sink": destination}
    )

    async def deliver() -> None:
        async with Gateway(config) as gateway:
            report = await gateway.push(Input(file, "bench.cloud"), to=["sink"])
        assert report.exit_code is Exit.OK, report.as_dict()

    asyncio.run(deliver())


def push_unjournalled(file: Path, origin: str, folder: Path) -> None:
    """The same push, with nothing digested and nothing written down of its batches."""

    async def nothing(*what: object) -> None:
        return None

    with (
        patch.object(Ledger, "done", nothing),
        patch.object(ledger, "bodies_of", lambda batch: []),
        patch.object(ledger, "batch_digest", lambda batch, bodies: b""),
    ):
        push(file, origin, folder)


def dlt_run(file: Path, origin: str, folder: Path) -> None:
    """The same mapping by hand in a dlt resource, a custom destination that posts."""
    os.environ |= {
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "DLT_DATA_DIR": str(folder / "dlt"),
        "RUNTIME__LOG_LEVEL": "ERROR",
    }
    import dlt  # the bench extra

    @dlt.destination(  # type: ignore[untyped-decorator]
        batch_size=BATCH, skip_dlt_columns_and_tables=True, naming_convention="direct", max_table_nesting=0
    )
    def sink(items: list[dict[str, object]], table: object) -> None:
        async def send() -> None:
            async with aiohttp.ClientSession(headers={"Authorization": "k s"}) as session:
                await post(session, origin, ENVELOPE % b",".join(map(orjson.dumps, items)))

        asyncio.run(send())

    @dlt.resource(name="instance")  # type: ignore[untyped-decorator]
    def instances() -> object:
        for line in file.open("rb"):
            yield cloud_by_hand(orjson.loads(line))

    dlt.pipeline("bench", destination=sink(), pipelines_dir=str(folder / "pipelines"), dev_mode=True).run(instances())


# ------------------------------------------------------------------ memory
def _memory() -> Goal:
    """Peak resident size of a push of few and of many records, each in a process of its own."""
    few, many = (_peak(count) for count in MEMORY_RECORDS)
    growth = many / few - 1
    return Goal(
        10,
        "peak memory of a push, 10,000 and 1,000,000 records",
        "<= 80 MB, within 5 %",
        f"{many:.0f} MB, {growth:+.1%}",
        f"{few:.1f} MB with 10,000 records, {many:.1f} MB with 1,000,000",
        many <= 80 and abs(growth) <= 0.05,
    )


def _peak(count: int) -> float:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.end_to_end", str(count)], check=True, capture_output=True, text=True
    )
    return float(done.stdout)


def write_records(file: Path, count: int) -> None:
    generator = random.Random(20260131)
    with file.open("wb") as out:
        for number in range(count):
            out.write(orjson.dumps(cloud_record(number, generator)) + b"\n")


def main() -> None:
    """Push so many records and print the peak resident size in MB."""
    with tempfile.TemporaryDirectory() as name, Sink() as origin:
        file = Path(name) / "records.ndjson"
        write_records(file, int(sys.argv[1]))
        push(file, origin, Path(name))
    print(peak_of_this_process())


if __name__ == "__main__":
    main()
