"""Two relays that accept and a worker that delivers, on one PostgreSQL: whatever one relay knows, the other knows."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.support.cli import CommandLine
from tests.support.emulators import block
from tests.support.evidence import cloud_resources
from tests.support.postgres import Database
from tests.support.programs import PATIENCE, process
from tests.support.relay import Relay, relay_config, relaying

from proofport.relay.access import keys
from proofport.relay.access.keys import issue
from proofport.testing import Running

ONCE = {"Idempotency-Key": "once"}


class Pair:
    """`first` accepts, `second` is asked about it; neither delivers. Both are given the same key."""

    def __init__(self, first: Relay, second: Relay, folder: Path, emulator: Running, journal: str) -> None:
        self.first = first
        self.second = second
        self._folder = folder
        self._emulator = emulator
        self._journal = journal

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """`proofport worker`, until the block ends."""
        cli = CommandLine(self._folder, {"drata": block("drata", self._emulator.origin)}, instance="test")
        cli.configure(journal="env:JOURNAL")
        async with process("worker", folder=self._folder, JOURNAL=self._journal) as worker:
            yield
            worker.send_signal(signal.SIGTERM)
            await worker.communicate()
            assert worker.returncode == 0


@pytest.fixture
async def pair(drata_emulator: Running, tmp_path: Path, postgres: Database) -> AsyncIterator[Pair]:
    journal = postgres.empty()
    settings = relay_config(tmp_path, drata_emulator, journal=journal, relay={"rate": {"per_minute": 0}})
    async with relaying(settings, deliver=False) as first, relaying(settings, deliver=False) as second:
        everything = {"name": "ci", "tenant": "default", "may_read": True, "may_write": True}
        token, _ = await issue(await first.gateway.journal(), **everything)
        for each in (first, second):
            each.client.headers["Authorization"] = f"Bearer {token}"
        yield Pair(first, second, tmp_path, drata_emulator, journal)


async def test_what_one_relay_accepts_the_other_answers_for(pair: Pair) -> None:
    first, second = pair.first, pair.second
    accepted = await first.post(cloud_resources(1), headers=ONCE)
    again = await second.post(cloud_resources(1), headers=ONCE)
    assert (accepted.status, again.status) == (202, 202)
    assert again.body["deliveries"] == accepted.body["deliveries"]
    assert (await second.post(cloud_resources(2), headers=ONCE)).problem == "idempotency-key-reused"

    where = accepted.headers["Location"]
    assert [each["state"] for each in (await second.get("/v1/deliveries"))["items"]] == ["queued"]
    lanes = (await first.get("/v1/lanes"))["items"]
    assert [each["queued"] for each in lanes] == [1]
    assert (await second.get("/v1/lanes"))["items"] == lanes
    async with pair.working():
        await second.settled()
    delivery = await first.get(where)
    assert (delivery["state"], delivery["outcomes"]["delivered"]) == ("done", 1)
    assert await second.get(where) == delivery
    for relay in (first, second):
        ready = await relay.get("/readyz")
        assert {name: check["ok"] for name, check in ready["checks"].items()}["journal"] is True
        queued = 'proofport_lane_queued_deliveries{destination="drata",kind="cloud_resource",lane="'
        assert "proofport_journal_up 1.0" in await _told(relay, queued)


async def _told(relay: Relay, awaited: str) -> str:
    """The metrics of a relay, once they have a line: one look at the journal answers for a while."""
    async with asyncio.timeout(PATIENCE):
        while True:
            async with relay.client.get(f"{relay.origin}/metrics") as answer:
                told = await answer.text()
            if awaited in told:
                return told
            await asyncio.sleep(0.01)


async def test_a_snapshot_that_one_relay_opens_the_other_fills_and_commits(pair: Pair) -> None:
    first, second = pair.first, pair.second
    opened = await first.ask("POST", "/v1/snapshots", json={"kind": "cloud_resource", "to": ["drata"]})
    snapshot = opened.headers["Location"]
    for part, relay in enumerate((first, second)):
        put = await relay.ask("PUT", f"{snapshot}/parts/p{part}", json=cloud_resources(part))
        assert put.status == 200, put.body
    async with asyncio.timeout(PATIENCE):
        committed = await second.ask("POST", f"{snapshot}/commit")
    assert (committed.status, committed.body["state"], committed.body["records"]) == (200, "delivered", 2)
    assert await first.get(snapshot) == committed.body
    refused = await first.ask("POST", f"{snapshot}/commit")
    assert (refused.problem, refused.body["state"]) == ("snapshot-closed", "delivered")


async def test_a_key_that_is_revoked_is_good_at_neither(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "RECHECK", 0.0)
    relays = (pair.first, pair.second)
    assert [(await relay.ask("GET", "/v1/lanes")).status for relay in relays] == [200, 200]
    journal = await pair.first.gateway.journal()
    [key] = await journal.access_keys()
    assert await journal.revoke_access_key(key.prefix)
    assert [(await relay.ask("GET", "/v1/lanes")).status for relay in relays] == [401, 401]
