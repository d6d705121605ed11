"""A relay is killed again and again under posts that come all the time. What it acknowledged arrives, in order."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import aiohttp
import pytest
from tests.crash.posting import Clients, assert_in_order
from tests.crash.proxy import Point, Request
from tests.crash.scene import SOAK, Scene, scene

ROUNDS = 20 if SOAK else 2
LANES = range(1, 5)
CLIENTS = 3
"""At each lane. Whoever posts waits for the answer, so that what one of them posts has an order."""


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path, "drata") as made:
        made.open_lanes(LANES)
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
        lanes = self._at.posted().items()
        return {path: [(row["id"], row["n"]) for row in rows] for path, rows in lanes}

    async def has(self, everything: set[tuple[str, int]]) -> None:
        while not everything <= {each for lane in self.arrived().values() for each in lane}:
            self._news.clear()
            await self._news.wait()


async def test_what_was_acknowledged_arrives_in_order(at: Scene) -> None:
    chance, vendor, waiting, port = random.Random(6), Vendor(at), 0, 0
    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
        clients = Clients(http)
        working = [group.create_task(clients.work(lane, n)) for lane in LANES for n in range(CLIENTS)]
        for round_ in range(ROUNDS):
            vendor.silent, before = round_ % 2 == 0, set(clients.acknowledged)
            async with asyncio.timeout(120), at.relay(port) as relay:
                port, clients.origins = relay.port, [relay.origin]
                clients.up.set()
                await clients.reach(chance.randrange(20, 100))
                clients.up.clear()
                if not vendor.silent:  # a delivery at which three processes die in a row is set aside
                    await vendor.has(before)
                relay.process.kill()
                await relay.process.wait()
            vendor.gone()
            waiting += await queued(at)
        vendor.silent = False
        async with asyncio.timeout(120), at.relay(port) as relay:
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
    assert at.holds() == dict(sorted(clients.acknowledged))
    assert await kept(at) == dict.fromkeys(clients.acknowledged.values(), "done")


async def queued(at: Scene) -> int:
    return sum(state == "queued" for state in (await kept(at)).values())


async def kept(at: Scene) -> dict[int, str]:
    """The state of each delivery that there is: none was accepted twice."""
    return {each.id: each.state for each in await at.deliveries()}
