"""Rows 11 and 12: the relay as it is served, durable before it answers, against less of the same.

Every contender is a process of its own on the first core; requests come from the last one. All get the same request,
in turn, round by round. `python -m benchmarks.relay CONTENDER FOLDER` serves one.

- `relay`: as the command serves it, but that it delivers nothing.
- `unstored`: the same, with a journal that keeps nothing.
- `plain`: an aiohttp handler that takes the records through their model, with one commit a request.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import orjson
from aiohttp import web
from pydantic import TypeAdapter

from benchmarks.goals import PLAIN_HANDLER, TAIL, UNSTORED, Goal
from benchmarks.http_load import load
from proofport.cli.service import calm_garbage_collector
from proofport.config import Config
from proofport.config.relay import Overload, RelaySettings
from proofport.evidence import CloudResource
from proofport.gateway import Gateway
from proofport.journal.contract import IdempotencyRecord, NewDelivery, Submitted
from proofport.journal.sqlite import SqliteJournal
from proofport.logs import log_to_stderr
from proofport.registry import load_emulator
from proofport.relay.serving import serving

ROUNDS = 7
SECONDS = 0.8
WARM_UP = 0.3
CONNECTIONS = (16, 64)
CONTENDERS = ("relay", "unstored", "plain")
RECORDS = 50
VENDOR = "drata"
KIND = "cloud_resource"
NO_LIMIT = Overload(deliveries=0)
PATH = f"/v1/evidence/{KIND}?to={VENDOR}"


# ------------------------------------------------------------------ what is posted
def request() -> bytes:
    """50 cloud resources, with what their tool printed beside what the neutral fields say: about 60 KB."""
    chance = random.Random(0)
    body = orjson.dumps([_record(number, chance) for number in range(RECORDS)])
    head = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body


def _record(number: int, chance: random.Random) -> dict[str, Any]:
    own = f"i-{chance.getrandbits(68):017x}"
    return {
        "id": own,
        "type": "aws.ec2.instance",
        "provider": "aws",
        "account_id": f"{chance.randrange(10**12):012}",
        "region": chance.choice(["eu-west-1", "us-east-1", "ap-southeast-2"]),
        "name": f"worker-{number}",
        "description": f"t3.medium ami-{chance.getrandbits(68):017x} running",
        "state": "running",
        "created_at": f"2026-0{chance.randrange(1, 10)}-1{chance.randrange(10)}T09:00:00Z",
        "encrypted": chance.random() < 0.9,
        "public": chance.random() < 0.1,
        "tags": [{"key": key, "value": f"{key}-{chance.randrange(100)}"} for key in ("team", "stage", "cost", "owner")],
        "source": "aws.ec2.instances",
        "extras": {VENDOR: _raw(chance)},
    }


def _raw(chance: random.Random) -> dict[str, Any]:
    return {
        "networkInterfaces": [
            {
                "id": f"eni-{chance.getrandbits(68):017x}",
                "address": f"10.{chance.randrange(256)}.0.{n}",
                "primary": n == 0,
            }
            for n in range(5)
        ],
        "securityGroups": [f"sg-{chance.getrandbits(68):017x}" for _ in range(6)],
        "placement": {"zone": "eu-west-1a", "tenancy": "default", "group": None},
        "cpu": {"cores": chance.randrange(1, 64), "threads": 2, "credits": "standard"},
        "monitoring": "enabled",
    }


# ------------------------------------------------------------------ what runs in a process of its own
class Unstored(SqliteJournal):
    """Keeps nothing."""

    _numbers = itertools.count(1)

    async def accept(self, deliveries: Sequence[NewDelivery], *, record: IdempotencyRecord | None = None) -> Submitted:
        return Submitted([next(self._numbers) for _ in deliveries])


async def serve(contender: str, folder: str) -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    path = f"{folder}/journal.sqlite3"
    if contender == "plain":
        await _plain(path)
    else:
        await _relay((SqliteJournal if contender == "relay" else Unstored)(path))


async def _relay(journal: SqliteJournal) -> None:
    place = load_emulator(VENDOR)().destination("http://127.0.0.1:9")
    place["objects"] = {KIND: {"connection_id": 1, "resource_id": 101}}
    config = Config(instance="bench", relay=RelaySettings(port=0, overload=NO_LIMIT), destinations={VENDOR: place})
    log_to_stderr()
    await journal.open()
    async with Gateway(config) as gateway:
        gateway._journal = journal
        async with serving(gateway, deliver=False) as origin:
            calm_garbage_collector()
            await _wait_on(int(origin.rpartition(":")[2]))


async def _plain(path: str) -> None:
    """The handler that one writes first: records through their model, the body into a table, one commit a request."""
    records = TypeAdapter(list[CloudResource])
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
        "CREATE TABLE deliveries (id INTEGER PRIMARY KEY, kind TEXT, body BLOB, created REAL);"
    )

    async def answer(request: web.Request) -> web.Response:
        body = await request.read()
        records.validate_json(body)
        values = (KIND, body, time.time())
        added = db.execute("INSERT INTO deliveries (kind, body, created) VALUES (?, ?, ?)", values)
        return web.json_response({"id": added.lastrowid}, status=202)

    app = web.Application(client_max_size=0)
    app.router.add_post("/v1/evidence/{kind}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await _wait_on(runner.addresses[0][1])


async def _wait_on(port: int) -> None:
    print(port, flush=True)
    await asyncio.Event().wait()


# ------------------------------------------------------------------ what starts the processes
@contextmanager
def served(contender: str) -> Iterator[int]:
    """The port of a contender, as long as the block runs."""
    with tempfile.TemporaryDirectory() as folder, Path(folder, "log").open("wb") as log:
        command = [sys.executable, "-m", "benchmarks.relay", contender, folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log) as process:
            assert process.stdout is not None
            try:
                yield int(process.stdout.readline())
            finally:
                process.kill()


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one contender at one concurrency in one round: answers a second, and milliseconds."""

    rate: float
    p50: float
    p99: float


def measured(port: int, body: bytes, connections: int, seconds: float) -> Figures:
    answers = asyncio.run(load(port, body, connections, seconds))
    cuts = statistics.quantiles(answers.taken, n=100)
    return Figures(answers.rate, cuts[49] * 1000, cuts[98] * 1000)


def run() -> list[Goal]:
    body, rounds = request(), list[dict[tuple[str, int], Figures]]()
    with ExitStack() as stack:
        ports = {contender: stack.enter_context(served(contender)) for contender in CONTENDERS}
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        for port in ports.values():
            measured(port, body, max(CONNECTIONS), WARM_UP)
        for _ in range(ROUNDS):
            rounds.append(
                {
                    (contender, connections): measured(port, body, connections, SECONDS)
                    for connections in CONNECTIONS
                    for contender, port in ports.items()
                }
            )
    return [
        *(_unstored(rounds, connections) for connections in CONNECTIONS),
        _plain_handler(rounds, 16),
        *(_tail(rounds, connections) for connections in CONNECTIONS),
    ]


Rounds: TypeAlias = Sequence[Mapping[tuple[str, int], Figures]]


def _ratio(rounds: Rounds, other: str, connections: int) -> float:
    """The median over the rounds."""
    return statistics.median(each["relay", connections].rate / each[other, connections].rate for each in rounds)


def _rates(rounds: Rounds, connections: int) -> str:
    rates = {
        contender: statistics.median(each[contender, connections].rate for each in rounds) for contender in CONTENDERS
    }
    return "requests a second: " + ", ".join(f"{contender} {rate:,.0f}" for contender, rate in rates.items())


def _unstored(rounds: Rounds, connections: int) -> Goal:
    name = f"relay, durable, against the same without a store, {connections} at once"
    return UNSTORED.goal(name, _ratio(rounds, "unstored", connections) * 100, _rates(rounds, connections))


def _plain_handler(rounds: Rounds, connections: int) -> Goal:
    name = f"relay against a plain handler with one commit a request, {connections} at once"
    return PLAIN_HANDLER.goal(name, _ratio(rounds, "plain", connections), _rates(rounds, connections))


def _tail(rounds: Rounds, connections: int) -> Goal:
    figures = [each["relay", connections] for each in rounds]
    p50, p99 = (statistics.median(numbers) for numbers in zip(*((each.p50, each.p99) for each in figures), strict=True))
    return TAIL.goal(
        f"relay, the 99th of 100 against the median, {connections} at once",
        statistics.median(each.p99 / each.p50 for each in figures),
        f"{p99:.1f} ms against {p50:.1f} ms; median of {len(rounds)} interleaved rounds",
    )


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
