"""Three relays and two workers on one PostgreSQL, as if on five machines: some come to harm, and so does the server."""

from __future__ import annotations

import asyncio
import signal
from asyncio.subprocess import Process
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import orjson
import pytest
from tests.crash.posting import Clients, assert_in_order
from tests.crash.proxy import Point, Request
from tests.crash.scene import SOAK, Scene, scene
from tests.support.postgres import Server, database

from proofport.journal.contract import Delivery
from proofport.journal.postgres import PostgresJournal

LANES = range(1, 21)
RELAYS = ("one", "two", "three")
CLIENTS = 3
"""At each lane; each begins at another relay."""

STEP = 2_000 if SOAK else 25
"""So many are acknowledged from one harm to the next."""

LEASE = 2.0
PATIENCE = 500 if SOAK else 120


class Harm:
    """Does something to one process while a delivery of its own is at the vendor, whose answer nobody has heard."""

    def __init__(self, process: str, victim: Process, number: signal.Signals) -> None:
        self.process, self._victim, self._number = process, victim, number
        self.done = asyncio.Event()
        self._over = asyncio.Event()

    async def meet(self) -> bool:
        if not self.done.is_set():
            self._victim.send_signal(self._number)
            self.done.set()
        await self._over.wait()
        return self._number == signal.SIGKILL

    def end(self) -> None:
        self._over.set()


@dataclass
class Vendor:
    """What came to it, lane by lane, and harm to those that it answers."""

    at: Scene
    harm: Harm | None = None
    arrived: dict[str, list[tuple[str, int]]] = field(default_factory=lambda: defaultdict(list))
    _read: int = 0
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.at.proxy.meddle = self._meddle

    async def _meddle(self, request: Request, point: Point) -> bool:
        self._news.set()
        harm = self.harm
        if harm is not None and point == "sent" and request.process == harm.process and request.method == "POST":
            return await harm.meet()
        return False

    async def until_harmed(self, harm: Harm) -> None:
        self.harm = harm
        await harm.done.wait()

    def read(self) -> int:
        """How many have come by now."""
        for each in list(self.at.emulator.log)[self._read :]:
            if each.method == "POST":
                rows = orjson.loads(each.body or b"")["data"]
                self.arrived[each.path] += [(row["id"], row["n"]) for row in rows]
            self._read += 1
        return sum(map(len, self.arrived.values()))

    async def has(self, everything: set[tuple[str, int]]) -> None:
        while self.read() < len(everything) or not everything <= {
            each for lane in self.arrived.values() for each in lane
        }:
            self._news.clear()
            await self._news.wait()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = await asyncio.to_thread(Server.new)
    yield server
    await asyncio.to_thread(server.delete)


@pytest.fixture
async def at(tmp_path: Path, server: Server) -> AsyncIterator[Scene]:
    with database(server.url) as url:
        await PostgresJournal(url).migrate()
        async with scene(tmp_path, "drata") as made:
            made.open_lanes(LANES)
            made.change_options(journal=url, lease=LEASE)
            yield made


@asynccontextmanager
async def working(at: Scene, name: str) -> AsyncIterator[Process]:
    """`proofport worker`, once it has begun."""
    async with at.process("worker", "--slots", "1", name=name) as process:
        assert process.stderr is not None
        assert b"delivering" in await process.stderr.readline()
        yield process


async def test_nothing_is_lost_or_out_of_order_when_machines_and_the_server_come_to_harm(
    at: Scene, server: Server
) -> None:
    """One relay and one worker are killed, PostgreSQL is stopped at once and started, one worker outlives its lease."""
    vendor = Vendor(at)
    async with asyncio.timeout(PATIENCE), AsyncExitStack() as stack:
        first, second, third = await asyncio.gather(
            *[stack.enter_async_context(at.relay(name=name)) for name in RELAYS]
        )
        killed, frozen = await asyncio.gather(
            *[stack.enter_async_context(working(at, name)) for name in ("killed", "frozen")]
        )
        http = await stack.enter_async_context(aiohttp.ClientSession())
        clients = Clients(http, refused=frozenset({503}), origins=[each.origin for each in (first, second, third)])
        posting = [asyncio.create_task(clients.work(lane, n)) for lane in LANES for n in range(CLIENTS)]
        clients.up.set()

        await clients.reach(STEP)
        third.process.kill()
        await clients.reach(STEP)
        death = Harm("killed", killed, signal.SIGKILL)
        await vendor.until_harmed(death)
        death.end()
        await clients.reach(STEP)
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)
        await clients.reach(STEP)
        ice = Harm("frozen", frozen, signal.SIGSTOP)
        await vendor.until_harmed(ice)
        await clients.reach(STEP)
        clients.ended = True
        await asyncio.gather(*posting)
        await vendor.has(set(clients.acknowledged))
        found = await settled(at)

        await assert_the_frozen_writes_nothing(at, frozen, ice, found)
        for relay in (first, second):
            relay.process.send_signal(signal.SIGTERM)
            assert await relay.process.wait() == 0, relay.log
    assert clients.repeated > 0
    assert {each.id: each.state for each in found} == dict.fromkeys(clients.acknowledged.values(), "done")
    vendor.read()
    assert len(vendor.arrived) == len(LANES)
    assert assert_in_order(vendor.arrived, clients.acknowledged) <= 4 * len(LANES), "once a lane and harm"
    assert at.holds() == dict(sorted(clients.acknowledged))


async def assert_the_frozen_writes_nothing(at: Scene, frozen: Process, ice: Harm, found: list[Delivery]) -> None:
    """It finds out that its lanes are gone, sends nothing any more, and ends as it is told."""
    sent, held = len(at.emulator.log), at.emulator.state()
    frozen.send_signal(signal.SIGCONT)
    ice.end()
    assert frozen.stderr is not None
    async for line in frozen.stderr:
        if b"lane_lost" in line:
            break
    frozen.send_signal(signal.SIGTERM)
    await frozen.communicate()
    assert frozen.returncode == 0
    assert at.changed_since(sent) == []
    assert at.emulator.state() == held
    assert await at.deliveries() == found


async def settled(at: Scene) -> list[Delivery]:
    """All deliveries, once the last one is noted as done: what the vendor has is noted a moment later."""
    while True:
        found = await at.deliveries()
        if {each.state for each in found} == {"done"}:
            return found
        await asyncio.sleep(0.1)
