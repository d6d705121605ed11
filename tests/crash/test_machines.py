"""Many processes on one PostgreSQL, as if on many machines: some are killed, one is frozen, the server goes away."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest
from tests.crash.accepting import LANES
from tests.postgres import Server, database

from proofport.journal.contract import Delivery, Filter
from proofport.journal.postgres import PostgresJournal

SOAK = "PROOFPORT_SOAK" in os.environ
EACH = 200 if SOAK else 6
LEASE = 2.0
ACCEPTING = [sys.executable, str(Path(__file__).with_name("accepting.py"))]
DELIVERING = [sys.executable, "-m", "proofport.testing.journal_contract.program", "deliver"]


@dataclass
class Machines:
    """Processes, and what they have told on one pipe, in the order in which it happened."""

    url: str
    pipe: int
    running: dict[str, Process] = field(default_factory=dict)
    acked: dict[int, str] = field(default_factory=dict)
    order: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(list))
    sent: list[tuple[str, int, str, int]] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    ready: set[str] = field(default_factory=set)
    told: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def start(self, name: str, *command: str) -> None:
        self.running[name] = await asyncio.create_subprocess_exec(
            *command, pass_fds=[self.pipe], stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL
        )

    async def accept(self, name: str) -> None:
        await self.start(name, *ACCEPTING, self.url, name, str(self.pipe), str(EACH))

    async def deliver(self, name: str) -> None:
        await self.start(name, *DELIVERING, self.url, name, str(self.pipe), str(LEASE))

    async def listen(self, lines: asyncio.StreamReader) -> None:
        async for line in lines:
            kind, name, *words = line.decode().split()
            if kind == "acked":
                lane, identity, key = words
                self.acked[int(identity)] = key
                self.order[name, lane].append(int(identity))
            elif kind == "sent":
                self.sent.append((name, int(words[0]), words[1], int(words[2])))
            else:
                (self.lost if kind == "lost" else self.ready).add(name)
            async with self.told:
                self.told.notify_all()

    async def until(self, enough: Callable[[], bool]) -> None:
        async with asyncio.timeout(300 if SOAK else 120), self.told:
            await self.told.wait_for(enough)

    async def all_deliveries(self) -> list[Delivery]:
        journal = PostgresJournal(self.url)
        await journal.open()
        try:
            return await journal.find(Filter(), limit=1_000_000)
        finally:
            await journal.close()


@asynccontextmanager
async def machines(url: str) -> AsyncIterator[Machines]:
    read_end, write_end = os.pipe()
    made, lines = Machines(url, write_end), asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    with os.fdopen(read_end, "rb") as pipe:
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), pipe)
        listening = asyncio.create_task(made.listen(lines))
        try:
            yield made
        finally:
            for process in made.running.values():
                if process.returncode is None:
                    process.kill()
                await process.wait()
            os.close(write_end)
            await listening
            transport.close()


@pytest.fixture
def server() -> Server:
    return Server.new()


async def test_nothing_is_lost_or_out_of_order_when_processes_and_the_server_come_to_harm(server: Server) -> None:
    """Three accept, three deliver; one of each is killed, one worker frozen past its lease, PostgreSQL restarted."""
    try:
        with database(server.url) as url:
            await PostgresJournal(url).migrate()
            async with machines(url) as at:
                await _come_to_harm(at, server)
    finally:
        server.delete()


async def _come_to_harm(at: Machines, server: Server) -> None:
    whole = 3 * LANES * EACH
    for name in ("killed", "frozen", "last"):
        await at.deliver(name)
    await at.until(lambda: {"killed", "frozen", "last"} <= at.ready)
    for name in ("one", "two", "three"):
        await at.accept(name)
    await at.until(lambda: len(at.acked) > whole // 8)
    at.running["three"].kill()
    await at.until(lambda: len(at.sent) > whole // 6)
    at.running["killed"].kill()
    await at.until(lambda: len(at.sent) > whole // 4)
    await asyncio.to_thread(server.stop)
    await asyncio.to_thread(server.start)
    await at.until(lambda: any(name == "frozen" for name, *_ in at.sent[whole // 4 :]) or len(at.sent) > whole // 2)
    at.running["frozen"].send_signal(signal.SIGSTOP)

    for name in ("one", "two"):
        assert await at.running[name].wait() == 0
    await at.until(lambda: {identity for *_, identity in at.sent} >= at.acked.keys())
    found = await _settled(at)
    _assert_all_is_there(at, found)
    _assert_in_order(at.sent)

    sent = len(at.sent)
    at.running["frozen"].send_signal(signal.SIGCONT)
    at.running["frozen"].send_signal(signal.SIGTERM)
    at.running["last"].send_signal(signal.SIGTERM)
    assert await at.running["frozen"].wait() == 0
    assert await at.running["last"].wait() == 0
    assert await at.all_deliveries() == found, "a process that was frozen wrote something"
    assert {identity for *_, identity in at.sent[sent:]} <= {identity for *_, identity in at.sent[:sent]}


async def _settled(at: Machines) -> list[Delivery]:
    """All deliveries, once the last one is noted as done: what the vendor has is noted a moment later."""
    async with asyncio.timeout(60):
        while True:
            found = await at.all_deliveries()
            if {delivery.state for delivery in found} == {"done"}:
                return found
            await asyncio.sleep(0.1)


def _assert_all_is_there(at: Machines, found: list[Delivery]) -> None:
    """Every acknowledged record, each once; and of what was not acknowledged at most what was on its way."""
    kept = {delivery.id: delivery.payload.decode() for delivery in found}
    assert {identity: kept.get(identity) for identity in at.acked} == at.acked
    assert len(set(kept.values())) == len(kept), "accepted twice"
    assert len(kept) - len(at.acked) <= LANES
    for ids in at.order.values():
        assert ids == sorted(ids)


def _assert_in_order(sent: list[tuple[str, int, str, int]]) -> None:
    """Within a lane ids only grow, but for one that is repeated on the spot; and an old epoch never comes back."""
    lanes = defaultdict(list)
    for _, epoch, lane, identity in sent:
        lanes[lane].append((epoch, identity))
    for each in lanes.values():
        for (epoch, identity), (next_epoch, next_identity) in pairwise(each):
            assert identity <= next_identity
            assert epoch <= next_epoch
            assert identity < next_identity or epoch < next_epoch, "sent twice by one owner"
