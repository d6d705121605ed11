"""The other kinds at Vanta, over sockets, and what is asked of it beside pushes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.support.reports import counts, notes, problems
from tests.support.vanta import Vanta, account, accounts, computer, resources

from proofport.accounting import Assurance
from proofport.delivery.report.report import Exit
from proofport.errors import Blocked, ConfigError, MappingError, UnsupportedFeature

PACKAGE = "custom:software_package"


async def synced(vanta: Vanta) -> list[str]:
    """The base types of the sets that were sent, in their order."""
    return [each["path"].rpartition("/")[2] for each in await vanta.written() if each["method"] == "PUT"]


# ------------------------------------------------------------------ trainings, resources
async def test_trainings_are_delivered(vanta: Vanta) -> None:
    record = {
        "id": "t1",
        "email": "ana@example.com",
        "full_name": "Ana Berg",
        "course": "gdpr",
        "url": "https://lms.example.com/7",
        "frameworks": ["SOC2"],
        "completed_at": "2026-01-31T09:00:00Z",
        "assigned_at": "2026-01-01T00:00:00Z",
    }
    report = await vanta.push([record], kind="training_record")
    assert (counts(report), await synced(vanta)) == ({"delivered": 1}, ["user_security_training_status"])
    assert dict(report.destinations["vanta"].tally.assurance) == {Assurance.CONFIRMED: 1}
    await vanta.push([record, {**record, "id": "t2"}], kind="training_record")
    await vanta.push([record], kind="training_record", override_guard="it was a mistake")
    assert await vanta.deleted("training_record") == ["t2"], "only an account is deactivated first"


async def test_cloud_resources_are_custom_resources(vanta: Vanta) -> None:
    record = {"id": "i-1", "type": "aws.ec2.instance", "provider": "aws", "encrypted": None}
    report = await vanta.push([record], kind="cloud_resource")
    assert (counts(report), await synced(vanta)) == ({"delivered": 1}, ["custom_resource"])
    [row] = await vanta.records("cloud_resource")
    assert row["customProperties"]["encrypted"] == "unknown"


@pytest.mark.parametrize("declared", ["string", "timestamp"])
async def test_a_time_is_confirmed_though_it_is_not_known_if_it_is_a_text(vanta: Vanta, declared: str) -> None:
    """A text keeps its fraction of a second, and a time does not."""
    vanta.block["objects"][PACKAGE] |= {"when_unknown": {"externalUrl": "https://packages.example.com/"}}
    await declare(vanta, PACKAGE, {"properties": {"released": {"type": declared}}})
    record = {"id": "p1", "released": "2026-01-31T09:00:00.500000Z"}
    report = await vanta.push([record], kind=PACKAGE)
    assert dict(report.destinations["vanta"].tally.assurance) == {Assurance.CONFIRMED: 1}


async def test_a_text_with_a_time_is_not_sent_again(vanta: Vanta) -> None:
    known = {"id": "i-1", "type": "aws.ec2.instance", "provider": "aws"}
    records = [{**known, "created_at": f"2026-01-31T09:00:00{more}Z"} for more in ("", ".5")]
    for record in records:
        report = await vanta.push([record], kind="cloud_resource")
        assert dict(report.destinations["vanta"].tally.assurance) == {Assurance.CONFIRMED: 1}
        again = await vanta.push([record], kind="cloud_resource", skip_unchanged=True)
        assert counts(again) == {"unchanged": 1}


async def test_the_fields_of_a_custom_record_are_its_own_properties(vanta: Vanta) -> None:
    types = {"name": "string", "size": "int32", "signed": "boolean", "released": "timestamp"}
    definition = {"properties": {name: {"type": each} for name, each in types.items()}}
    vanta.block["objects"][PACKAGE] |= {
        "properties": definition,
        "when_unknown": {"externalUrl": "https://packages.example.com/"},
    }
    await declare(vanta, PACKAGE, definition)
    good = {"id": "p1", "name": "left-pad", "size": 3, "signed": False, "released": "2026-01-31T09:00:00.5+01:00"}
    records = [good, {**good, "id": "p2", "signed": None}, {**good, "id": "p3", "more": 1}]
    vanta.options["guard"] = {"max_rejected": 1}
    report = await vanta.push(records, kind=PACKAGE)
    assert counts(report) == {"delivered": 1, "withheld": 1, "rejected": 1}
    assert [each.outcome.problem and each.outcome.problem.field for each in report.destinations["vanta"].problems] == [
        "customProperties.signed",
        "customProperties.more",
    ]
    assert [row["customProperties"] for row in await vanta.records(PACKAGE)] == [
        {"name": "left-pad", "size": 3, "signed": False, "released": "2026-01-31T08:00:00.000Z"}
    ]
    assert dict(report.destinations["vanta"].tally.assurance) == {Assurance.CONFIRMED: 1}


async def declare(vanta: Vanta, kind: str, definition: dict[str, Any]) -> None:
    """Declare the properties of a custom resource, as a person does in the console."""
    state = await vanta.emulator.state()
    [application] = state["connections"]
    [resource] = resources(state, kind)
    changed = {"id": resource["id"], "base_type": "custom_resource", "definition": definition}
    await vanta.emulator.control("POST", "applications", id=application["id"], resources=[changed])


async def test_people_are_refused_with_what_to_do_instead(vanta: Vanta) -> None:
    with pytest.raises(UnsupportedFeature) as refused:
        await vanta.push([{"id": "p1", "email": "a@example.com"}], kind="person")
    assert "personnel_account" in str(refused.value.hint)


# ------------------------------------------------------------------ devices
async def test_devices_go_to_the_resource_of_their_platform(vanta: Vanta) -> None:
    records = [computer(0, "windows"), computer(1, "macos"), computer(2, "windows")]
    report = await vanta.push(records, kind="device")
    assert (counts(report), dict(report.destinations["vanta"].tally.assurance)) == (
        {"delivered": 3},
        {Assurance.CONFIRMED: 3},
    )
    assert await synced(vanta) == ["macos_user_computer", "windows_user_computer"]
    held = {each["base_type"]: [row["uniqueId"] for row in each["records"]] for each in await device_resources(vanta)}
    assert held == {"macos_user_computer": ["d1"], "windows_user_computer": ["d0", "d2"]}
    again = await vanta.push(records, kind="device", skip_unchanged=True)
    assert (counts(again), len(await synced(vanta))) == ({"unchanged": 3}, 2)


async def device_resources(vanta: Vanta) -> list[dict[str, Any]]:
    return resources(await vanta.emulator.state(), "device")


async def test_the_device_of_the_page_is_sent_as_the_page_says(vanta: Vanta) -> None:
    page = (Path(__file__).parents[2] / "docs" / "vanta.md").read_text(encoding="utf-8")
    evidence, request = map(json.loads, re.findall(r"```jsonc\n(.*?)```", page, re.DOTALL))
    report = await vanta.push([evidence], kind="device")
    assert dict(report.destinations["vanta"].tally.assurance) == {Assurance.CONFIRMED: 1}
    [sent] = request["resources"]
    [held] = await vanta.records("device")
    times = {name for name in sent if name.endswith("Timestamp")} | {"users"}
    assert held.keys() == {*sent, "id"}
    assert {name: value for name, value in held.items() if name not in {*times, "id"}} == {
        name: value for name, value in sent.items() if name not in times
    }


async def test_a_platform_loses_its_last_computer_only_where_a_person_agrees(vanta: Vanta) -> None:
    """One of ten is less than the guard allows. But it is all that a set has, as when one of two exports failed."""
    records = [computer(n, "macos") for n in range(9)] + [computer(9, "windows")]
    await vanta.push(records, kind="device")
    plan = await vanta.plan(records[:9], kind="device")
    refused = await vanta.push(records[:9], kind="device")
    assert (plan.exit_code, refused.exit_code, counts(refused)) == (Exit.GUARD, Exit.GUARD, {"withheld": 9})
    for said in (notes(refused), plan.destinations["vanta"].refusal or ""):
        assert "windows_user_computer" in said
        assert "would be empty: 1 record would be gone" in said
        assert "--override-guard" in said
    assert (len(await synced(vanta)), await vanta.deleted("device")) == (2, [])
    report = await vanta.push(records[:9], kind="device", override_guard="it was returned")
    assert (report.exit_code, report.destinations["vanta"].gone.ids) == (Exit.OK, ["d9"])
    assert await vanta.deleted("device") == ["d9"]
    again = await vanta.push(records[:9], kind="device")
    assert again.exit_code is Exit.OK, "nothing is there to be lost"


@pytest.mark.parametrize("override", [None, "all were returned"])
async def test_an_empty_set_is_refused_with_an_override_too(vanta: Vanta, override: str | None) -> None:
    await vanta.push([computer(0, "macos")], kind="device")
    sent = len(await synced(vanta))
    report = await vanta.push([], kind="device", override_guard=override)
    assert (report.exit_code, len(await synced(vanta))) == (Exit.GUARD, sent)
    assert "the new set is empty" in notes(report)
    assert "delete the resource in Vanta's developer console" in notes(report)
    assert "by id instead" not in notes(report)


async def test_what_is_neither_is_refused_with_the_reason(vanta: Vanta) -> None:
    report = await vanta.push([computer(0, "macos"), {"id": "d1", "platform": "linux"}], kind="device")
    assert counts(report) == {"rejected": 1, "withheld": 1}
    assert "macOS and with Windows only" in problems(report)[0]


async def test_what_is_neither_goes_to_a_custom_resource_where_there_is_one(vanta: Vanta) -> None:
    resource = {"id": "66500000000000000000000b", "base_type": "custom_resource", "kind": "linux", "definition": {}}
    await vanta.emulator.control("POST", "applications", id=vanta.block["client_id"], resources=[resource])
    vanta.block["objects"]["device"] |= {"resource_id": resource["id"]}
    linux = {"id": "d1", "platform": "linux", "url": "https://mdm.example.com/1", "os_version": "6"}
    records = [computer(0, "macos"), linux]
    report = await vanta.push(records, kind="device")
    assert (counts(report), len(await synced(vanta))) == ({"delivered": 2}, 3)
    assert dict(report.destinations["vanta"].tally.assurance) == {Assurance.CONFIRMED: 2}
    [row] = await vanta.records("linux")
    assert row["customProperties"]["platform"] == "linux"
    assert counts(await vanta.push(records, kind="device", skip_unchanged=True)) == {"unchanged": 2}


async def test_a_platform_that_vanta_refuses_leaves_the_other_as_it_was_sent(
    vanta: Vanta, monkeypatch: pytest.MonkeyPatch
) -> None:
    await vanta.push([computer(0, "macos"), computer(1, "windows")], kind="device")

    def refuse(resource: Any, *_: Any) -> str | None:
        return "/0: must have property 'shoeSize'" if resource.base_type == "windows_user_computer" else None

    monkeypatch.setattr("proofport_vanta.emulator.resources.wrong_with", refuse)
    changed = [computer(n, each, name="new") for n, each in enumerate(["macos", "windows", "windows"])]
    report = await vanta.push(changed, kind="device")
    assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"delivered": 1, "rejected": 1, "withheld": 1})
    assert report.destinations["vanta"].problems[0].id == "d1"
    names = [[row["displayName"] for row in each["records"]] for each in await device_resources(vanta)]
    assert names == [["new"], ["computer"]]


# ------------------------------------------------------------------ looking
async def test_a_plan_says_what_a_push_would_change(vanta: Vanta) -> None:
    await vanta.push(accounts(3), kind="personnel_account")
    sent = len(await vanta.written())
    plan = await vanta.plan([account(0, full_name="New"), account(1), account(3)], kind="personnel_account")
    found = plan.destinations["vanta"]
    assert found.difference.changed.ids == ["a0"]
    assert found.difference.fields == {"a0": ["displayName", "fullName"]}
    assert (found.difference.unchanged, found.difference.added.ids, found.gone.ids) == (1, ["a3"], ["a2"])
    assert found.refusal is not None, "a third is more than the guard allows"
    changed = [each for each in (await vanta.written())[sent:] if each["method"] == "PUT"]
    assert changed == []


async def test_an_unchanged_set_is_not_sent(vanta: Vanta) -> None:
    await vanta.push(accounts(3), kind="personnel_account")
    again = await vanta.push(accounts(3), kind="personnel_account", skip_unchanged=True)
    assert (counts(again), len(await synced(vanta))) == ({"unchanged": 3}, 1)
    again = await vanta.push(
        [account(0, full_name="New"), *accounts(3)[1:]], kind="personnel_account", skip_unchanged=True
    )
    assert (counts(again), len(await synced(vanta))) == ({"delivered": 3}, 2)


async def test_verify_sees_what_was_changed_by_hand(vanta: Vanta) -> None:
    await vanta.push(accounts(3), kind="personnel_account")
    found = await vanta.verify(kind="personnel_account", within=0)
    assert (found.seen, found.different, found.missing) == (3, {}, [])
    state = await vanta.emulator.state()
    resources(state, "personnel_account")[0]["records"][1]["permissionLevel"] = "ADMIN"
    await vanta.emulator.control("POST", "seed", **state)
    found = await vanta.verify(kind="personnel_account", within=0)
    assert (found.seen, dict(found.different)) == (2, {"a1": {"permissionLevel": ("BASE", "ADMIN")}})


async def test_doctor_looks_at_every_resource(vanta: Vanta) -> None:
    async with vanta.gateway() as gateway:
        findings = await gateway.check("vanta")
    assert all(each.ok for each in findings), findings
    assert {each.subject for each in findings} >= {"objects.personnel_account", "objects.device"}
    vanta.block["objects"]["training_record"] = {"resource_id": "66500000000000000000000c"}
    async with vanta.gateway() as gateway:
        [bad] = [each for each in await gateway.check("vanta") if not each.ok]
    assert (bad.subject, "Resource not found" in bad.detail) == ("objects.training_record", True)
    vanta.block |= {"client_secret": "wrong-secret"}
    async with vanta.gateway() as gateway:
        with pytest.raises(Blocked, match="refuses client_id and client_secret"):
            await gateway.check("vanta")


async def test_provision_prints_the_definition_and_checks_a_declared_one(vanta: Vanta) -> None:
    async with vanta.gateway() as gateway:
        made = await gateway.provision("vanta", kind="cloud_resource")
    said = "\n".join(made["cloud_resource"].notes)
    definition = json.loads(said[said.index("{") : said.rindex("}") + 1])
    assert definition["properties"]["account_id"] == {"type": "string"}
    definition["properties"] |= {"account_id": {"type": "int32"}, "shoe_size": {"type": "int32"}}
    vanta.block["objects"]["cloud_resource"] |= {"properties": definition}
    async with vanta.gateway() as gateway:
        made = await gateway.provision("vanta", kind="cloud_resource")
    assert list(made["cloud_resource"].notes) == [
        "account_id is declared as int32, and the mapping makes string.",
        "shoe_size is declared, and the mapping does not make it: Vanta requires it of every record.",
    ]
    del definition["properties"]["region"]
    async with vanta.gateway() as gateway:
        with pytest.raises(MappingError, match=r"cloud_resource.yaml:\d+.* the field 'region'"):
            await gateway.provision("vanta", kind="cloud_resource")


async def test_provision_gives_the_steps_where_there_is_no_resource(vanta: Vanta) -> None:
    del vanta.block["objects"]["cloud_resource"]
    async with vanta.gateway() as gateway:
        made = await gateway.provision("vanta", kind="cloud_resource")
    assert (dict(made["cloud_resource"].settings), made["cloud_resource"].created) == ({}, False)
    assert "CustomResource" in made["cloud_resource"].notes[1]
    assert '"account_id"' in made["cloud_resource"].notes[-1]
    with pytest.raises(ConfigError, match="no Vanta resource is configured"):
        await vanta.push([{"id": "i-1", "type": "x"}], kind="cloud_resource")


async def test_a_platform_that_was_taken_stays_accepted_though_the_next_request_fails(vanta: Vanta) -> None:
    records = [computer(0, "macos"), computer(1, "windows")]
    failing = {"code": 503, "times": 99}
    await vanta.emulator.faults(status=failing, match={"path": "/windows_user_computer$", "method": "PUT"})
    report = await vanta.push(records, kind="device")
    assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"delivered": 1, "unknown": 1})
    assert dict(report.destinations["vanta"].tally.assurance) == {Assurance.ACCEPTED: 1}
    assert f"Go on with --resume {report.run_id}, or push again." in notes(report)
    await vanta.emulator.faults()
    resumed = await vanta.push(records, kind="device", resume=report.run_id)
    assert (resumed.exit_code, counts(resumed)) == (Exit.OK, {"delivered": 2})


@pytest.mark.parametrize("lost", [{"status": {"code": 503, "times": 99}}, {"drop": "after", "drop_times": 99}])
async def test_after_a_lost_answer_the_report_names_the_way_on(vanta: Vanta, lost: dict[str, Any]) -> None:
    await vanta.emulator.faults(**lost, match={"method": "PUT"})
    report = await vanta.push(accounts(2), kind="personnel_account")
    assert report.exit_code is Exit.INCOMPLETE
    assert f"Go on with --resume {report.run_id}, or push again." in notes(report)


# ------------------------------------------------------------------ one resource, two sets
SHARING: dict[str, dict[str, Any]] = {
    "another destination for one platform": {"device": {"macos_resource_id": "665000000000000000000003"}},
    "another kind": {"cloud_resource": {"resource_id": "665000000000000000000003"}},
}


@pytest.mark.parametrize("objects", SHARING.values(), ids=SHARING)
async def test_two_sets_for_one_resource_are_refused(vanta: Vanta, objects: dict[str, Any]) -> None:
    shared = vanta.block["objects"]["device"]["macos_resource_id"]
    given = {kind: dict.fromkeys(each, shared) for kind, each in objects.items()}
    vanta.others["other"] = {**vanta.block, "objects": given}
    for to in ("vanta", "other"):
        kind = "device" if to == "vanta" else next(iter(given))
        with pytest.raises(ConfigError, match="go to one object at the vendor") as refused:
            await vanta.push([], kind=kind, to=to)
        assert shared in refused.value.message
        assert "vanta" in refused.value.message
        assert "other" in refused.value.message
    async with vanta.gateway() as gateway:
        with pytest.raises(ConfigError, match="go to one object at the vendor"):
            await gateway.check("other")
    assert await vanta.emulator.received() == []


async def test_a_destination_that_is_configured_twice_is_one_set(vanta: Vanta) -> None:
    vanta.others["other"] = {**vanta.block}
    await vanta.push([computer(0, "macos")], kind="device")
    assert counts(await vanta.push([computer(0, "macos")], kind="device", to="other")) == {"delivered": 1}
