"""A push that was frozen past its lease, and wakes up after another has done its work, changes nothing any more."""

from __future__ import annotations

import asyncio
import signal
from asyncio.subprocess import Process
from pathlib import Path

import pytest
from tests.crash.program import BATCH
from tests.crash.proxy import Point, Request
from tests.crash.scene import KIND, SOAK, Scene, accounts, scene, support
from tests.support.destination import configuration
from tests.support.emulators import NAMES, block

from proofport.adapter import Replaces

BATCHES = 6
RECORDS = BATCHES * BATCH
UPLOADS = {"drata": 3, "secureframe": 2}
"""The request at which the first push freezes: in both cases its third batch."""


ROUNDS: list[tuple[str, Point]] = [("drata", "before"), ("secureframe", "sent")]
if SOAK:
    ROUNDS += [("drata", "sent"), ("secureframe", "before")]


@pytest.mark.parametrize(("vendor", "point"), ROUNDS)
async def test_the_first_ends_nothing_and_the_state_is_the_second_s(tmp_path: Path, vendor: str, point: Point) -> None:
    async with scene(tmp_path, vendor) as at:
        at.write("first.ndjson", *accounts(range(RECORDS), "first"))
        at.write("second.ndjson", *accounts(range(RECORDS), "second"))
        async with at.process(*at.snapshot("first.ndjson"), name="first") as first:
            thaw = await frozen_at(at, first, UPLOADS[vendor], point)
            async with at.process(*at.snapshot("second.ndjson"), name="second") as second:
                code, books, said = await at.finish(second)
            assert (code, books["delivered"]) == (0, RECORDS), said
            held, sent = await at.held(), sent_by(at, "first")
            first.send_signal(signal.SIGCONT)
            thaw.set()
            code, books, said = await at.finish(first)
        assert code == 1
        assert books["delivered"] in ([0] if vendor == "drata" else [BATCH, 2 * BATCH]), "two, or one noted"
        assert books["unknown"] <= 2 * BATCH, "that one, and the one in flight"
        assert books["reasons"]["lane_lost"] >= RECORDS - 3 * BATCH
        assert "taken over" in books["notes"][0]
        on_the_wire = 1 if point == "before" else 0
        assert sent_by(at, "first") - sent == on_the_wire
        if vendor == "drata" or not on_the_wire:  # no vendor checks an epoch: what arrives late is taken
            assert await at.held() == held
        assert at.statuses() <= {"ACTIVE", "CANCELED"}
        async with at.journal() as journal:
            states = {run.run_id: run.state for run in await journal.runs()}
        assert sorted(states.values()) == ["complete", "ended"]


# ------------------------------------------------------------------ sets that go whole
def goes_whole(vendor: str) -> bool:
    adapter = configuration(Path(), {vendor: block(vendor)}).adapter(vendor)
    return KIND in adapter.settings.objects and isinstance(adapter.resource(KIND), Replaces)


@pytest.mark.parametrize("point", ["before", "sent"])
@pytest.mark.parametrize("vendor", [name for name in NAMES if goes_whole(name)])
async def test_a_set_that_was_frozen_on_its_way_does_not_replace_the_later_one(
    tmp_path: Path, vendor: str, point: Point
) -> None:
    async with scene(tmp_path, vendor) as at:
        at.write("first.ndjson", *accounts(range(RECORDS), "first"))
        at.write("second.ndjson", *accounts(range(RECORDS), "second"))
        requests = support(vendor).snapshot_requests(1, 0)
        number = max(number for number, method in enumerate(requests) if method != "GET")
        async with at.process(*at.snapshot("first.ndjson"), name="first") as first:
            thaw = await frozen_at(at, first, number, point)
            async with at.process(*at.snapshot("second.ndjson"), name="second") as second:
                code, books, said = await at.finish(second)
            assert (code, books["delivered"]) == (0, RECORDS), said
            held = await at.held()
            first.send_signal(signal.SIGCONT)
            thaw.set()
            code, books, said = await at.finish(first)
        assert (code, books["delivered"]) == (1, 0), said
        assert "taken over" in books["notes"][0]
        assert await at.held() == held, "its token was revoked, so that a late set is refused"
        async with at.journal() as journal:
            states = {run.run_id: run.state for run in await journal.runs()}
        assert sorted(states.values()) == ["complete", "ended"]


async def frozen_at(at: Scene, process: Process, number: int, point: Point) -> asyncio.Event:
    """Freeze the process there, and hold the request back until the event that is returned is set."""
    frozen, thaw = asyncio.Event(), asyncio.Event()

    async def meddle(request: Request, here: Point) -> bool:
        if (request.process, request.number, here) == ("first", number, point):
            await at.freeze(process)
            frozen.set()
            await thaw.wait()
        return False

    at.proxy.meddle = meddle
    async with asyncio.timeout(60):
        await frozen.wait()
    return thaw


def sent_by(at: Scene, process: str) -> int:
    """How many writing requests of that process the vendor has received."""
    return sum(each.method != "GET" and each.headers.get("X-Process") == process for each in at.emulator.log)
