"""What may happen to a delivery to Drata, over a real socket: nothing is ever half done, and all of it is said."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import web
from tests.end_to_end.tenant import Tenant, counts, many, notes, resources
from tests.unit.delivery.support import Naps

from proofport.delivery import conversation
from proofport.delivery.report import Exit
from proofport.delivery.run import Progress
from proofport.errors import Retryable
from proofport.gateway import Input
from proofport.http.retry import waiting
from proofport.testing import VendorError

STRICT = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "region": {"type": "string"}},
    "required": ["id", "region"],
}


class TestItems:
    async def test_of_a_mixed_batch_the_good_records_are_delivered(self, tenant: Tenant) -> None:
        await tenant.seed(schema=STRICT)
        given = resources("a", "b", region="eu") + resources("c")
        report = await tenant.push(given, mode="upsert")
        assert (counts(report), report.exit_code) == ({"delivered": 2, "rejected": 1}, Exit.INCOMPLETE)
        (problem,) = report.destinations["drata"].as_dict()["problems"]
        assert (problem["id"], problem["field"]) == ("c", None)
        assert "must have required property 'region'" in problem["vendor_message"]
        assert await tenant.live() == ["a", "b"]

    async def test_a_snapshot_with_a_bad_record_is_cancelled(self, tenant: Tenant) -> None:
        await tenant.seed(schema=STRICT, records=[{"id": "old", "region": "eu"}])
        report = await tenant.push(resources("old", "a", region="eu") + resources("c"))
        assert counts(report) == {"rejected": 1, "withheld": 2}
        assert await tenant.live() == ["old"]
        assert await tenant.sessions() == ["CANCELED"]

    async def test_a_body_that_is_too_large_is_halved_down_to_one_record(self, tenant: Tenant) -> None:
        await tenant.emulator.switch(max_body_bytes=2_000)
        given = resources("a", "b", "c") + resources("huge", description="x" * 3_000) + resources("d")
        report = await tenant.push(given, mode="upsert")
        assert counts(report) == {"delivered": 4, "rejected": 1}
        assert [problem.id for problem in report.destinations["drata"].problems] == ["huge"]
        assert await tenant.live() == ["a", "b", "c", "d"]


class TestSets:
    async def test_too_many_gone_is_refused_and_an_override_goes_through(self, tenant: Tenant) -> None:
        await tenant.push(resources("a", "b", "c", "d"))
        refused = await tenant.push(resources("a", "b"))
        assert refused.exit_code is Exit.GUARD
        assert "2 of 4" in notes(refused)
        assert await tenant.live() == ["a", "b", "c", "d"]
        meant = await tenant.push(resources("a", "b"), override_guard="c and d were closed")
        assert (meant.exit_code, await tenant.live()) == (Exit.OK, ["a", "b"])
        assert "c and d were closed" in notes(meant)
        assert "IN_PROGRESS" not in await tenant.sessions()

    async def test_a_source_that_goes_on_replaces_nothing(self, tenant: Tenant) -> None:
        await tenant.push(resources("i-1", "i-2"))
        document = {
            "Reservations": [{"Instances": [{"InstanceId": "i-1"}, {"InstanceId": "i-2"}]}],
            "NextToken": "more",
        }
        file = tenant.folder / "i.json"
        file.write_text(json.dumps(document))
        report = await tenant.push(Input(file, "aws.ec2.instances"), values={"region": "eu", "account_id": "1"})
        assert report.exit_code is Exit.GUARD
        assert "NextToken" in notes(report)
        assert {record["type"] for record in await tenant.held()} == {"aws.ec2.instance"}
        assert "region" not in (await tenant.held())[0]

    async def test_two_sources_are_one_set_and_one_session(self, tenant: Tenant) -> None:
        await tenant.push(resources("a", "b"))
        report = await tenant.push([Input(resources("a")), Input(resources("b"))])
        assert (report.exit_code, await tenant.live()) == (Exit.OK, ["a", "b"])
        assert await tenant.sessions() == ["ARCHIVED", "ACTIVE"]

    async def test_an_empty_set_is_refused(self, tenant: Tenant) -> None:
        await tenant.push(resources("a"))
        report = await tenant.push([])
        assert report.exit_code is Exit.GUARD
        assert "empty" in notes(report)
        assert await tenant.live() == ["a"]

    async def test_an_empty_set_that_is_meant_deletes_record_by_record(self, tenant: Tenant) -> None:
        await tenant.push(resources("a", "b/ c"))
        tenant.settings["objects"]["cloud_resource"]["empty_set"] = "delete_all"
        refused = await tenant.push([])
        assert (refused.exit_code, await tenant.live()) == (Exit.GUARD, ["a", "b/ c"])
        report = await tenant.push([], override_guard="the account was closed")
        assert (report.exit_code, await tenant.live()) == (Exit.OK, [])
        assert "2 records deleted" in notes(report)

    async def test_an_export_that_is_empty_and_not_whole_deletes_nothing(self, tenant: Tenant) -> None:
        await tenant.push(resources("a"))
        tenant.settings["objects"]["cloud_resource"]["empty_set"] = "delete_all"
        tenant.options["guard"] = {"max_gone": 1.0}
        file = tenant.folder / "i.json"
        file.write_text('{"Reservations": [], "NextToken": "more"}')
        report = await tenant.push(Input(file, "aws.ec2.instances"), values={"region": "eu"})
        assert (report.exit_code, await tenant.live()) == (Exit.GUARD, ["a"])

    @pytest.mark.parametrize("journals", [("one", "one"), ("one", "two")])
    async def test_two_writers_never_both_complete(self, tenant: Tenant, journals: tuple[str, str]) -> None:
        """In one journal the second waits; with two journals, Drata lets only one session in."""
        tenant.options |= {"patience": 10}
        runs = (tenant.push(many(1200), journal=name) for name in journals)
        reports = await asyncio.gather(*runs)
        statuses = await tenant.sessions()
        assert statuses.count("ACTIVE") == 1
        assert "IN_PROGRESS" not in statuses
        assert Exit.OK in [report.exit_code for report in reports]
        if journals[0] == journals[1]:
            assert [report.exit_code for report in reports] == [Exit.OK, Exit.OK]
        else:
            assert statuses.count("ARCHIVED") == 0 or [report.exit_code for report in reports] == [Exit.OK, Exit.OK]
        assert len(await tenant.live()) == 1200


class TestKeys:
    async def test_a_key_that_expires_midway_completes_nothing_and_the_run_is_resumed(
        self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await tenant.push(resources("old"))
        emulator, uploads = tenant.emulator.emulator, 0
        authorize = emulator.authorize

        def expire(request: web.Request) -> None:
            nonlocal uploads
            uploads += request.method == "POST" and "/sessions/" in request.path
            if uploads > 4:
                raise VendorError(401, "API key expired", code=10000)
            authorize(request)

        given = many(10 * 500) + resources("old")
        monkeypatch.setattr(emulator, "authorize", expire)
        parked = await tenant.push(given)
        assert parked.exit_code is Exit.BLOCKED
        assert "code 10000" in notes(parked)
        assert set(counts(parked)) == {"withheld"}
        monkeypatch.setattr(emulator, "authorize", authorize)
        assert await tenant.live() == ["old"]
        before = len(await tenant.emulator.received())
        resumed = await tenant.push(given, resume=parked.run_id)
        assert (resumed.exit_code, counts(resumed)) == (Exit.OK, {"delivered": 5_001})
        assert len(await tenant.live()) == 5_001
        sent = [each for each in (await tenant.emulator.received())[before:] if each["path"].endswith(parked.run_id)]
        assert len(sent) <= 11 - 4

    @pytest.mark.parametrize("access", ["expired", "plan", "permission", "terms"])
    async def test_what_a_person_must_mend_parks_the_lane(self, tenant: Tenant, access: str) -> None:
        await tenant.emulator.switch(access=access)
        report = await tenant.push(resources("a"), mode="upsert")
        assert (report.exit_code, counts(report)) == (Exit.BLOCKED, {"withheld": 1})
        words = {"expired": "API Keys", "plan": "Advanced", "permission": "permission “", "terms": "accept"}
        assert words[access] in notes(report)
        assert "Drata refused to list sessions: " in notes(report)
        await tenant.emulator.switch(access="granted")
        assert (await tenant.push(resources("a"), mode="upsert", resume=report.run_id)).exit_code is Exit.OK


class TestPlans:
    async def test_direct_records_that_a_completion_would_delete_are_named(self, tenant: Tenant) -> None:
        await tenant.push(resources("a", "b"))
        await tenant.emulator.switch(direct_upload_joins="active")
        await tenant.seed(records=[], sessions=[])
        await tenant.push(resources("direct", "kept"), mode="upsert")
        plan = (await tenant.plan(resources("kept", "new"))).as_dict()["destinations"]["drata"]
        assert plan["directly_uploaded"] == {"count": 1, "ids": ["direct"]}
        assert plan["gone"]["ids"] == ["direct"]
        assert plan["added"]["ids"] == ["new"]
        assert plan["unchanged"] == {"count": 1}
        assert "1 of 2" in plan["guard"]

    async def test_what_changes_is_named_by_field(self, tenant: Tenant) -> None:
        await tenant.push(resources("a", region="eu", public=False) + resources("b"))
        plan = await tenant.plan(resources("a", region="us", encrypted=True) + resources("b") + [{"id": "bad"}])
        found = plan.as_dict()["destinations"]["drata"]
        assert sorted(found["changed"]["fields"]["a"]) == ["encrypted", "public", "region"]
        assert (found["unchanged"]["count"], found["not_expressible"]["count"]) == (1, 1)
        assert plan.exit_code is Exit.INCOMPLETE

    async def test_a_plan_writes_nothing(self, tenant: Tenant) -> None:
        await tenant.push(resources("a"))
        before = await tenant.emulator.state()
        await tenant.plan(resources("b", "c"))
        assert await tenant.emulator.state() == before

    async def test_ten_thousand_records_are_read_page_by_page(self, tenant: Tenant) -> None:
        rows = [{"id": each["id"], "display_name": each["id"], "type": each["type"]} for each in many(10_000)]
        await tenant.seed(records=rows)
        plan = (await tenant.plan(many(10_000)[1:] + resources("new"))).destinations["drata"]
        assert (plan.difference.unchanged, plan.difference.added.ids, plan.gone.ids) == (9_999, ["new"], ["i-00000"])
        pages = [each for each in await tenant.emulator.received() if each["path"].endswith("/records")]
        assert len(pages) == 20

    async def test_a_removal_says_what_is_there_to_remove(self, tenant: Tenant) -> None:
        await tenant.push(resources("a", "b"))
        plan = (await tenant.plan([{"id": "a"}, {"id": "never"}], mode="remove")).destinations["drata"]
        assert (plan.gone.ids, plan.difference.unchanged) == (["a"], 1)

    async def test_a_long_pause_is_waited_out_and_told(self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        naps, told = Naps(), list[str]()
        monkeypatch.setattr(conversation, "waiting", lambda *asked, **how: waiting(*asked, **{**how, "sleep": naps}))
        await tenant.push(resources("a"))
        tenant.options |= {"patience": 30}
        await tenant.emulator.faults(status={"code": 429, "times": 1, "retry_after": 20})

        def watch(progress: Progress) -> None:
            told.extend(note for each in progress.destinations.values() if (note := each.note))

        async with tenant.gateway() as gateway:
            plan = await gateway.plan(resources("a"), kind="cloud_resource", to="drata", on_progress=watch)
        assert (plan.destinations["drata"].difference.unchanged, naps.total) == (1, 20)
        assert [note.rpartition("; ")[2] for note in told[:2]] == ["goes on in 20 s", "goes on in 19 s"]

    async def test_patience_ends(self, tenant: Tenant) -> None:
        tenant.options |= {"patience": 10}
        await tenant.emulator.faults(status={"code": 429, "times": 1, "retry_after": 20})
        with pytest.raises(Retryable, match="429"):
            await tenant.plan(resources("a"))
