"""Drata sessions over real sockets: answers are lost, runs killed, others at work; nothing is ever half done."""

from __future__ import annotations

import hashlib

import pytest
from tests.support.drata import Drata, resource
from tests.support.evidence import cloud_resources

from proofport.adapter import Mode
from proofport.delivery.report.report import Exit

ACTIONS = "/sessions/[^/]+/actions$"
OWN = f"pp-{hashlib.sha256(b'test').hexdigest()[:8]}-"


async def open_session(drata: Drata, session: str) -> None:
    """What a run that was killed after its first batch leaves behind."""
    configured = drata.block["objects"]["cloud_resource"]
    path = f"/public/v2/custom-connections/{configured['connection_id']}/resources/{configured['resource_id']}"
    headers = {"Authorization": f"Bearer {drata.block['api_key']}"}
    url = f"{drata.emulator.origin}{path}/sessions/{session}"
    staged = {"id": "staged", "display_name": "x", "type": "x"}
    async with drata.emulator.client.post(url, json={"data": [staged]}, headers=headers) as answer:
        assert answer.ok, await answer.text()


@pytest.mark.parametrize("drop", ["before", "middle", "after"])
async def test_a_lost_answer_to_complete_does_not_change_the_end(drata: Drata, drop: str) -> None:
    await drata.emulator.faults(drop=drop, match={"path": ACTIONS})
    report = await drata.push(cloud_resources("a", "b"))
    assert report.exit_code is Exit.OK
    assert await drata.live() == ["a", "b"]
    statuses = await drata.sessions()
    assert statuses == ["ACTIVE"]


@pytest.mark.parametrize("drop", ["before", "middle", "after"])
async def test_a_lost_answer_to_an_upload_is_repeated(drata: Drata, drop: str) -> None:
    await drata.emulator.faults(drop=drop, match={"method": "POST", "path": "/sessions/[^/]+$"})
    assert (await drata.push(cloud_resources("a", "b"))).exit_code is Exit.OK
    assert await drata.live() == ["a", "b"]


@pytest.mark.parametrize("mode", ["snapshot", "upsert"])
async def test_the_strand_of_a_killed_run_is_cancelled_by_the_next(drata: Drata, mode: Mode) -> None:
    await open_session(drata, OWN + "killed")
    assert (await drata.push(cloud_resources("a"), mode=mode)).exit_code is Exit.OK
    assert await drata.live() == ["a"]
    sessions = {
        session["sessionId"]: session["status"] for session in resource(await drata.emulator.state())["sessions"]
    }
    assert sessions[OWN + "killed"] == "CANCELED"


@pytest.mark.parametrize("mode", ["snapshot", "upsert"])
async def test_the_session_of_another_program_is_left_alone(drata: Drata, mode: Mode) -> None:
    await open_session(drata, "nightly-import")
    report = await drata.push(cloud_resources("a"), mode=mode)
    assert report.exit_code is Exit.BLOCKED
    assert "nightly-import" in " ".join(report.destinations["drata"].notes)
    sessions = {
        session["sessionId"]: session["status"] for session in resource(await drata.emulator.state())["sessions"]
    }
    assert sessions == {"nightly-import": "IN_PROGRESS"}
    assert await drata.live() == []


async def test_items_that_fail_cancel_the_snapshot_and_the_old_records_stay(drata: Drata) -> None:
    await drata.push(cloud_resources("a", "b"))
    await drata.emulator.faults(partial_item_failures=1.0)
    report = await drata.push(cloud_resources("a", "b", "c"))
    counts = report.destinations["drata"].as_dict()
    assert (counts["rejected"], counts["delivered"], report.exit_code) == (3, 0, Exit.INCOMPLETE)
    assert all(problem["vendor_message"] for problem in counts["problems"])
    assert await drata.live() == ["a", "b"]
    statuses = await drata.sessions()
    assert "IN_PROGRESS" not in statuses


async def test_removals_reach_the_records_they_name(drata: Drata) -> None:
    awkward = "arn:aws:iam::1:user/a b?c#d%2F"
    await drata.push(cloud_resources("a", awkward), mode="upsert")
    assert (await drata.push(cloud_resources(awkward, "never there"), mode="remove")).exit_code is Exit.OK
    assert await drata.live() == ["a"]
