"""Rows 6 and 7: a file of records, mapped, checked, batched and posted, on one core.

Contenders run in turn, round by round, over the same records. The floor, proofport and dlt post the same bodies in
batches of 1,000 to the same sink; jq and Node do the mapping alone, and write it to nowhere. proofport does all that it
does for a user: ids are checked for duplicates, every record has its outcome, every answer is read, every batch is
written into the journal. Each contender has a process of its own and one run before the first round, so that neither
what another one imports nor its own imports change its figure.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import aiohttp
import orjson

from benchmarks.data import CLOUD, cloud_by_hand, cloud_record
from benchmarks.goals import DLT, JQ, NODE, PUSH, Base, Goal
from benchmarks.serving import on_first_core, serving
from benchmarks.sink import sink
from proofport.config import Config
from proofport.delivery.report.report import Exit
from proofport.gateway import Gateway, Input

ROUNDS = 11
RECORDS = 200_000
DLT_RECORDS = 5_000
"""The start of its pipeline counts, as it did when the base was set. With ten times as many, a record costs a third
less."""
JQ_RECORDS = 20_000
BATCH = 1000
KIND = "custom:instance"
CONNECTION = "5f0c0c0e-0000-4000-8000-000000000001"
ENVELOPE = b'{"schema_slug":"instance","vendor_slug":"acme","resource_data":[%s]}'
PATH = f"/custom_connections/{CONNECTION}/data"
OTHERS = {
    "jq": ["jq", "--compact-output", "--from-file", str(Path(__file__).with_name("cloud.jq"))],
    "node": ["node", str(Path(__file__).with_name("cloud.js"))],
}
"""The same mapping for other programs; they are given the file as the last argument."""


def run() -> list[Goal]:
    with tempfile.TemporaryDirectory() as name, serving(sink) as (origin, _):
        folder = Path(name)
        on_first_core()
        many, some, few = (folder / f"{count}.ndjson" for count in (RECORDS, JQ_RECORDS, DLT_RECORDS))
        for file, count in ((many, RECORDS), (some, JQ_RECORDS), (few, DLT_RECORDS)):
            write_records(file, count)
        contenders: dict[str, tuple[Path, int, Callable[[Path, str, Path], None]]] = {
            "floor": (many, RECORDS, floor),
            "proofport": (many, RECORDS, push),
            "dlt": (few, DLT_RECORDS, dlt_run),
        }
        if here("jq"):
            contenders["jq"] = (some, JQ_RECORDS, partial(convert, "jq"))
        if here("node"):
            contenders["node"] = (many, RECORDS, partial(convert, "node"))
        taken: dict[str, list[Taken]] = {name: [] for name in contenders}
        with ExitStack() as stack:
            spawn = multiprocessing.get_context("spawn")
            processes = {name: stack.enter_context(ProcessPoolExecutor(1, spawn)) for name in contenders}
            for name, (_, _, contender) in contenders.items():
                processes[name].submit(contender, few, origin, folder).result()
            for _ in range(ROUNDS):
                for name, (file, count, contender) in contenders.items():
                    work = partial(contender, file, origin, folder)
                    taken[name].append(processes[name].submit(timed, work, count).result())
        return list(_goals(taken))


@dataclass(frozen=True, slots=True)
class Taken:
    """Microseconds a record in one round."""

    #: By the clock on the wall. The figures are made from it.
    wall: float
    #: Of the processor, in this process and those that it started. It tells how busy the machine was.
    processor: float


def timed(contender: Callable[[], None], count: int) -> Taken:
    started, before = time.perf_counter(), sum(os.times()[:4])
    contender()
    return Taken((time.perf_counter() - started) / count * 1e6, (sum(os.times()[:4]) - before) / count * 1e6)


def _goals(taken: Mapping[str, Sequence[Taken]]) -> Iterator[Goal]:
    def ratio(other: str, which: Callable[[Taken], float]) -> float:
        pairs = zip(taken["proofport"], taken[other], strict=True)
        return statistics.median(which(theirs) / which(ours) for ours, theirs in pairs)

    def goal(base: Base, name: str, other: str, scale: float = 1) -> Goal:
        ours, theirs = (statistics.median(each.wall for each in taken[which]) for which in ("proofport", other))
        by_processor = ratio(other, lambda each: each.processor) * scale
        detail = f"{ours:.1f} us a record against {theirs:.1f}; by processor time {by_processor:.3g}{base.unit}"
        return base.goal(name, ratio(other, lambda each: each.wall) * scale, detail)

    def versus(base: Base, what: str, other: str) -> Goal:
        name = f"a whole push against {what}"
        return goal(base, name, other) if other in taken else base.skipped(name, f"{other} is not installed")

    yield goal(PUSH, "a push against decoding, encoding and the same requests", "floor", 100)
    yield versus(DLT, "a dlt custom destination", "dlt")
    yield versus(JQ, "the mapping alone by jq -c", "jq")
    yield versus(NODE, "the mapping alone by hand-written Node", "node")


def write_records(file: Path, count: int) -> None:
    generator = random.Random(20260131)
    with file.open("wb") as out:
        for number in range(count):
            out.write(orjson.dumps(cloud_record(number, generator)) + b"\n")


# ------------------------------------------------------------------ contenders
def floor(file: Path, origin: str, _: Path) -> None:
    """The work that no product is spared: decode each line, encode a ready body, post."""
    asyncio.run(_floor(file, origin))


async def _floor(file: Path, origin: str) -> None:
    ready = cloud_by_hand(cloud_record(0, random.Random(1)))
    async with aiohttp.ClientSession(headers={"Authorization": "k s"}) as session:
        body, count = bytearray(), 0
        for line in lines_of(file):
            orjson.loads(line)
            body += orjson.dumps(ready)
            body += b","
            count += 1
            if count == BATCH:
                await post(session, origin, ENVELOPE % bytes(body[:-1]))
                body, count = bytearray(), 0


def lines_of(file: Path) -> Iterator[bytes]:
    with file.open("rb", 1 << 18) as lines:
        yield from lines


async def post(session: aiohttp.ClientSession, origin: str, body: bytes) -> None:
    async with session.post(origin + PATH, data=body, headers={"Content-Type": "application/json"}) as answer:
        answer.raise_for_status()


def push(
    file: Path, origin: str, folder: Path, mapping: str = CLOUD, source: str = "bench.cloud", *, key: Path | None = None
) -> None:
    """A push as a user makes it. `mapping` is the text of a source mapping to cloud resources. `key` signs receipts."""
    (folder / "sources").mkdir(exist_ok=True)
    (folder / "sources" / "bench.yaml").write_text(
        mapping.replace("{evidence: cloud_resource}", f"{{evidence: {KIND!r}}}")
    )
    destination = {
        "adapter": "secureframe",
        "base_url": origin,
        "api_key": "k",
        "api_secret": "s",
        "connection_id": CONNECTION,
        "vendor_slug": "acme",
        "requests_per_minute": 0,
        "batch_records": BATCH,
        "objects": {KIND: {"schema_slug": "instance", "defined": True}},
    }
    journal = folder / "journal.sqlite3"
    receipts = {"receipts": {"key": f"file:{key}"}} if key is not None else {}
    config = Config(instance="bench", journal=journal, mappings=folder, destinations={"sink": destination}, **receipts)

    async def deliver() -> None:
        async with Gateway(config) as gateway:
            report = await gateway.push(Input(file, source), to=["sink"])
        assert report.exit_code is Exit.OK, report.as_dict()

    asyncio.run(deliver())


def dlt_run(file: Path, origin: str, folder: Path) -> None:
    """The same mapping by hand in a dlt resource, a custom destination that posts."""
    os.environ |= {
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "DLT_DATA_DIR": str(folder / "dlt"),
        "RUNTIME__LOG_LEVEL": "ERROR",
    }
    import dlt  # the bench extra

    @dlt.destination(  # type: ignore[arg-type]
        batch_size=BATCH, skip_dlt_columns_and_tables=True, naming_convention="direct", max_table_nesting=0
    )
    def there(items: list[dict[str, object]], table: object) -> None:
        async def send() -> None:
            async with aiohttp.ClientSession(headers={"Authorization": "k s"}) as session:
                await post(session, origin, ENVELOPE % b",".join(map(orjson.dumps, items)))

        asyncio.run(send())

    @dlt.resource(name="instance")
    def instances() -> object:
        for line in lines_of(file):
            yield cloud_by_hand(orjson.loads(line))

    dlt.pipeline("bench", destination=there(), pipelines_dir=str(folder / "pipelines"), dev_mode=True).run(instances())


# ------------------------------------------------------------------ other programs
def here(program: str) -> bool:
    """Whether it is installed. Then its mapping must give the same records as the one by hand."""
    if shutil.which(program) is None:
        return False
    with tempfile.TemporaryDirectory() as name:
        file = Path(name, "sample.ndjson")
        write_records(file, 1000)
        made = subprocess.run([*OTHERS[program], file], check=True, stdout=subprocess.PIPE).stdout
        assert [orjson.loads(line) for line in made.splitlines()] == [
            cloud_by_hand(orjson.loads(line)) for line in file.read_bytes().splitlines()
        ], program
    return True


def convert(program: str, file: Path, *_: object) -> None:
    subprocess.run([*OTHERS[program], file], check=True, stdout=subprocess.DEVNULL)
