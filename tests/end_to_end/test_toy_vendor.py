"""A vendor that proofport has never heard of: one file and its mapping are enough for everything that it can do."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from tests.support.destination import Destination
from tests.support.reports import counts, notes
from tests.toy.toy_server import Toy

from proofport.delivery.report.report import Exit, RunReport
from proofport.errors import Problem, UnsupportedFeature
from proofport.gateway import Input

pytestmark = pytest.mark.usefixtures("toys_installed")
KEY = "toy-key"
RUNNING = {"id": "i-1", "type": "aws.ec2.instance", "name": "web", "state": "running"}
STOPPED = {"id": "i-2", "type": "aws.ec2.instance", "state": "stopped"}
MELTING = {"id": "i-3", "type": "aws.ec2.instance", "state": "melting"}
COLOURLESS = {"id": "i-4", "type": "aws.ec2.instance"}


@pytest.fixture
async def toy() -> AsyncIterator[tuple[Toy, str]]:
    vendor = Toy(KEY)
    async with TestServer(vendor.application, host="127.0.0.1") as server:
        yield vendor, str(server.make_url("")).rstrip("/")


class Toys(Destination):
    """Whatever is pushed is read from a file."""

    def __init__(self, origin: str, folder: Path, *, key: str = KEY, **guard: Any) -> None:
        super().__init__("toys", {"adapter": "toy", "base_url": origin, "api_key": key}, folder, guard=guard)

    async def push_lines(self, *records: dict[str, Any], **how: Any) -> RunReport:
        lines = self.folder / "input.ndjson"
        lines.write_text("".join(json.dumps(record) + "\n" for record in records))
        return await self.push(Input(lines), **how)


async def test_a_snapshot_with_rejected_records_is_delivered_within_its_terms(
    toy: tuple[Toy, str], tmp_path: Path
) -> None:
    """One record has no mapping, the vendor refuses another: both are named, the good ones are live."""
    vendor, origin = toy
    report = await Toys(origin, tmp_path, max_rejected=2).push_lines(RUNNING, MELTING, STOPPED, COLOURLESS)
    assert counts(report) == {"delivered": 2, "rejected": 2}
    assert report.exit_code is Exit.INCOMPLETE
    assert vendor.live["widgets"] == [
        {"id": "i-1", "label": "web", "colour": "green"},
        {"id": "i-2", "label": "i-2", "colour": "red"},
    ]
    problems = {problem.id: problem for problem in report.destinations["toys"].problems}
    assert problems["i-3"].position.endswith("input.ndjson:2")
    assert _problem(problems["i-3"]).field == "colour"
    assert "melting" in _problem(problems["i-3"]).found
    assert _problem(problems["i-4"]).vendor_message == "colourless"


async def test_a_snapshot_with_too_many_rejected_records_leaves_the_vendor_as_it_was(
    toy: tuple[Toy, str], tmp_path: Path
) -> None:
    vendor, origin = toy
    report = await Toys(origin, tmp_path).push_lines(RUNNING, COLOURLESS)
    assert counts(report) == {"withheld": 1, "rejected": 1}
    assert report.exit_code is Exit.INCOMPLETE
    assert vendor.live["widgets"] == []
    assert vendor.staged == {}


async def test_the_guard_refuses_to_lose_too_much_of_what_the_vendor_holds(
    toy: tuple[Toy, str], tmp_path: Path
) -> None:
    vendor, origin = toy
    toys = Toys(origin, tmp_path)
    assert (await toys.push_lines(RUNNING, STOPPED)).exit_code is Exit.OK
    before = vendor.live
    refused = await toys.push_lines(STOPPED, {**RUNNING, "id": "i-9"})
    assert (refused.exit_code, vendor.live) == (Exit.GUARD, before)
    assert refused.destinations["toys"].gone.ids == ["i-1"]
    allowed = await toys.push_lines(STOPPED, override_guard="i-1 was replaced")
    assert allowed.exit_code is Exit.OK
    assert [widget["id"] for widget in vendor.live["widgets"]] == ["i-2"]


async def test_a_list_that_is_suddenly_short_is_not_believed(toy: tuple[Toy, str], tmp_path: Path) -> None:
    """The new set is what the list shows: publishing it would delete the other."""
    vendor, origin = toy
    toys = Toys(origin, tmp_path, max_gone=0.4)
    await toys.push_lines(RUNNING, STOPPED)
    held, vendor.live["widgets"] = vendor.live["widgets"], []
    report = await toys.push_lines(RUNNING)
    assert (report.exit_code, vendor.staged, vendor.live["widgets"]) == (Exit.GUARD, {}, [])
    assert "toys shows 0 of 2 records delivered from here" in notes(report)
    vendor.live["widgets"] = held[:1]
    assert "1 of 2 records held now would be gone" in notes(await toys.push_lines(RUNNING))


async def test_a_preview_shows_the_exact_body_or_why_there_is_none(toy: tuple[Toy, str], tmp_path: Path) -> None:
    _, origin = toy
    async with Toys(origin, tmp_path).gateway() as at:
        good, bad = await at.preview([RUNNING, MELTING], kind="cloud_resource", mode="snapshot", limit=2)
    assert good.bodies == {"toys": {"id": "i-1", "label": "web", "colour": "green"}}
    assert isinstance(bad.bodies["toys"], Problem)
    assert bad.bodies["toys"].field == "colour"


async def test_a_wrong_key_parks_the_lane(toy: tuple[Toy, str], tmp_path: Path) -> None:
    _, origin = toy
    report = await Toys(origin, tmp_path, key="wrong").push_lines(RUNNING)
    assert report.exit_code is Exit.BLOCKED
    assert counts(report) == {"withheld": 1}


async def test_what_the_vendor_cannot_do_is_refused_before_anything_is_sent(
    toy: tuple[Toy, str], tmp_path: Path
) -> None:
    _, origin = toy
    async with Toys(origin, tmp_path).gateway() as at:
        with pytest.raises(UnsupportedFeature, match="toy knows no upsert"):
            await at.push([RUNNING], kind="cloud_resource", to=["toys"])


def _problem(row: Any) -> Problem:
    problem = row.outcome.problem
    assert isinstance(problem, Problem)
    return problem
