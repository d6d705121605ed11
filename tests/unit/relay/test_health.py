"""Whether the relay is alive and ready, and what it says when it is not."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.relay import Relay, relay_config, relaying

from proofport.errors import JournalError
from proofport.journal.contract import Failure, NewDelivery
from proofport.journal.sqlite import SqliteJournal
from proofport.relay.operating import backlog, health

LANE = "@acme/vendor.example/4/104"


@pytest.fixture(autouse=True)
def always_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "CHECK_EVERY", 0.0)
    monkeypatch.setattr(backlog, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(backlog, "SHARE", 0)


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[Relay]:
    async with relaying(relay_config(tmp_path, relay={"ready": {"age_seconds": 100}}), deliver=False) as opened:
        yield opened


async def park(relay: Relay) -> None:
    run = await (await relay.gateway.journal()).claim(LANE, owner="me", lease=60)
    assert run is not None
    await run.park("acme: the key 1234 was refused")
    await run.release()


async def failing(relay: Relay, query: str = "") -> dict[str, Any]:
    """The checks that fail."""
    answer = await relay.ask("GET", f"/readyz{query}")
    if answer.status == 200:
        assert answer.body["status"] == "ready"
    else:
        assert (answer.status, answer.problem) == (503, "not-ready")
    return {name: each["detail"] for name, each in answer.body["checks"].items() if not each["ok"]}


async def test_ready(relay: Relay) -> None:
    answer = await relay.ask("GET", "/readyz")
    assert answer.status == 200
    assert answer.body == {
        "status": "ready",
        "checks": {
            "journal": {"ok": True, "detail": "the journal can be written"},
            "lanes": {"ok": True, "detail": "0 of 0 lanes are parked"},
            "age": {"ok": True, "detail": "the oldest delivery has waited for 0 s"},
            "room": {"ok": True, "detail": "more evidence is accepted"},
        },
    }


async def test_a_parked_lane_is_told_without_its_name(relay: Relay) -> None:
    await park(relay)
    answer = await relay.ask("GET", "/readyz")
    assert answer.body["checks"]["lanes"] == {"ok": False, "detail": "1 of 1 lanes are parked"}
    assert "acme" not in str(answer.body)
    assert "1234" not in str(answer.body)
    assert await failing(relay, "?exclude=lanes&exclude=age") == {}


async def test_a_lane_that_breaks_down_is_told_without_its_name(relay: Relay) -> None:
    journal = await relay.gateway.journal()
    await journal.accept([NewDelivery(LANE, "prod", "device", "upsert", b"", 1)])
    run = await journal.claim(owner="me", lease=60)
    assert run is not None
    await run.later((await run.take(1))[0], 1, Failure("broke_down", "acme: 1234"), broke_down=True)
    found = await failing(relay)
    assert found == {"lanes": "0 of 1 lanes are parked, 1 break down at the first delivery"}
    assert (await relay.get("/v1/lanes"))["items"] == [], "it is of another tenant"


async def test_what_waits_for_too_long_is_told_unless_its_lane_is_parked(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = await relay.gateway.journal()
    await journal.accept([NewDelivery(LANE, "prod", "device", "upsert", b"", 1)])
    assert await failing(relay) == {}
    later = time.time() + 150
    monkeypatch.setattr(backlog, "time", type("Clock", (), {"time": lambda: later, "monotonic": time.monotonic}))
    assert await failing(relay) == {"age": "the oldest delivery has waited for 150 s"}
    await park(relay)
    assert list(await failing(relay)) == ["lanes"]


async def test_a_journal_that_cannot_be_written_is_told_without_where_it_is(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: Any, **__: Any) -> float:
        raise JournalError("/var/lib/acme/journal: database or disk is full")

    monkeypatch.setattr(SqliteJournal, "permit", full)
    found = await failing(relay)
    assert found["journal"] == "the journal cannot be written; the log says why"
    assert found.keys() == {"journal", "lanes", "age", "room"}
    assert "acme" not in str(found)
    assert (await relay.ask("GET", "/healthz")).body == {"status": "alive"}, "nothing that a restart would mend"


async def test_a_full_disk_is_told_although_a_small_write_still_goes_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 4096))
    config = relay_config(tmp_path, relay={"overload": {"free_bytes": 0}})  # which limits nothing
    async with relaying(config, deliver=False) as relay:
        assert await failing(relay) == {"journal": "the journal's disk is full"}


async def test_a_journal_that_does_not_answer_is_not_waited_for(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(*_: Any, **__: Any) -> float:
        await asyncio.Event().wait()
        return 0.0

    monkeypatch.setattr(SqliteJournal, "permit", silent)
    monkeypatch.setattr(health, "WRITE_SECONDS", 0.01)
    assert "journal" in await failing(relay)


async def test_many_who_ask_cost_one_check(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "CHECK_EVERY", 3600.0)
    asked = []

    async def permit(*_: Any, **__: Any) -> float:
        asked.append(1)
        return 0.0

    monkeypatch.setattr(SqliteJournal, "permit", permit)
    answers = await asyncio.gather(*(relay.ask("GET", "/readyz") for _ in range(20)))
    assert {each.status for each in answers} == {200}
    assert len(asked) == 1
