"""Two relays on one PostgreSQL, one of which comes to harm while it delivers a committed snapshot."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest
from tests.crash.proxy import Point, Request
from tests.crash.scene import KIND, SOAK, Scene, accounts, scene
from tests.crash.test_relay_stops import until_told
from tests.support import drata
from tests.support.postgres import Database
from tests.support.relay import RelayProcess

LEASE = 3.0
SLACK = 12.0
"""Seconds that a busy machine may take for what follows once the lease has run out."""

PARTS = {"a": accounts(range(20, 60), "new"), "b": accounts(range(60, 100), "new")}
NEW = {record["id"]: record["email"] for part in PARTS.values() for record in part}


@pytest.fixture
async def at(tmp_path: Path, postgres: Database) -> AsyncIterator[Scene]:
    """The vendor holds an older set."""
    async with scene(tmp_path, "drata") as made:
        secret = tmp_path / "journal"
        secret.touch(0o600)
        secret.write_text(postgres.empty())
        made.change_options(journal=f"file:{secret}", lease=LEASE, patience=0)
        assert (await made.push(made.write("old", *accounts(range(60), "old")))).exit_code == 0
        yield made


class Moment(NamedTuple):
    """A point of a request of the relay `one`, which stages records or completes the set (`actions`)."""

    actions: bool
    earlier: int
    """So many such requests went through before it."""

    point: Point


class Held:
    """Holds the world at a moment of a commit."""

    def __init__(self, at: Scene, moment: Moment) -> None:
        self.reached = asyncio.Event()
        self._over = asyncio.Event()
        self._moment = moment
        self._numbers: list[int] = []
        at.proxy.meddle = self._meddle

    def end(self) -> None:
        self._over.set()

    async def _meddle(self, request: Request, point: Point) -> bool:
        if request.process != "one" or "/sessions/" not in request.path:
            return False
        if request.path.endswith("/actions") != self._moment.actions:
            return False
        if request.number not in self._numbers:
            self._numbers.append(request.number)
        if point == self._moment.point and self._numbers.index(request.number) == self._moment.earlier:
            self.reached.set()
            await self._over.wait()
            return True
        return False


MOMENTS = {
    "in the middle of staging": Moment(actions=False, earlier=1, point="sent"),
    "before the set is completed": Moment(actions=True, earlier=0, point="before"),
    "right before the completion is answered": Moment(actions=True, earlier=0, point="sent"),
}
SAMPLED = ("in the middle of staging", "right before the completion is answered")


class Client:
    """Asks either relay about one snapshot."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http
        self._path = "/v1/snapshots"

    async def fill(self, *relays: RelayProcess) -> None:
        """Open the snapshot at one relay, and bring the parts to one after the other."""
        first, last = relays
        _, opened = await self._ask("POST", first, "", {"kind": KIND, "to": ["drata"]})
        self._path += f"/{opened['id']}"
        for relay, (name, records) in zip((first, last), PARTS.items(), strict=True):
            status, body = await self._ask("PUT", relay, f"/parts/{name}", records)
            assert status == 200, body

    async def commit(self, relay: RelayProcess) -> tuple[int, Any]:
        return await self._ask("POST", relay, "/commit")

    async def seen(self, relay: RelayProcess) -> dict[str, Any]:
        status, body = await self._ask("GET", relay, "")
        assert status == 200, body
        return dict(body)

    async def ended(self, relay: RelayProcess) -> dict[str, Any]:
        while (found := await self.seen(relay))["state"] == "committed":  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        return found

    async def _ask(self, method: str, relay: RelayProcess, path: str, body: Any = None) -> tuple[int, Any]:
        async with self._http.request(method, relay.origin + self._path + path, json=body) as answer:
            return answer.status, await answer.json(content_type=None)


@asynccontextmanager
async def committing(at: Scene, held: Held) -> AsyncIterator[tuple[Client, RelayProcess, RelayProcess]]:
    """Two relays, of which `one` was asked to commit, and is held at its request."""
    async with at.relay(name="one") as one, at.relay(name="two") as two, aiohttp.ClientSession() as http:
        client = Client(http)
        await client.fill(one, two)
        asking = asyncio.create_task(client.commit(one))
        await held.reached.wait()
        assert (await client.commit(two))[0] == 409, "it is committed already"
        yield client, one, two
        await asyncio.wait([asking])
        asking.exception()


@pytest.mark.parametrize("where", MOMENTS if SOAK else SAMPLED)
async def test_a_commit_whose_relay_is_killed_is_ended_once_by_another_within_a_lease(at: Scene, where: str) -> None:
    held = Held(at, MOMENTS[where])
    async with asyncio.timeout(120), committing(at, held) as (client, one, two):
        one.process.kill()
        await one.process.wait()
        killed = time.monotonic()
        held.end()
        found = await client.ended(two)
        assert time.monotonic() - killed < LEASE + SLACK
        assert_whole(found)
        async with at.relay(name="three") as three:
            assert await client.seen(three) == found
    await assert_once(at, found)


async def test_a_relay_that_was_frozen_while_committing_ends_nothing_when_it_wakes(at: Scene) -> None:
    held = Held(at, MOMENTS["before the set is completed"])
    async with asyncio.timeout(120), committing(at, held) as (client, one, two):
        one.process.send_signal(signal.SIGSTOP)
        found = await client.ended(two)
        assert_whole(found)
        sent = len(at.emulator.log)
        one.process.send_signal(signal.SIGCONT)
        await until_told(one, "commit_lost")
        held.end()
        assert await client.ended(one) == found
        one.process.send_signal(signal.SIGTERM)
        assert await one.process.wait() == 0, one.log
        assert at.changed_since(sent) == []
    await assert_once(at, found)


async def test_a_commit_that_nobody_went_on_with_does_not_undo_a_newer_set(at: Scene) -> None:
    held = Held(at, MOMENTS["in the middle of staging"])
    async with asyncio.timeout(120), aiohttp.ClientSession() as http:
        client = Client(http)
        async with at.relay(name="one") as one:
            await client.fill(one, one)
            asking = asyncio.create_task(client.commit(one))
            await held.reached.wait()
            one.process.kill()
            await asyncio.wait([asking])
            asking.exception()
            held.end()
        newest = at.write("newest", *accounts(range(30, 70), "newest"))
        while (await at.push(newest)).exit_code:
            """The lane is taken until the lease of the dead relay has run out."""
        before = await at.held()
        async with at.relay(name="two") as two:
            found = await client.ended(two)
        assert found["state"] == "open"
        assert "a later run" in found["report"]["destinations"]["drata"]["notes"][0]
    assert await at.held() == before
    assert {record["email"].partition(".")[0] for record in before.values()} == {"newest"}


async def test_two_relays_that_are_asked_at_the_same_time_commit_once(at: Scene) -> None:
    async with (
        asyncio.timeout(120),
        at.relay(name="one") as one,
        at.relay(name="two") as two,
        aiohttp.ClientSession() as http,
    ):
        client = Client(http)
        await client.fill(one, two)
        answers = await asyncio.gather(*[client.commit(relay) for relay in (one, two, one, two)])
        assert sorted(status for status, _ in answers) == [200, 409, 409, 409]
        found = await client.seen(one)
        assert await client.seen(two) == found
        assert_whole(found)
    await assert_once(at, found)


def assert_whole(found: dict[str, Any]) -> None:
    assert found["state"] == "delivered", found
    books = found["report"]["destinations"]["drata"]
    assert (books["input"], books["delivered"]) == (len(NEW), len(NEW)), books


async def assert_once(at: Scene, found: dict[str, Any]) -> None:
    """One run has staged, in one session, which was completed once; the vendor holds just the set."""
    async with at.journal() as journal:
        [run, before] = await journal.runs()
    assert (run.run_id, run.state) == (found["report"]["run_id"], "complete")
    assert {record["id"]: record["email"] for record in (await at.held()).values()} == NEW
    rows = drata.resource(at.emulator.state(), KIND)["sessions"]
    sessions = [(each["status"], each["sessionId"].rpartition("-")[2]) for each in rows]
    assert sorted(sessions) == [("ACTIVE", run.run_id), ("ARCHIVED", before.run_id)]
