"""A relay is told to stop while a request and a delivery are on their way. Nothing it acknowledged is lost."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.crash.proxy import Point, Request
from tests.crash.scene import Scene, scene
from tests.support.relay import RelayProcess

from proofport.journal.contract import Filter

KIND = "custom:k1"
BODY = b'{"id": "late", "n": 1}'
UNTIL_DEATH = 3600
"""Seconds of a lease that nobody waits for here: a lane that was not released stays taken."""


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path, "drata") as made:
        made.open_lanes([1])
        yield made


def give(at: Scene, stop_seconds: float) -> None:
    at.change_options(lease=UNTIL_DEATH, relay={"stop_seconds": stop_seconds})


class Slow:
    """The vendor hears of nothing until it is let go; `reached` once something is on its way to it."""

    def __init__(self, at: Scene) -> None:
        self.reached = asyncio.Event()
        self.go = asyncio.Event()
        self._news = asyncio.Event()
        self._at = at
        at.proxy.meddle = self._meddle

    async def _meddle(self, request: Request, point: Point) -> bool:
        if point == "before":
            self.reached.set()
            await self.go.wait()
        if point == "answered":
            self._news.set()
        return False

    def received(self) -> list[str]:
        """The records, in the order in which they came."""
        return [row["id"] for rows in self._at.posted().values() for row in rows]

    async def has(self, ids: list[str]) -> None:
        while not set(ids) <= set(self.received()):
            self._news.clear()
            await self._news.wait()


async def post(http: aiohttp.ClientSession, relay: RelayProcess, *names: str) -> None:
    """One delivery for each, all of them acknowledged."""
    for name in names:
        async with http.post(f"{relay.origin}/v1/evidence/{KIND}?to=drata", json={"id": name}) as answer:
            assert answer.status == 202, await answer.text()


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    while not await holds():  # noqa: ASYNC110 - another process does not say when it has come so far
        await asyncio.sleep(0.01)


async def until_told(relay: RelayProcess, event: str) -> None:
    async def told() -> bool:
        return any(f"event='{event}'" in line for line in relay.log)

    await eventually(told)


async def states(at: Scene) -> list[str]:
    async with at.journal() as journal:
        [lane] = await journal.lanes()
        assert lane.owner is None, "it was given back"
        return [each.state for each in await journal.find(Filter())]


async def half_posted(relay: RelayProcess) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A request whose body has not come yet, and whose head the relay has taken up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
    writer.write(
        f"POST /v1/evidence/{KIND}?to=drata HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Expect: 100-continue\r\nContent-Length: {len(BODY)}\r\n\r\n".encode()
    )
    assert b"100 Continue" in await reader.readuntil(b"\r\n\r\n")
    writer.write(BODY[:5])
    return reader, writer


async def is_closed(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return True
    writer.close()
    return False


async def test_what_is_on_its_way_ends_and_the_rest_is_the_next_ones(at: Scene) -> None:
    give(at, stop_seconds=60)
    vendor = Slow(at)
    async with asyncio.timeout(60), at.relay() as relay, aiohttp.ClientSession() as http:
        await post(http, relay, "a")
        await vendor.reached.wait()
        await post(http, relay, "b", "c")
        reader, writer = await half_posted(relay)
        relay.process.send_signal(signal.SIGTERM)
        await until_told(relay, "stopping")
        await eventually(lambda: is_closed(relay.port))
        async with http.get(f"{relay.origin}/healthz") as refused:
            assert refused.status == 503, "on the connection that there was"
            assert (await refused.json())["type"].endswith(":shutting-down")
            assert refused.headers["Connection"] == "close"
        writer.write(BODY[5:])
        assert (await reader.readline()).startswith(b"HTTP/1.1 202 ")
        vendor.go.set()
        assert await relay.process.wait() == 0, relay.log
        writer.close()
    assert vendor.received() == ["a"]
    assert await states(at) == ["done", "queued", "queued", "queued"]
    async with asyncio.timeout(60), at.process("work", name="next"):
        await vendor.has(["a", "b", "c", "late"])
    assert vendor.received() == ["a", "b", "c", "late"], "each once, in order"


async def test_what_takes_too_long_is_released(at: Scene) -> None:
    give(at, stop_seconds=0.1)
    vendor = Slow(at)
    async with asyncio.timeout(60), at.relay() as relay, aiohttp.ClientSession() as http:
        await post(http, relay, "a", "b")
        await vendor.reached.wait()
        relay.process.send_signal(signal.SIGINT)
        assert await relay.process.wait() == 0, relay.log
    assert any("event='delivery_released'" in line for line in relay.log)
    assert await states(at) == ["queued", "queued"]
    vendor.go.set()
    async with asyncio.timeout(60), at.process("work", name="next"):
        await vendor.has(["a", "b"])


async def test_a_second_signal_ends_it_at_once(at: Scene) -> None:
    give(at, stop_seconds=3600)
    vendor = Slow(at)
    async with asyncio.timeout(60), at.relay() as relay, aiohttp.ClientSession() as http:
        await post(http, relay, "a", "b")
        await vendor.reached.wait()
        relay.process.send_signal(signal.SIGTERM)
        await until_told(relay, "stopping")
        relay.process.send_signal(signal.SIGTERM)
        assert await relay.process.wait() == -signal.SIGTERM
    async with at.journal() as journal:
        found: list[Any] = await journal.find(Filter(state="queued"))
    assert len(found) == 2
