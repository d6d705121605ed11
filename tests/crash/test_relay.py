"""A relay is killed again and again under posts that come all the time. What it acknowledged arrives, in order."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import aiohttp
import orjson
import pytest
from tests.crash.posting import Clients, assert_in_order
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
                port, clients.origins = relay.port, [relay.origin]
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
    assert len(vendor.arrived()) == len(LANES)
    assert_in_order(vendor.arrived(), clients.acknowledged)
    assert vendor.holds() == dict(sorted(clients.acknowledged))
    assert await kept(at) == dict.fromkeys(clients.acknowledged.values(), "done")


async def queued(at: Scene) -> int:
    return sum(state == "queued" for state in (await kept(at)).values())


async def kept(at: Scene) -> dict[int, str]:
    """The state of each delivery that there is: none was accepted twice."""
    async with at.journal() as journal:
        return {each.id: each.state for each in await journal.find(Filter(), limit=1_000_000)}
