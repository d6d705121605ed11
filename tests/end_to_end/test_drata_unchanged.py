"""`skip_unchanged` at Drata: what is live decides, not what was sent once; and a set goes whole or not at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp import web
from tests.support.drata import Drata
from tests.support.evidence import cloud_resources, device, many, person
from tests.support.reports import counts, notes

from proofport.delivery.report.report import Exit, RunReport
from proofport.gateway import Input
from proofport.testing import VendorError


def compared(report: RunReport) -> dict[str, Any]:
    found: dict[str, Any] = report.destinations["drata"].as_dict()["compared"]
    return found


class TestRecords:
    async def test_what_is_live_is_not_sent_by_a_journal_that_knows_nothing(self, drata: Drata) -> None:
        await drata.push(cloud_resources("a", "b", region="eu"), mode="upsert")
        given = cloud_resources("a", region="eu") + cloud_resources("b", region="us", name="b") + cloud_resources("c")
        report = await drata.push(given, mode="upsert", skip_unchanged=True, journal="another runner's")
        assert counts(report) == {"unchanged": 1, "delivered": 2}
        assert compared(report) == {
            "added": {"count": 1, "ids": ["c"]},
            "changed": {"count": 1, "ids": ["b"], "fields": {"b": ["region", "name"]}},
            "unchanged": {"count": 1},
        }
        assert [row["id"] for row in (await drata.written())[-1]["body"]["data"]] == ["b", "c"]

    async def test_what_somebody_deleted_at_the_vendor_is_sent_again(self, drata: Drata) -> None:
        await drata.push(cloud_resources("a", "b"), mode="upsert")
        await drata.seed(records=[row for row in await drata.records() if row["id"] == "b"])
        report = await drata.push(cloud_resources("a", "b"), mode="upsert", skip_unchanged=True)
        assert (counts(report), await drata.live()) == ({"delivered": 1, "unchanged": 1}, ["a", "b"])

    @pytest.mark.parametrize(
        ("held", "given", "is_same"),
        [
            ({}, {}, True),
            ({"public": False}, {"public": False}, True),
            ({"public": None}, {}, False),
            ({"public": False}, {}, False),
            ({}, {"public": False}, False),
            ({"public": 0}, {"public": False}, False),
        ],
    )
    async def test_omitted_null_and_false_are_three(
        self, drata: Drata, held: dict[str, Any], given: dict[str, Any], is_same: bool
    ) -> None:
        await drata.seed(records=[{"id": "a", "display_name": "a", "type": "aws.ec2.instance", **held}])
        report = await drata.push(cloud_resources("a", **given), mode="upsert", skip_unchanged=True)
        assert counts(report) == {"unchanged" if is_same else "delivered": 1}

    async def test_a_patch_compares_what_it_names(self, drata: Drata) -> None:
        drata.block["allow_assumed"] = ["put_merge"]
        await drata.push(cloud_resources("a", "b", "c", region="eu"), mode="upsert")
        given = [{"id": "a", "region": "eu"}, {"id": "b", "region": "us"}, {"id": "c", "name": "new"}]
        report = await drata.push(given, mode="patch", skip_unchanged=True)
        assert compared(report)["changed"]["fields"] == {"b": ["region"], "c": ["display_name", "name"]}
        assert counts(report) == {"unchanged": 1, "delivered": 2}
        plan = (await drata.plan([*given, {"id": "a2", "region": "eu"}], mode="patch")).destinations["drata"]
        assert (plan.difference.unchanged, plan.difference.changed.count) == (3, 0)


class TestSets:
    async def test_a_set_that_is_live_opens_no_session(self, drata: Drata) -> None:
        await drata.push(many(1200))
        before = len(await drata.written())
        report = await drata.push(many(1200), skip_unchanged=True, journal="another runner's")
        assert (report.exit_code, counts(report)) == (Exit.OK, {"unchanged": 1200})
        assert "nothing replaced" in notes(report)
        assert len(await drata.written()) == before
        assert await drata.sessions() == ["ACTIVE"]
        async with drata.gateway("another runner's") as gateway:
            journal = await gateway.journal()
            assert [run.state for run in await journal.runs()] == ["complete"]

    @pytest.mark.parametrize("changed", [0, 600, 1199])
    async def test_one_difference_sends_the_whole_set(self, drata: Drata, changed: int) -> None:
        """What is equal would be deleted by the completion if it were left out."""
        await drata.push(many(1200))
        given = many(1200)
        given[changed]["region"] = "us"
        report = await drata.push(given, skip_unchanged=True)
        assert counts(report) == {"delivered": 1200}
        assert compared(report)["changed"]["fields"] == {given[changed]["id"]: ["region"]}
        assert compared(report)["unchanged"] == {"count": 1199}
        assert len(await drata.live()) == 1200
        assert await drata.sessions() == ["ARCHIVED", "ACTIVE"]

    async def test_what_is_gone_is_a_difference_and_the_guard_is_asked(self, drata: Drata) -> None:
        await drata.push(many(6))
        report = await drata.push(many(5), skip_unchanged=True)
        assert (counts(report), len(await drata.live())) == ({"delivered": 5}, 5)
        refused = await drata.push(many(2), skip_unchanged=True)
        assert (refused.exit_code, len(await drata.live())) == (Exit.GUARD, 5)

    async def test_a_rejected_record_is_not_in_the_set(self, drata: Drata) -> None:
        await drata.push(cloud_resources("a", "b"))
        report = await drata.push([*cloud_resources("a"), {"id": "b"}], skip_unchanged=True)
        assert counts(report) == {"withheld": 1, "rejected": 1}
        assert await drata.live() == ["a", "b"]

    async def test_a_source_that_goes_on_is_no_whole_set_even_if_it_is_live(self, drata: Drata) -> None:
        file = drata.folder / "i.json"
        document: dict[str, Any] = {"Reservations": [{"Instances": [{"InstanceId": "i-1"}]}]}
        file.write_text(json.dumps(document))
        how: Any = {"values": {"region": "eu", "account_id": "1"}, "skip_unchanged": True}
        assert (await drata.push(Input(file, "aws.ec2.instances"), **how)).exit_code is Exit.OK
        file.write_text(json.dumps({**document, "NextToken": "more"}))
        report = await drata.push(Input(file, "aws.ec2.instances"), **how)
        assert (report.exit_code, counts(report)) == (Exit.GUARD, {"unchanged": 1})
        assert await drata.live() == ["i-1"]

    async def test_an_empty_set_is_refused_where_nothing_is_live_too(self, drata: Drata) -> None:
        assert (await drata.push([], skip_unchanged=True)).exit_code is Exit.GUARD

    async def test_records_that_a_completion_deletes_are_named(self, drata: Drata) -> None:
        await drata.seed(records=[])
        await drata.push(many(9) + cloud_resources("direct"), mode="upsert")
        report = await drata.push(many(9), skip_unchanged=True)
        shown = report.destinations["drata"].as_dict()
        assert shown["directly_uploaded"] == shown["gone"] == {"count": 1, "ids": ["direct"]}

    async def test_the_session_of_another_program_still_blocks(self, drata: Drata) -> None:
        await drata.push(cloud_resources("a"))
        rows = {"sessions": [{"sessionId": "theirs", "status": "IN_PROGRESS"}], "records": await drata.records()}
        await drata.seed(**rows)
        report = await drata.push(cloud_resources("a"), skip_unchanged=True)
        assert (report.exit_code, await drata.sessions()) == (Exit.BLOCKED, ["IN_PROGRESS"])

    @pytest.mark.parametrize("meanwhile", [False, True])
    async def test_a_run_that_was_stopped_midway_is_resumed_to_its_end(
        self, drata: Drata, monkeypatch: pytest.MonkeyPatch, meanwhile: bool
    ) -> None:
        """Also when somebody made what is live equal meanwhile: the session that is open has to end."""
        await drata.push(many(2000))
        emulator = drata.emulator.emulator
        authorize, uploads = emulator.authorize, 0

        def expire(request: web.Request) -> None:
            nonlocal uploads
            uploads += request.method == "POST" and "/sessions/" in request.path
            if uploads > 2:
                raise VendorError(401, "API key expired", code=10000)
            authorize(request)

        given = [*many(1999), *cloud_resources("new")]
        monkeypatch.setattr(emulator, "authorize", expire)
        parked = await drata.push(given, skip_unchanged=True)
        assert (parked.exit_code, counts(parked)) == (Exit.BLOCKED, {"withheld": 2000})
        monkeypatch.setattr(emulator, "authorize", authorize)
        if meanwhile:
            records = f"{drata.emulator.origin}/public/v2/custom-connections/1/resources/101/records"
            key = {"Authorization": f"Bearer {drata.block['api_key']}"}
            new = {"id": "new", "display_name": "new", "type": "aws.ec2.instance"}
            async with drata.emulator.client.post(records, json={"data": new}, headers=key) as answer:
                assert answer.ok
            async with drata.emulator.client.delete(f"{records}/i-01999", headers=key) as answer:
                assert answer.ok
        resumed = await drata.push(given, skip_unchanged=True, resume=parked.run_id)
        assert (resumed.exit_code, counts(resumed)) == (Exit.OK, {"delivered": 2000})
        assert len(await drata.live()) == 2000
        assert "IN_PROGRESS" not in await drata.sessions()


class TestDevicesAndPeople:
    async def test_a_device_is_unchanged_when_it_was_sent_so_and_still_shows_so(self, drata: Drata) -> None:
        """Drata does not show the screen lock, among others: for these the journal has the word."""
        given = [device(number, screen_lock_enabled=True, firewall_enabled=True) for number in range(4)]
        await drata.push(given, kind="device", mode="upsert")
        given[1]["screen_lock_enabled"] = False
        state = await drata.emulator.state()
        rows = next(each for each in state["connections"] if each["type"] == "MDM")["devices"]
        next(row for row in rows if row["externalId"] == "d-2")["firewallEnabled"] = False
        rows[:] = [row for row in rows if row["externalId"] != "d-3"]
        await drata.emulator.control("POST", "seed", **state)
        report = await drata.push(given, kind="device", mode="upsert", skip_unchanged=True)
        assert (counts(report), compared(report)["added"]["ids"]) == ({"unchanged": 1, "delivered": 3}, ["d-3"])
        fields = compared(report)["changed"]["fields"]
        assert fields["d-2"] == ["firewallEnabled"]
        assert "screenLockEnabled" in fields["d-1"]

    async def test_a_plan_does_not_call_unchanged_what_it_cannot_see(self, drata: Drata) -> None:
        await drata.push([device(1, screen_lock_enabled=True)], kind="device", mode="upsert")
        same = (await drata.plan([device(1, screen_lock_enabled=True)], kind="device")).destinations["drata"]
        assert (same.difference.unchanged, same.difference.changed.count) == (1, 0)
        other = (await drata.plan([device(1, screen_lock_enabled=False)], kind="device")).destinations["drata"]
        assert "screenLockEnabled" in other.difference.fields["d-1"]
        assert "does not show" in " ".join(other.notes)

    async def test_people_who_are_as_they_were_are_not_sent(self, drata: Drata) -> None:
        await drata.push([person(1), person(2), person(3)], kind="person", mode="upsert")
        before = len(await drata.written())
        given = [person(1), person(2, started_at="2026-01-01T00:00:00Z"), person(3)]
        report = await drata.push(given, kind="person", skip_unchanged=True, journal="another runner's")
        assert counts(report) == {"unchanged": 2, "delivered": 1}
        assert compared(report)["changed"]["fields"] == {"p-2": ["startedAt"]}
        assert len(await drata.written()) == before + 1
