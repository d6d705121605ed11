"""What may happen to a delivery to Drata, over a real socket: nothing is ever half done, and all of it is said."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from proofport.config import Config
from proofport.delivery.report import Exit, RunReport
from proofport.gateway import Gateway, Input
from proofport.gateway.planning import Plan
from proofport.testing import Running, VendorError

KINDS = {"cloud_resource": "records", "device": "devices", "person": "identities"}


class Tenant:
    """One destination on the emulator. `settings` are the destination's, `options` the configuration's."""

    def __init__(self, emulator: Running, folder: Path) -> None:
        self.emulator = emulator
        self.folder = folder
        self.settings = {**emulator.destination(), "requests_per_minute": 0}
        self.options: dict[str, Any] = {"patience": 0}

    def gateway(self, journal: str = "journal") -> Gateway:
        given = {"instance": "test", "journal": self.folder / journal, "destinations": {"drata": self.settings}}
        return Gateway(Config.model_validate({**given, **self.options}))

    async def push(
        self, records: Any, *, kind: str = "cloud_resource", mode: Any = "snapshot", **how: Any
    ) -> RunReport:
        async with self.gateway(how.pop("journal", "journal")) as gateway:
            return await gateway.push(records, kind=kind, to="drata", mode=mode, **how)

    async def plan(self, records: Any, *, kind: str = "cloud_resource", mode: Any = "snapshot") -> Plan:
        async with self.gateway() as gateway:
            return await gateway.plan(records, kind=kind, to="drata", mode=mode)

    async def held(self, kind: str = "cloud_resource") -> list[dict[str, Any]]:
        number = self.settings["objects"][kind]["connection_id"]
        connections = (await self.emulator.state())["connections"]
        connection = next(each for each in connections if each["id"] == number)
        found = connection["resources"][0] if kind == "cloud_resource" else connection
        rows: list[dict[str, Any]] = found[KINDS[kind]]
        return rows

    async def live(self) -> list[str]:
        return sorted(record["id"] for record in await self.held())

    async def sessions(self) -> list[str]:
        connections = (await self.emulator.state())["connections"]
        return [session["status"] for session in connections[0]["resources"][0]["sessions"]]

    async def seed(self, **resource: Any) -> None:
        """Replace the object of cloud resources: its records, its schema."""
        state = await self.emulator.state()
        state["connections"][0]["resources"][0] |= resource
        await self.emulator.control("POST", "seed", **state)


@pytest.fixture
async def tenant(drata_emulator: Running, tmp_path: Path) -> Tenant:
    return Tenant(drata_emulator, tmp_path)


def resources(*ids: str, **more: Any) -> list[dict[str, Any]]:
    return [{"id": each, "type": "aws.ec2.instance", **more} for each in ids]


def many(count: int) -> list[dict[str, Any]]:
    return resources(*(f"i-{number:05}" for number in range(count)))


def counts(report: RunReport) -> dict[str, int]:
    tally = report.destinations["drata"].as_dict()
    return {name: tally[name] for name in ("delivered", "unchanged", "rejected", "withheld", "unknown") if tally[name]}


def notes(report: RunReport) -> str:
    return " ".join(report.destinations["drata"].notes)


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
            if uploads > 20:
                raise VendorError(401, "API key expired", code=10000)
            authorize(request)

        given = many(50 * 500) + resources("old")
        monkeypatch.setattr(emulator, "authorize", expire)
        parked = await tenant.push(given)
        assert parked.exit_code is Exit.BLOCKED
        assert "code 10000" in notes(parked)
        assert set(counts(parked)) == {"withheld"}
        monkeypatch.setattr(emulator, "authorize", authorize)
        assert await tenant.live() == ["old"]
        before = len(await tenant.emulator.received())
        resumed = await tenant.push(given, resume=parked.run_id)
        assert (resumed.exit_code, counts(resumed)) == (Exit.OK, {"delivered": 25_001})
        assert len(await tenant.live()) == 25_001
        sent = [each for each in (await tenant.emulator.received())[before:] if each["path"].endswith(parked.run_id)]
        assert len(sent) <= 51 - 20

    @pytest.mark.parametrize("access", ["expired", "plan", "permission", "terms"])
    async def test_what_a_person_must_mend_parks_the_lane(self, tenant: Tenant, access: str) -> None:
        await tenant.emulator.switch(access=access)
        report = await tenant.push(resources("a"), mode="upsert")
        assert (report.exit_code, counts(report)) == (Exit.BLOCKED, {"withheld": 1})
        words = {"expired": "API Keys", "plan": "Advanced", "permission": "permission “", "terms": "accept"}
        assert words[access] in notes(report)
        await tenant.emulator.switch(access="granted")
        assert (await tenant.push(resources("a"), mode="upsert", resume=report.run_id)).exit_code is Exit.OK


class TestPlans:
    async def test_direct_records_that_a_completion_would_delete_are_named(self, tenant: Tenant) -> None:
        await tenant.push(resources("a", "b"))
        await tenant.emulator.switch(direct_upload_joins="active")
        await tenant.seed(records=[], sessions=[])
        await tenant.push(resources("direct", "kept"), mode="upsert")
        plan = (await tenant.plan(resources("kept", "new"))).destinations["drata"].as_dict()
        assert plan["directly_uploaded"] == {"count": 1, "ids": ["direct"]}
        assert plan["gone"]["ids"] == ["direct"]
        assert plan["added"]["ids"] == ["new"]
        assert plan["unchanged"] == {"count": 1}
        assert "1 of 2" in plan["guard"]

    async def test_what_changes_is_named_by_field(self, tenant: Tenant) -> None:
        await tenant.push(resources("a", region="eu", public=False) + resources("b"))
        plan = await tenant.plan(resources("a", region="us", encrypted=True) + resources("b") + [{"id": "bad"}])
        found = plan.destinations["drata"].as_dict()
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
        assert (plan.unchanged, plan.added.ids, plan.gone.ids) == (9_999, ["new"], ["i-00000"])
        pages = [each for each in await tenant.emulator.received() if each["path"].endswith("/records")]
        assert len(pages) == 20

    async def test_a_removal_says_what_is_there_to_remove(self, tenant: Tenant) -> None:
        await tenant.push(resources("a", "b"))
        plan = (await tenant.plan([{"id": "a"}, {"id": "never"}], mode="remove")).destinations["drata"]
        assert (plan.gone.ids, plan.unchanged) == (["a"], 1)


def device(number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"d-{number}", "owner_email": "ana@example.com", "platform": "macos", "os_version": "15", **more}


class TestDevices:
    async def test_unknown_flags_are_left_out_and_gaps_are_said(self, tenant: Tenant) -> None:
        given = [device(1, disk_encrypted=None, firewall_enabled=False, antivirus_enabled=True)]
        assert (await tenant.push(given, kind="device", mode="upsert")).exit_code is Exit.OK
        (held,) = await tenant.held("device")
        assert (held["firewallEnabled"], held["antivirusEnabled"]) == (False, True)
        assert "encryptionEnabled" not in held

    async def test_an_unknown_owner_rejects_that_device_alone(self, tenant: Tenant) -> None:
        state = await tenant.emulator.state()
        await tenant.emulator.control("POST", "seed", **{**state, "personnel": ["ana@example.com"]})
        await tenant.emulator.switch(unknown_owner=True)
        given = [device(1), device(2, owner_email="who@example.com"), device(3)]
        report = await tenant.push(given, kind="device", mode="upsert")
        assert counts(report) == {"delivered": 2, "rejected": 1}
        (problem,) = report.destinations["drata"].problems
        assert problem.id == "d-2"
        assert "who@example.com not found" in str(problem.outcome.problem)

    @pytest.mark.parametrize("platform", ["ios", "chromeos"])
    async def test_a_platform_without_a_word_is_not_sent_as_another(self, tenant: Tenant, platform: str) -> None:
        report = await tenant.push([device(1, platform=platform)], kind="device", mode="upsert")
        assert counts(report) == {"rejected": 1}
        (problem,) = report.destinations["drata"].problems
        assert f"no word for {platform}" in str(problem.outcome.problem)
        assert await tenant.held("device") == []

    async def test_what_is_gone_is_listed_and_deleted_only_when_asked(self, tenant: Tenant) -> None:
        tenant.options["guard"] = {"max_gone": 0.5}
        await tenant.push([device(1), device(2), device(3)], kind="device")
        listed = await tenant.push([device(1), device(2)], kind="device")
        assert (listed.exit_code, listed.destinations["drata"].gone) == (Exit.OK, ["d-3"])
        assert "--delete-gone" in notes(listed)
        assert len(await tenant.held("device")) == 3
        deleted = await tenant.push([device(1), device(2)], kind="device", delete_gone=True)
        assert (deleted.exit_code, deleted.destinations["drata"].gone) == (Exit.OK, ["d-3"])
        assert [held["externalId"] for held in await tenant.held("device")] == ["d-1", "d-2"]

    async def test_the_guard_stands_before_a_deletion(self, tenant: Tenant) -> None:
        await tenant.push([device(1), device(2)], kind="device")
        report = await tenant.push([device(1)], kind="device", delete_gone=True)
        assert report.exit_code is Exit.GUARD
        assert len(await tenant.held("device")) == 2

    async def test_a_removal_deletes_what_it_names(self, tenant: Tenant) -> None:
        await tenant.push([device(1), device(2)], kind="device", mode="upsert")
        report = await tenant.push([{"id": "d-1"}, {"id": "never"}], kind="device", mode="remove")
        assert (report.exit_code, counts(report)) == (Exit.OK, {"delivered": 2})
        assert [held["externalId"] for held in await tenant.held("device")] == ["d-2"]


def person(number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"p-{number}", "email": f"p{number}@example.com", **more}


class TestPeople:
    async def people(self, tenant: Tenant) -> dict[str, Any]:
        return {each["identityId"]: each for each in await tenant.held("person")}

    async def test_a_separation_date_is_corrected(self, tenant: Tenant) -> None:
        await tenant.push([person(1, separated_at="2026-01-01T00:00:00Z")], kind="person", mode="upsert")
        report = await tenant.push([person(1, separated_at="2026-02-02T00:00:00Z")], kind="person", mode="upsert")
        assert counts(report) == {"delivered": 1}
        assert (await self.people(tenant))["p-1"]["separatedAt"] == "2026-02-02T00:00:00Z"

    async def test_a_complete_record_clears_what_it_lacks_and_a_patch_keeps_it(self, tenant: Tenant) -> None:
        await tenant.push([person(1, job_title="Engineer", first_name="Ana")], kind="person", mode="upsert")
        await tenant.push([{"id": "p-1", "first_name": "Anna"}], kind="person", mode="patch")
        held = (await self.people(tenant))["p-1"]
        assert (held["firstName"], held["jobTitle"]) == ("Anna", "Engineer")
        await tenant.push([person(1, first_name="Anna")], kind="person", mode="upsert")
        assert (await self.people(tenant))["p-1"]["jobTitle"] is None

    async def test_what_has_not_changed_is_unchanged(self, tenant: Tenant) -> None:
        await tenant.push([person(1), person(2)], kind="person", mode="upsert")
        report = await tenant.push([person(1), person(2, job_title="x")], kind="person", mode="upsert")
        assert counts(report) == {"delivered": 1, "unchanged": 1}

    async def test_who_is_gone_from_a_snapshot_is_separated_and_never_deleted(self, tenant: Tenant) -> None:
        tenant.options["guard"] = {"max_gone": 0.5}
        await tenant.push([person(1), person(2), person(3)], kind="person")
        report = await tenant.push([person(1), person(2)], kind="person", journal="another runner's")
        assert (report.exit_code, report.destinations["drata"].gone) == (Exit.OK, ["p-3"])
        held = await self.people(tenant)
        assert set(held) == {"p-1", "p-2", "p-3"}
        assert held["p-3"]["separatedAt"] is not None
        again = await tenant.push([person(1), person(2)], kind="person")
        assert again.destinations["drata"].gone == []
        methods = {each["method"] for each in await tenant.emulator.received()}
        assert "DELETE" not in methods

    async def test_a_removal_separates(self, tenant: Tenant) -> None:
        await tenant.push([person(1)], kind="person", mode="upsert")
        gone = {"id": "p-1", "observed_at": "2027-01-31T09:00:00Z"}
        assert counts(await tenant.push([gone], kind="person", mode="remove")) == {"delivered": 1}
        assert (await self.people(tenant))["p-1"]["separatedAt"] == "2027-01-31T09:00:00Z"

    async def test_one_bad_person_of_many_is_rejected_alone(self, tenant: Tenant) -> None:
        await tenant.emulator.faults(partial_item_failures=0.5)
        report = await tenant.push([person(number) for number in range(20)], kind="person", mode="upsert")
        found = counts(report)
        assert sum(found.values()) == 20
        assert len(await tenant.held("person")) == found.get("delivered", 0)


class TestIdentityProviders:
    @pytest.fixture
    async def provider(self, tenant: Tenant) -> Tenant:
        async with tenant.gateway() as gateway:
            made = await gateway.call("drata", "v1_create_idp_from_json", people=[])
        number = made.value["connections"][0]["id"]
        tenant.settings["objects"]["person"] = {"idp_connection_id": number}
        return tenant

    def someone(self, number: int, **more: Any) -> dict[str, Any]:
        known = {"first_name": "Ana", "last_name": "Ito", "is_contractor": False, "mfa_enabled": True}
        return person(number, started_at="2020-01-31T00:00:00Z", **known, **more)

    async def people(self, tenant: Tenant) -> set[str]:
        connection = (await tenant.emulator.state())["connections"][-1]
        return {each["id"] for each in connection["identities"]}

    async def test_the_whole_list_is_accepted_and_who_is_absent_is_listed(self, provider: Tenant) -> None:
        provider.options["guard"] = {"max_gone": 0.5}
        first = await provider.push([self.someone(1), self.someone(2)], kind="person")
        assert first.destinations["drata"].as_dict()["assurance"]["accepted"] == 2
        report = await provider.push([self.someone(1)], kind="person")
        assert report.destinations["drata"].gone == ["p-2"]
        assert "no call that removes" in notes(report)
        assert await self.people(provider) == {"p-1", "p-2"}

    async def test_a_list_with_a_bad_person_is_not_sent(self, provider: Tenant) -> None:
        unknown = {**self.someone(2), "is_contractor": None}
        report = await provider.push([self.someone(1), unknown], kind="person")
        assert (counts(report), report.exit_code) == ({"rejected": 1, "withheld": 1}, Exit.INCOMPLETE)
        assert await self.people(provider) == set()

    async def test_a_list_that_does_not_fit_one_request_is_not_sent(self, provider: Tenant) -> None:
        given = [self.someone(number, avatar_url="x" * 700) for number in range(6_000)]
        report = await provider.push(given, kind="person")
        assert (counts(report), report.exit_code) == ({"withheld": 6_000}, Exit.USAGE)
        assert await self.people(provider) == set()
