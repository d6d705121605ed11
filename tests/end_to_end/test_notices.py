"""Notices of a push and of a worker: over sockets, from the configuration to the one who gets them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest
from tests.support.destination import Destination
from tests.support.evidence import cloud_resource
from tests.toy.whole_server import Whole
from tests.unit.notices.support import SECRET, Receiver, is_signed, receiving

from proofport.delivery.report.report import Exit
from proofport.errors import UsageError
from proofport.gateway import Input
from proofport.notices import teller

pytestmark = pytest.mark.usefixtures("toys_installed")
ASSETS = [cloud_resource(number, name=f"web {number}") for number in range(4)]


@pytest.fixture
async def receiver(wholes: Destination) -> AsyncIterator[Receiver]:
    async with receiving() as one:
        wholes.options["notices"] = [{"url": f"{one.origin}/hook", "secret": SECRET}]
        yield one


async def test_a_push_tells_what_the_guard_has_refused_and_a_later_one_its_end(
    whole: Whole, wholes: Destination, receiver: Receiver
) -> None:
    await wholes.push(ASSETS)
    assert receiver.told == []
    for _ in range(2):
        refused = await wholes.push(ASSETS[:1])
        assert refused.exit_code is Exit.GUARD
    [begun] = receiver.bodies
    assert is_signed(*receiver.requests[0])
    assert (begun["event"], begun["about"]["destination"], begun["about"]["kind"]) == (
        "guard_refused",
        "wholes",
        "cloud_resource",
    )
    assert "3 of 4 records held now would be gone" in begun["about"]["reason"]
    await wholes.push(ASSETS[:1], override_guard="the others were switched off")
    assert receiver.told == [("guard_refused", "begun"), ("guard_refused", "over")]


async def test_a_receiver_that_is_away_changes_nothing_of_a_push_and_hears_it_later(
    whole: Whole, wholes: Destination, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(teller, "FIRST_PAUSE", 0.5)
    monkeypatch.setattr(teller, "EVERY", 0.05)
    await wholes.push(ASSETS)
    receiver.statuses = [500]
    refused = await wholes.push(ASSETS[:1])
    assert refused.exit_code is Exit.GUARD
    assert len(receiver.requests) == 1
    async with wholes.gateway() as gateway, asyncio.timeout(30):
        stop = asyncio.Event()
        working = asyncio.create_task(gateway.work(stop))
        while len(receiver.requests) < 2:  # noqa: ASYNC110 - the receiver tells of nothing
            await asyncio.sleep(0.01)
        stop.set()
        await working
    assert receiver.told == [("guard_refused", "begun")] * 2
    assert receiver.requests[0][1] == receiver.requests[1][1]


async def test_a_push_that_is_refused_for_an_old_input_tells_what_is_stale(
    whole: Whole, wholes: Destination, receiver: Receiver, tmp_path: Path
) -> None:
    """Where only cron pushes, nobody else looks."""
    wholes.block |= {"objects": {"cloud_resource": {"max_age": "1d"}}}
    file = tmp_path / "old.ndjson"
    file.write_bytes(b"".join(orjson.dumps(each) + b"\n" for each in ASSETS))
    os.utime(file, (0, 0))
    with pytest.raises(UsageError, match="is too old"):
        await wholes.push(Input(file), max_input_age=86_400.0)
    assert receiver.told == [("set_stale", "begun")]
    await wholes.push(Input(file))
    assert receiver.told == [("set_stale", "begun"), ("set_stale", "over")]


async def test_a_dry_run_tells_nothing(whole: Whole, wholes: Destination, receiver: Receiver) -> None:
    await wholes.push(ASSETS)
    await wholes.push(ASSETS[:1], dry_run=True)
    assert receiver.told == []
