"""Drata sessions over real sockets: answers are lost, runs killed, others at work; nothing is ever half done."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from proofport.config import Config
from proofport.delivery.report import Exit, RunReport
from proofport.gateway import Gateway
from proofport.testing import Running

ACTIONS = "/sessions/[^/]+/actions$"
OWN = f"pp-{hashlib.sha256(b'test').hexdigest()[:8]}-"


def records(*ids: str) -> list[dict[str, Any]]:
    return [{"id": each, "type": "aws.ec2.instance", "name": each} for each in ids]


async def push(emulator: Running, tmp_path: Path, *ids: str, mode: Any = "snapshot") -> RunReport:
    config = Config.model_validate(
        {
            "instance": "test",
            "journal": tmp_path / "journal.sqlite3",
            "patience": 0,
            "destinations": {"drata": emulator.destination()},
        }
    )
    async with Gateway(config) as gateway:
        return await gateway.push(records(*ids), kind="cloud_resource", to=["drata"], mode=mode)


async def resource(emulator: Running) -> dict[str, Any]:
    state = await emulator.state()
    found = [each for connection in state["connections"] for each in connection["resources"]]
    return next(each for each in found if each["kind"] == "cloud_resource")


async def live(emulator: Running) -> list[str]:
    return sorted(record["id"] for record in (await resource(emulator))["records"])


async def open_session(emulator: Running, session: str) -> None:
    """What a run that was killed after its first batch leaves behind."""
    destination = emulator.destination()
    configured = destination["objects"]["cloud_resource"]
    path = f"/public/v2/custom-connections/{configured['connection_id']}/resources/{configured['resource_id']}"
    headers = {"Authorization": f"Bearer {destination['api_key']}"}
    url = f"{emulator.origin}{path}/sessions/{session}"
    staged = {"id": "staged", "display_name": "x", "type": "x"}
    async with emulator.client.post(url, json={"data": [staged]}, headers=headers) as answer:
        assert answer.ok, await answer.text()


@pytest.mark.parametrize("drop", ["before", "middle", "after"])
async def test_a_lost_answer_to_complete_does_not_change_the_end(
    drata_emulator: Running, tmp_path: Path, drop: str
) -> None:
    await drata_emulator.faults(drop=drop, match={"path": ACTIONS})
    report = await push(drata_emulator, tmp_path, "a", "b")
    assert report.exit_code is Exit.OK
    assert await live(drata_emulator) == ["a", "b"]
    statuses = [session["status"] for session in (await resource(drata_emulator))["sessions"]]
    assert statuses == ["ACTIVE"]


@pytest.mark.parametrize("drop", ["before", "middle", "after"])
async def test_a_lost_answer_to_an_upload_is_repeated(drata_emulator: Running, tmp_path: Path, drop: str) -> None:
    await drata_emulator.faults(drop=drop, match={"method": "POST", "path": "/sessions/[^/]+$"})
    assert (await push(drata_emulator, tmp_path, "a", "b")).exit_code is Exit.OK
    assert await live(drata_emulator) == ["a", "b"]


@pytest.mark.parametrize("mode", ["snapshot", "upsert"])
async def test_the_strand_of_a_killed_run_is_cancelled_by_the_next(
    drata_emulator: Running, tmp_path: Path, mode: str
) -> None:
    await open_session(drata_emulator, OWN + "killed")
    assert (await push(drata_emulator, tmp_path, "a", mode=mode)).exit_code is Exit.OK
    assert await live(drata_emulator) == ["a"]
    sessions = {session["sessionId"]: session["status"] for session in (await resource(drata_emulator))["sessions"]}
    assert sessions[OWN + "killed"] == "CANCELED"


@pytest.mark.parametrize("mode", ["snapshot", "upsert"])
async def test_the_session_of_another_program_is_left_alone(drata_emulator: Running, tmp_path: Path, mode: str) -> None:
    await open_session(drata_emulator, "nightly-import")
    report = await push(drata_emulator, tmp_path, "a", mode=mode)
    assert report.exit_code is Exit.BLOCKED
    assert "nightly-import" in " ".join(report.destinations["drata"].notes)
    sessions = {session["sessionId"]: session["status"] for session in (await resource(drata_emulator))["sessions"]}
    assert sessions == {"nightly-import": "IN_PROGRESS"}
    assert await live(drata_emulator) == []


async def test_items_that_fail_cancel_the_snapshot_and_the_old_records_stay(
    drata_emulator: Running, tmp_path: Path
) -> None:
    await push(drata_emulator, tmp_path, "a", "b")
    await drata_emulator.faults(partial_item_failures=1.0)
    report = await push(drata_emulator, tmp_path, "a", "b", "c")
    counts = report.destinations["drata"].as_dict()
    assert (counts["rejected"], counts["delivered"], report.exit_code) == (3, 0, Exit.INCOMPLETE)
    assert all(problem["vendor_message"] for problem in counts["problems"])
    assert await live(drata_emulator) == ["a", "b"]
    statuses = [session["status"] for session in (await resource(drata_emulator))["sessions"]]
    assert "IN_PROGRESS" not in statuses


async def test_removals_reach_the_records_they_name(drata_emulator: Running, tmp_path: Path) -> None:
    awkward = "arn:aws:iam::1:user/a b?c#d%2F"
    await push(drata_emulator, tmp_path, "a", awkward, mode="upsert")
    assert (await push(drata_emulator, tmp_path, awkward, "never there", mode="remove")).exit_code is Exit.OK
    assert await live(drata_emulator) == ["a"]
