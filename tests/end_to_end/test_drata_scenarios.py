"""What may happen to a delivery to Drata, over a real socket: nothing is ever half done, and all of it is said."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import web
from tests.support.clock import Naps
from tests.support.drata import Drata
from tests.support.evidence import cloud_resources, many
from tests.support.reports import counts, notes

from proofport.delivery import conversation
from proofport.delivery.order import Progress
from proofport.delivery.report.report import Exit
from proofport.errors import ConfigError, Retryable
from proofport.gateway import Input
from proofport.http import patience
from proofport.http.retry import waiting
from proofport.testing import VendorError

STRICT = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "region": {"type": "string"}},
    "required": ["id", "region"],
}


class TestItems:
    async def test_of_a_mixed_batch_the_good_records_are_delivered(self, drata: Drata) -> None:
        await drata.seed(schema=STRICT)
        given = cloud_resources("a", "b", region="eu") + cloud_resources("c")
        report = await drata.push(given, mode="upsert")
        assert (counts(report), report.exit_code) == ({"delivered": 2, "rejected": 1}, Exit.INCOMPLETE)
        (problem,) = report.destinations["drata"].as_dict()["problems"]
        assert (problem["id"], problem["field"]) == ("c", None)
        assert "must have required property 'region'" in problem["vendor_message"]
        assert await drata.live() == ["a", "b"]

    async def test_a_snapshot_with_a_bad_record_is_cancelled(self, drata: Drata) -> None:
        await drata.seed(schema=STRICT, records=[{"id": "old", "region": "eu"}])
        report = await drata.push(cloud_resources("old", "a", region="eu") + cloud_resources("c"))
        assert counts(report) == {"rejected": 1, "withheld": 2}
        assert await drata.live() == ["old"]
        assert await drata.sessions() == ["CANCELED"]

    async def test_a_body_that_is_too_large_is_halved_down_to_one_record(self, drata: Drata) -> None:
        await drata.emulator.switch(max_body_bytes=2_000)
        given = cloud_resources("a", "b", "c") + cloud_resources("huge", description="x" * 3_000) + cloud_resources("d")
        report = await drata.push(given, mode="upsert")
        assert counts(report) == {"delivered": 4, "rejected": 1}
        assert [problem.id for problem in report.destinations["drata"].problems] == ["huge"]
        assert await drata.live() == ["a", "b", "c", "d"]


class TestSets:
    async def test_too_many_gone_is_refused_and_an_override_goes_through(self, drata: Drata) -> None:
        await drata.push(cloud_resources("a", "b", "c", "d"))
        refused = await drata.push(cloud_resources("a", "b"))
        assert refused.exit_code is Exit.GUARD
        assert "2 of 4" in notes(refused)
        assert await drata.live() == ["a", "b", "c", "d"]
        meant = await drata.push(cloud_resources("a", "b"), override_guard="c and d were closed")
        assert (meant.exit_code, await drata.live()) == (Exit.OK, ["a", "b"])
        assert "c and d were closed" in notes(meant)
        assert "IN_PROGRESS" not in await drata.sessions()

    async def test_a_source_that_goes_on_replaces_nothing(self, drata: Drata) -> None:
        await drata.push(cloud_resources("i-1", "i-2"))
        document = {
            "Reservations": [{"Instances": [{"InstanceId": "i-1"}, {"InstanceId": "i-2"}]}],
            "NextToken": "more",
        }
        file = drata.folder / "i.json"
        file.write_text(json.dumps(document))
        report = await drata.push(Input(file, "aws.ec2.instances"), values={"region": "eu", "account_id": "1"})
        assert report.exit_code is Exit.GUARD
        assert "NextToken" in notes(report)
        assert {record["type"] for record in await drata.records()} == {"aws.ec2.instance"}
        assert "region" not in (await drata.records())[0]

    async def test_two_sources_are_one_set_and_one_session(self, drata: Drata) -> None:
        await drata.push(cloud_resources("a", "b"))
        report = await drata.push([Input(cloud_resources("a")), Input(cloud_resources("b"))])
        assert (report.exit_code, await drata.live()) == (Exit.OK, ["a", "b"])
        assert await drata.sessions() == ["ARCHIVED", "ACTIVE"]

    async def test_an_empty_set_is_refused(self, drata: Drata) -> None:
        await drata.push(cloud_resources("a"))
        report = await drata.push([])
        assert report.exit_code is Exit.GUARD
        assert "empty" in notes(report)
        assert await drata.live() == ["a"]

    async def test_an_empty_set_that_is_meant_deletes_record_by_record(self, drata: Drata) -> None:
        await drata.push(cloud_resources("a", "b/ c"))
        drata.block["objects"]["cloud_resource"]["empty_set"] = "delete_all"
        refused = await drata.push([])
        assert (refused.exit_code, await drata.live()) == (Exit.GUARD, ["a", "b/ c"])
        report = await drata.push([], override_guard="the account was closed")
        assert (report.exit_code, await drata.live()) == (Exit.OK, [])
        assert "2 records deleted" in notes(report)

    async def test_an_export_that_is_empty_and_not_whole_deletes_nothing(self, drata: Drata) -> None:
        await drata.push(cloud_resources("a"))
        drata.block["objects"]["cloud_resource"]["empty_set"] = "delete_all"
        drata.options["guard"] = {"max_gone": 1.0}
        file = drata.folder / "i.json"
        file.write_text('{"Reservations": [], "NextToken": "more"}')
        report = await drata.push(Input(file, "aws.ec2.instances"), values={"region": "eu"})
        assert (report.exit_code, await drata.live()) == (Exit.GUARD, ["a"])

    @pytest.mark.parametrize("journals", [("one", "one"), ("one", "two")])
    async def test_two_writers_never_both_complete(self, drata: Drata, journals: tuple[str, str]) -> None:
        """In one journal the second waits; with two journals, Drata lets only one session in."""
        drata.options |= {"patience": 10}
        runs = (drata.push(many(1200), journal=name) for name in journals)
        reports = await asyncio.gather(*runs)
        statuses = await drata.sessions()
        assert statuses.count("ACTIVE") == 1
        assert "IN_PROGRESS" not in statuses
        assert Exit.OK in [report.exit_code for report in reports]
        if journals[0] == journals[1]:
            assert [report.exit_code for report in reports] == [Exit.OK, Exit.OK]
        else:
            assert statuses.count("ARCHIVED") == 0 or [report.exit_code for report in reports] == [Exit.OK, Exit.OK]
        assert len(await drata.live()) == 1200


class TestKeys:
    async def test_a_key_that_expires_midway_completes_nothing_and_the_run_is_resumed(
        self, drata: Drata, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await drata.push(cloud_resources("old"))
        emulator, uploads = drata.emulator.emulator, 0
        authorize = emulator.authorize

        def expire(request: web.Request) -> None:
            nonlocal uploads
            uploads += request.method == "POST" and "/sessions/" in request.path
            if uploads > 4:
                raise VendorError(401, "API key expired", code=10000)
            authorize(request)

        given = many(10 * 500) + cloud_resources("old")
        monkeypatch.setattr(emulator, "authorize", expire)
        parked = await drata.push(given)
        assert parked.exit_code is Exit.BLOCKED
        assert "code 10000" in notes(parked)
        assert set(counts(parked)) == {"withheld"}
        monkeypatch.setattr(emulator, "authorize", authorize)
        assert await drata.live() == ["old"]
        before = len(await drata.emulator.received())
        resumed = await drata.push(given, resume=parked.run_id)
        assert (resumed.exit_code, counts(resumed)) == (Exit.OK, {"delivered": 5_001})
        assert len(await drata.live()) == 5_001
        sent = [each for each in (await drata.emulator.received())[before:] if each["path"].endswith(parked.run_id)]
        assert len(sent) <= 11 - 4

    @pytest.mark.parametrize("access", ["expired", "plan", "permission", "terms"])
    async def test_what_a_person_must_mend_parks_the_lane(self, drata: Drata, access: str) -> None:
        await drata.emulator.switch(access=access)
        report = await drata.push(cloud_resources("a"), mode="upsert")
        assert (report.exit_code, counts(report)) == (Exit.BLOCKED, {"withheld": 1})
        words = {"expired": "API Keys", "plan": "Advanced", "permission": "permission “", "terms": "accept"}
        assert words[access] in notes(report)
        assert "Drata refused to list sessions: " in notes(report)
        await drata.emulator.switch(access="granted")
        assert (await drata.push(cloud_resources("a"), mode="upsert", resume=report.run_id)).exit_code is Exit.OK


class TestPlans:
    async def test_direct_records_that_a_completion_would_delete_are_named(self, drata: Drata) -> None:
        await drata.push(cloud_resources("a", "b"), journal="another runner's")
        await drata.emulator.switch(direct_upload_joins="active")
        await drata.seed(records=[], sessions=[])
        await drata.push(cloud_resources("direct", "kept"), mode="upsert")
        plan = (await drata.plan(cloud_resources("kept", "new"))).as_dict()["destinations"]["drata"]
        assert plan["directly_uploaded"] == {"count": 1, "ids": ["direct"]}
        assert plan["gone"]["ids"] == ["direct"]
        assert plan["added"]["ids"] == ["new"]
        assert plan["unchanged"] == {"count": 1}
        assert "1 of 2" in plan["guard"]

    async def test_what_changes_is_named_by_field(self, drata: Drata) -> None:
        await drata.push(cloud_resources("a", region="eu", public=False) + cloud_resources("b"))
        plan = await drata.plan(
            cloud_resources("a", region="us", encrypted=True) + cloud_resources("b") + [{"id": "bad"}]
        )
        found = plan.as_dict()["destinations"]["drata"]
        assert sorted(found["changed"]["fields"]["a"]) == ["encrypted", "public", "region"]
        assert (found["unchanged"]["count"], found["not_expressible"]["count"]) == (1, 1)
        assert plan.exit_code is Exit.INCOMPLETE

    async def test_a_plan_writes_nothing(self, drata: Drata) -> None:
        await drata.push(cloud_resources("a"))
        before = await drata.emulator.state()
        await drata.plan(cloud_resources("b", "c"))
        assert await drata.emulator.state() == before

    async def test_ten_thousand_records_are_read_page_by_page(self, drata: Drata) -> None:
        rows = [{"id": each["id"], "display_name": each["id"], "type": each["type"]} for each in many(10_000)]
        await drata.seed(records=rows)
        plan = (await drata.plan(many(10_000)[1:] + cloud_resources("new"))).destinations["drata"]
        assert (plan.difference.unchanged, plan.difference.added.ids, plan.gone.ids) == (9_999, ["new"], ["i-00000"])
        pages = [each for each in await drata.emulator.received() if each["path"].endswith("/records")]
        assert len(pages) == 20

    async def test_a_removal_says_what_is_there_to_remove(self, drata: Drata) -> None:
        await drata.push(cloud_resources("a", "b"))
        plan = (await drata.plan([{"id": "a"}, {"id": "never"}], mode="remove")).destinations["drata"]
        assert (plan.gone.ids, plan.difference.unchanged) == (["a"], 1)

    async def test_a_long_pause_is_waited_out_and_told(self, drata: Drata, monkeypatch: pytest.MonkeyPatch) -> None:
        naps, told = Naps(), list[str]()
        monkeypatch.setattr(conversation, "waiting", lambda *asked, **how: waiting(*asked, **{**how, "sleep": naps}))
        await drata.push(cloud_resources("a"))
        drata.options |= {"patience": 30}
        await drata.emulator.faults(status={"code": 429, "times": 1, "retry_after": 20})

        def watch(progress: Progress) -> None:
            told.extend(note for each in progress.destinations.values() if (note := each.note))

        async with drata.gateway() as gateway:
            plan = await gateway.plan(cloud_resources("a"), kind="cloud_resource", to="drata", on_progress=watch)
        assert (plan.destinations["drata"].difference.unchanged, naps.total) == (1, 20)
        assert [note.rpartition("; ")[2] for note in told[:2]] == ["goes on in 20 s", "goes on in 19 s"]

    async def test_patience_ends(self, drata: Drata) -> None:
        drata.options |= {"patience": 10}
        await drata.emulator.faults(status={"code": 429, "times": 1, "retry_after": 20})
        with pytest.raises(Retryable, match="429"):
            await drata.plan(cloud_resources("a"))

    async def test_it_ends_while_a_vendor_is_silent_too(self, drata: Drata, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(patience, "LEAST_ATTEMPT", 0.05)
        drata.options |= {"patience": 0.1}
        await drata.emulator.faults(latency_ms=600)
        report = await drata.push(cloud_resources("a"), mode="upsert")
        assert report.exit_code is Exit.INCOMPLETE
        assert "no answer in time" in notes(report)


class TestTwoSetsForOneResource:
    async def test_they_are_refused_although_they_are_in_two_destinations(self, drata: Drata) -> None:
        """The snapshot of one would delete the records of the other."""
        drata.others["other"] = {
            **drata.block,
            "objects": {"training_record": drata.block["objects"]["cloud_resource"]},
        }
        with pytest.raises(ConfigError, match="training_record of other go to one object") as refused:
            await drata.push(cloud_resources("a"))
        assert "other" in str(refused.value.hint)
        assert await drata.emulator.received() == []
        assert (await drata.push(cloud_resources("a"), mode="upsert")).exit_code is Exit.OK, "it deletes nothing"
