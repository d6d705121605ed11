"""Snapshots in parts: one run over the union, the guard, expiry, and what a crash leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.evidence import cloud_resource, cloud_resources
from tests.support.programs import PATIENCE
from tests.support.relay import Answer, Relay, relay_config, relaying

from proofport.testing import Running


@pytest.fixture
async def relay(drata_emulator: Running, tmp_path: Path) -> AsyncIterator[Relay]:
    async with relaying(relay_config(tmp_path, drata_emulator)) as opened:
        yield opened


async def opened(relay: Relay, **more: Any) -> str:
    answer = await relay.ask("POST", "/v1/snapshots", json={"kind": "cloud_resource", "to": ["drata"], **more})
    assert answer.status == 201, answer.body
    assert answer.headers["Location"] == f"/v1/snapshots/{answer.body['id']}"
    return str(answer.body["id"])


async def put(relay: Relay, snapshot: str, part: str, records: Any, query: str = "") -> Answer:
    return await relay.ask("PUT", f"/v1/snapshots/{snapshot}/parts/{part}{query}", json=records)


async def commit(relay: Relay, snapshot: str, **body: Any) -> Answer:
    return await relay.ask("POST", f"/v1/snapshots/{snapshot}/commit", **({"json": body} if body else {}))


async def held(emulator: Running) -> list[str]:
    records = (await emulator.state())["connections"][0]["resources"][0]["records"]
    return sorted(each["id"] for each in records)


async def delivered(relay: Relay, numbers: range) -> None:
    snapshot = await opened(relay)
    await put(relay, snapshot, "all", cloud_resources(*numbers))
    assert (await commit(relay, snapshot)).status == 200


async def test_the_parts_are_one_set(relay: Relay, drata_emulator: Running) -> None:
    snapshot = await opened(relay)
    await put(relay, snapshot, "b", cloud_resources(3))
    await put(relay, snapshot, "a", cloud_resources(9))
    taken = await put(relay, snapshot, "a", cloud_resources(1, 2))
    assert (taken.status, taken.body["records"]) == (200, 2)
    assert (taken.body["snapshot"]["parts"], taken.body["snapshot"]["records"]) == (2, 3)
    answer = await commit(relay, snapshot)
    assert (answer.status, answer.body["state"]) == (200, "delivered")
    books = answer.body["report"]["destinations"]["drata"]
    assert (books["input"], books["delivered"]) == (3, 3)
    assert await held(drata_emulator) == ["i-1", "i-2", "i-3"]
    sessions = (await drata_emulator.state())["connections"][0]["resources"][0]["sessions"]
    assert len(sessions) == 1
    assert (await relay.get(f"/v1/snapshots/{snapshot}"))["report"] == answer.body["report"]
    assert [each["id"] for each in (await relay.get("/v1/snapshots"))["items"]] == [snapshot]


async def test_the_guards_refusal_comes_with_the_plan_and_can_be_overridden(
    relay: Relay, drata_emulator: Running
) -> None:
    await delivered(relay, range(10))
    snapshot = await opened(relay)
    await put(relay, snapshot, "all", cloud_resources(1, 77))
    refused = await commit(relay, snapshot)
    assert (refused.status, refused.problem) == (409, "guard-refused")
    assert "9 of 10 records" in refused.body["detail"]
    assert "--" not in refused.body["detail"] + refused.body["hint"]
    plan = refused.body["plan"]["drata"]
    assert (plan["gone"]["count"], plan["added"]["ids"]) == (9, ["i-77"])
    assert len(await held(drata_emulator)) == 10
    assert (await relay.get(f"/v1/snapshots/{snapshot}"))["state"] == "open"

    answer = await commit(relay, snapshot, override_guard="sold")
    assert (answer.status, answer.body["state"]) == (200, "delivered")
    assert "The guard was overridden: sold" in answer.body["report"]["destinations"]["drata"]["notes"]
    assert await held(drata_emulator) == ["i-1", "i-77"]


async def test_a_part_that_says_there_is_more_makes_the_guard_refuse(relay: Relay) -> None:
    snapshot = await opened(relay)
    raw = {"Reservations": [{"Instances": [{"InstanceId": "i-9"}]}], "NextToken": "more"}
    query = "?source=aws.ec2.instances&set=region=eu-west-1&set=account_id=1"
    assert (await put(relay, snapshot, "page", raw, query)).status == 200
    refused = await commit(relay, snapshot)
    assert (refused.status, refused.problem) == (409, "guard-refused")
    assert "NextToken" in str(refused.body["report"]["sources"])


async def test_a_commit_may_say_how_many_records_there_are(relay: Relay, drata_emulator: Running) -> None:
    snapshot = await opened(relay)
    await put(relay, snapshot, "1", cloud_resources(1, 2, 3))
    short = await commit(relay, snapshot, records=4)
    assert (short.status, short.problem, short.body["records"]) == (409, "snapshot-incomplete", 3)
    assert short.body["detail"] == "its parts hold 3 records, and 4 are expected"
    assert (await relay.get(f"/v1/snapshots/{snapshot}"))["state"] == "open"
    await put(relay, snapshot, "2", [cloud_resource(4)])
    assert (await commit(relay, snapshot, records=4)).status == 200


async def test_records_that_a_source_leaves_out_are_expected_too(relay: Relay) -> None:
    snapshot = await opened(relay)
    event, pod = ({"apiVersion": "v1", "kind": kind, "metadata": {"uid": kind}} for kind in ("Event", "Pod"))
    query = "?source=k8s.resources&set=region=eu-west-1&set=account_id=1"
    taken = await put(relay, snapshot, "a", {"kind": "List", "items": [event, pod]}, query)
    assert (taken.status, taken.body["records"], sum(taken.body["skipped"].values())) == (200, 1, 1)
    await put(relay, snapshot, "b", {"kind": "List", "items": [event]}, query)
    refused = await commit(relay, snapshot, records=2)
    assert (refused.problem, refused.body["records"], refused.body["parts"]) == ("snapshot-incomplete", 3, 2)
    assert (await commit(relay, snapshot, records=3)).status == 200


async def test_a_part_that_comes_while_the_commit_is_answered_is_counted(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = await opened(relay)
    await put(relay, snapshot, "1", cloud_resources(1, 2))
    journal = await relay.gateway.journal()
    commits = journal.commit_snapshot

    async def late(*given: Any, **how: Any) -> bool:
        await put(relay, snapshot, "1", cloud_resources(1))
        return await commits(*given, **how)

    monkeypatch.setattr(journal, "commit_snapshot", late)
    answer = await commit(relay, snapshot, records=2)
    assert (answer.status, answer.problem) == (409, "snapshot-incomplete")
    assert (answer.body["records"], answer.body["expected"], answer.body["parts"]) == (1, 2, 1)
    assert (await relay.get(f"/v1/snapshots/{snapshot}"))["state"] == "open"


async def test_a_part_is_taken_whole_or_not_at_all(relay: Relay) -> None:
    snapshot = await opened(relay)
    answer = await put(relay, snapshot, "a", [cloud_resource(1), {}])
    assert (answer.status, answer.problem) == (422, "invalid-records")
    assert (await relay.get(f"/v1/snapshots/{snapshot}"))["parts"] == 0
    assert (await put(relay, snapshot, "a b", cloud_resources(1))).problem == "invalid-parameters"


async def test_one_that_was_not_delivered_is_open_again(relay: Relay, drata_emulator: Running) -> None:
    snapshot = await opened(relay)
    await put(relay, snapshot, "a", cloud_resources(1))
    await drata_emulator.faults(status={"code": 403, "times": 9})
    answer = await commit(relay, snapshot)
    assert (answer.status, answer.problem) == (409, "snapshot-not-delivered")
    assert answer.body["detail"] == "drata: 1 withheld of 1 record"
    assert answer.body["report"]["destinations"]["drata"]["withheld"] == 1
    await drata_emulator.faults()
    assert (await commit(relay, snapshot)).status == 200


async def test_one_that_was_delivered_in_part_counts_what_became_of_it(drata_emulator: Running, tmp_path: Path) -> None:
    async with relaying(relay_config(tmp_path, drata_emulator, guard={"max_rejected": 1})) as relay:
        snapshot = await opened(relay, kind="device")
        common = {"owner_email": "ana@example.com", "platform": "linux", "os_version": "6"}
        devices = [{"id": f"d-{n}", "serial_number": serial, **common} for n, serial in enumerate(("S0", "S1", "s1"))]
        await put(relay, snapshot, "a", devices)
        answer = await commit(relay, snapshot)
        assert (answer.status, answer.problem) == (409, "snapshot-not-delivered")
        assert answer.body["title"] == "Not all of the snapshot was delivered"
        assert answer.body["detail"] == "drata: 2 delivered, 1 rejected of 3 records"


async def test_one_that_has_ended_takes_no_more(relay: Relay) -> None:
    snapshot = await opened(relay)
    aborted = await relay.ask("POST", f"/v1/snapshots/{snapshot}/abort")
    assert (aborted.status, aborted.body["state"]) == (200, "aborted")
    for answer in (
        await put(relay, snapshot, "a", cloud_resources(1)),
        await commit(relay, snapshot),
        await relay.ask("POST", f"/v1/snapshots/{snapshot}/abort"),
    ):
        assert (answer.status, answer.problem, answer.body["state"]) == (409, "snapshot-closed", "aborted")


async def test_one_that_nobody_touches_expires(drata_emulator: Running, tmp_path: Path) -> None:
    settings = relay_config(tmp_path, drata_emulator, relay={"snapshot_hours": 1e-9})
    async with relaying(settings) as relay:
        snapshot = await opened(relay)
        answer = await put(relay, snapshot, "a", cloud_resources(1))
        assert (answer.status, answer.problem, answer.body["state"]) == (409, "snapshot-closed", "expired")


async def test_who_does_not_wait_asks_later(drata_emulator: Running, tmp_path: Path) -> None:
    async with relaying(relay_config(tmp_path, drata_emulator, relay={"commit_seconds": 0})) as relay:
        snapshot = await opened(relay)
        await put(relay, snapshot, "a", cloud_resources(1))
        answer = await commit(relay, snapshot)
        assert (answer.status, answer.body["state"], answer.body["report"]) == (202, "committed", None)
        assert answer.headers["Location"] == f"/v1/snapshots/{snapshot}"


@pytest.mark.parametrize("before", [None, "other:1"])
async def test_what_was_committed_is_delivered_after_a_restart(
    drata_emulator: Running, tmp_path: Path, caplog: pytest.LogCaptureFixture, before: str | None
) -> None:
    """The state that a kill -9 between the commit and its end leaves behind, with the reason for the override.

    `before`: who had begun to deliver it. The log says from whom it was taken over.
    """
    caplog.set_level("WARNING", logger="proofport.delivery")
    async with relaying(relay_config(tmp_path, drata_emulator)) as relay:
        await delivered(relay, range(10))
        snapshot = await opened(relay)
        await put(relay, snapshot, "a", cloud_resources(1))
        journal = await relay.gateway.journal()
        await journal.commit_snapshot(snapshot, run_id="r1", override="sold")
        given_back = await journal.claim_commit(owner="gives it back", lease=60)
        assert given_back is not None
        await journal.release_commit(given_back)
        if before is not None:
            await journal.claim_commit(owner=before, lease=0)
    async with relaying(relay_config(tmp_path, drata_emulator)) as relay, asyncio.timeout(PATIENCE):
        while (await relay.get(f"/v1/snapshots/{snapshot}"))["state"] == "committed":
            pass
        assert (await relay.get(f"/v1/snapshots/{snapshot}"))["state"] == "delivered"
    assert await held(drata_emulator) == ["i-1"]
    told = [each.getMessage() for each in caplog.records if "commit_taken_over" in each.getMessage()]
    assert len(told) == (before is not None)
    for word in (snapshot, "destination='drata'", "kind='cloud_resource'", "before='other:1'", "owner='"):
        assert all(word in each for each in told)


@pytest.mark.parametrize(
    ("body", "status", "problem"),
    [
        ({}, 422, "invalid-body"),
        ({"kind": "cloud_resource", "to": []}, 422, "invalid-body"),
        ({"kind": "cloud_resource", "to": ["drata"], "more": 1}, 422, "invalid-body"),
        ({"kind": "cloud_resource", "to": ["nobody"]}, 422, "unknown-name"),
        ({"kind": "nothing", "to": ["drata"]}, 404, "not-found"),
        ({"kind": "custom:thing", "to": ["drata"]}, 422, "not-deliverable"),
        ([], 422, "invalid-body"),
    ],
)
async def test_what_cannot_be_opened_is_said(relay: Relay, body: Any, status: int, problem: str) -> None:
    answer = await relay.ask("POST", "/v1/snapshots", json=body)
    assert (answer.status, answer.problem) == (status, problem)
