"""A relay is killed again and again under posts that come all the time. What it acknowledged arrives, in order."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from tests.crash.proxy import Point, Request
from tests.crash.relaying import relaying
from tests.crash.scene import SOAK, Scene, scene

from proofport.journal.contract import Filter

ROUNDS = 20 if SOAK else 2
LANES = range(1, 5)
CLIENTS = 3
"""At each lane. Whoever posts waits for the answer, so that what one of them posts has an order."""


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path, "drata") as made:
        connections = [
            {"id": n, "type": "CUSTOM", "resources": [{"id": 100 + n, "kind": f"custom:k{n}"}]} for n in LANES
        ]
        made.emulator.load({"connections": connections})
        made.configure(objects={f"custom:k{n}": {"connection_id": n, "resource_id": 100 + n} for n in LANES})
        yield made


@dataclass
class Clients:
    """Post one record after the other; what is not answered is posted again, under the same idempotency key.

    `acknowledged`: the delivery of each record, by who posted it and its number.
    """

    http: aiohttp.ClientSession
    acknowledged: dict[tuple[str, int], int] = field(default_factory=dict)
    repeated: int = 0
    origin: str = ""
    up: asyncio.Event = field(default_factory=asyncio.Event)
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    ended: bool = False
    _wanted: int = 0

    async def reach(self, more: int) -> None:
        """Until so many more are acknowledged."""
        self._wanted = len(self.acknowledged) + more
        self.enough.clear()
        await self.enough.wait()

    async def work(self, lane: int, number: int) -> None:
        who = f"{lane}-{number}"
        for n in count():
            if self.ended:
                return
            self.acknowledged[who, n] = await self._post(lane, who, n)
            if len(self.acknowledged) >= self._wanted:
                self.enough.set()

    async def _post(self, lane: int, who: str, n: int) -> int:
        while True:
            await self.up.wait()
            url = f"{self.origin}/v1/evidence/custom:k{lane}?to=drata"
            try:
                async with self.http.post(
                    url, json={"id": who, "n": n}, headers={"Idempotency-Key": f"{who}-{n}"}
                ) as answer:
                    body = await answer.json()
            except aiohttp.ClientConnectionError:
                self.repeated += 1
                continue
            assert answer.status == 202, body
            [delivery] = body["deliveries"]
            return int(delivery["id"])


class Vendor:
    """Takes what comes, or nothing while it is `silent`: it then hears of nothing until whoever asks is gone."""

    def __init__(self, at: Scene) -> None:
        self._at = at
        self._gone = asyncio.Event()
        self._news = asyncio.Event()
        self.silent = False
        at.proxy.meddle = self.meddle

    def gone(self) -> None:
        self._gone.set()
        self._gone = asyncio.Event()

    async def meddle(self, request: Request, point: Point) -> bool:
        if point == "before" and self.silent:
            await self._gone.wait()
            return True
        if point == "answered":
            self._news.set()
        return False

    def arrived(self) -> Mapping[str, list[tuple[str, int]]]:
        """Of each lane, who posted what, in the order in which it came."""
        found: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for each in self._at.emulator.log:
            if each.method == "POST":
                found[each.path] += [(row["id"], row["n"]) for row in orjson.loads(each.body or b"")["data"]]
        return found

    async def has(self, everything: set[tuple[str, int]]) -> None:
        while not everything <= {each for lane in self.arrived().values() for each in lane}:
            self._news.clear()
            await self._news.wait()

    def holds(self) -> dict[str, int]:
        """The number that each record has in the end."""
        state = self._at.emulator.state()
        resources = [each for connection in state["connections"] for each in connection["resources"]]
        return {row["id"]: row["n"] for each in resources for row in each["records"]}


async def test_what_was_acknowledged_arrives_in_order(at: Scene) -> None:
    chance, vendor, waiting, port = random.Random(6), Vendor(at), 0, 0
    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
        clients = Clients(http)
        working = [group.create_task(clients.work(lane, n)) for lane in LANES for n in range(CLIENTS)]
        for round_ in range(ROUNDS):
            vendor.silent = round_ % 2 == 0
            async with asyncio.timeout(120), relaying(at, port) as relay:
                port, clients.origin = relay.port, relay.origin
                clients.up.set()
                await clients.reach(chance.randrange(20, 100))
                clients.up.clear()
                relay.process.kill()
                await relay.process.wait()
            vendor.gone()
            waiting += await queued(at)
        vendor.silent = False
        async with asyncio.timeout(120), relaying(at, port) as relay:
            clients.up.set()
            await clients.reach(20)
            clients.ended = True
            await asyncio.wait(working)
            await vendor.has(set(clients.acknowledged))
            relay.process.send_signal(signal.SIGTERM)
            assert await relay.process.wait() == 0, relay.log
    assert clients.repeated >= ROUNDS
    assert waiting > 0
    assert_in_order(vendor.arrived(), clients.acknowledged)
    assert vendor.holds() == dict(sorted(clients.acknowledged))
    assert await kept(at) == dict.fromkeys(clients.acknowledged.values(), "done")


def assert_in_order(arrived: Mapping[str, Any], acknowledged: Mapping[tuple[str, int], int]) -> None:
    """In the order of the deliveries; what was on its way when the relay was killed may come twice."""
    assert len(arrived) == len(LANES)
    for lane in arrived.values():
        ids = [acknowledged[each] for each in lane]
        assert all(before <= after for before, after in pairwise(ids))


async def queued(at: Scene) -> int:
    return sum(state == "queued" for state in (await kept(at)).values())


async def kept(at: Scene) -> dict[int, str]:
    """The state of each delivery that there is: none was accepted twice."""
    async with at.journal() as journal:
        return {each.id: each.state for each in await journal.find(Filter(), limit=1_000_000)}
