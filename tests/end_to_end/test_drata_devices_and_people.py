"""Devices, people and identity providers of Drata, over a real socket: unknown is not false, and nobody is lost."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web
from tests.support.drata import Drata
from tests.support.evidence import device, person
from tests.support.reports import counts, notes

from proofport.delivery.report.report import Exit
from proofport.delivery.snapshot.guard import WAYS
from proofport.gateway import Input
from proofport.testing import VendorError


class TestDevices:
    async def test_unknown_flags_are_left_out_and_gaps_are_said(self, drata: Drata) -> None:
        given = [device(1, disk_encrypted=None, firewall_enabled=False, antivirus_enabled=True)]
        assert (await drata.push(given, kind="device", mode="upsert")).exit_code is Exit.OK
        (held,) = await drata.records("device")
        assert (held["firewallEnabled"], held["antivirusEnabled"]) == (False, True)
        assert "encryptionEnabled" not in held

    async def test_an_unknown_owner_rejects_that_device_alone(self, drata: Drata) -> None:
        state = await drata.emulator.state()
        await drata.emulator.control("POST", "seed", **{**state, "personnel": ["ana@example.com"]})
        await drata.emulator.switch(unknown_owner=True)
        given = [device(1), device(2, owner_email="who@example.com"), device(3)]
        report = await drata.push(given, kind="device", mode="upsert")
        assert counts(report) == {"delivered": 2, "rejected": 1}
        (problem,) = report.destinations["drata"].problems
        assert problem.id == "d-2"
        assert "who@example.com not found" in str(problem.outcome.problem)

    @pytest.mark.parametrize("platform", ["ios", "chromeos"])
    async def test_a_platform_without_a_word_is_not_sent_as_another(self, drata: Drata, platform: str) -> None:
        report = await drata.push([device(1, platform=platform)], kind="device", mode="upsert")
        assert counts(report) == {"rejected": 1}
        (problem,) = report.destinations["drata"].problems
        assert f"no word for {platform}" in str(problem.outcome.problem)
        assert await drata.records("device") == []

    async def test_what_is_gone_is_listed_and_deleted_only_when_asked(self, drata: Drata) -> None:
        drata.options["guard"] = {"max_gone": 0.5}
        await drata.push([device(1), device(2), device(3)], kind="device")
        listed = await drata.push([device(1), device(2)], kind="device")
        assert (listed.exit_code, listed.destinations["drata"].gone.ids) == (Exit.OK, ["d-3"])
        assert "--delete-gone" in notes(listed)
        assert len(await drata.records("device")) == 3
        deleted = await drata.push([device(1), device(2)], kind="device", delete_gone=True)
        assert (deleted.exit_code, deleted.destinations["drata"].gone.ids) == (Exit.OK, ["d-3"])
        assert [held["externalId"] for held in await drata.records("device")] == ["d-1", "d-2"]

    async def test_a_plan_with_a_device_that_cannot_be_sent_speaks_of_what_is_gone(self, drata: Drata) -> None:
        """Nothing is staged here: the other devices arrive all the same."""
        drata.options["guard"] = {"max_gone": 0.5}
        await drata.push([device(1), device(3)], kind="device")
        given = [device(1), device(2, platform="ios")]
        plan = (await drata.plan(given, kind="device")).destinations["drata"]
        pushed = await drata.push(given, kind="device", delete_gone=True)
        assert f"What is gone would be left as it is: 1 record rejected (allowed 0). {WAYS}" in " ".join(plan.notes)
        assert f"What is gone is left as it is: 1 record rejected (allowed 0). {WAYS}" in notes(pushed)
        assert [held["externalId"] for held in await drata.records("device")] == ["d-1", "d-3"]

    async def test_the_guard_stands_before_a_deletion(self, drata: Drata) -> None:
        await drata.push([device(1), device(2)], kind="device")
        report = await drata.push([device(1)], kind="device", delete_gone=True)
        assert report.exit_code is Exit.GUARD
        assert len(await drata.records("device")) == 2

    async def test_resuming_does_not_make_the_set_before_larger(
        self, drata: Drata, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """All four that were there are gone; the devices that the interrupted run had added are no part of them."""
        await drata.push([device(number) for number in range(4)], kind="device", mode="upsert")
        emulator, given = drata.emulator.emulator, [device(number) for number in range(10, 60)]
        authorize, stored = emulator.authorize, 0

        def expire(request: web.Request) -> None:
            nonlocal stored
            stored += request.method == "POST"
            if stored > 40:
                raise VendorError(401, "API key expired", code=10000)
            authorize(request)

        monkeypatch.setattr(emulator, "authorize", expire)
        parked = await drata.push(given, kind="device", delete_gone=True)
        assert parked.exit_code is Exit.BLOCKED
        monkeypatch.setattr(emulator, "authorize", authorize)
        assert len(await drata.records("device")) >= 40
        resumed = await drata.push(given, kind="device", delete_gone=True, resume=parked.run_id)
        assert resumed.exit_code is Exit.GUARD
        assert "4 of 4" in notes(resumed)
        assert len(await drata.records("device")) == 54

    async def test_a_removal_deletes_what_it_names(self, drata: Drata) -> None:
        await drata.push([device(1), device(2)], kind="device", mode="upsert")
        report = await drata.push([{"id": "d-1"}, {"id": "never"}], kind="device", mode="remove")
        assert (report.exit_code, counts(report)) == (Exit.OK, {"delivered": 1, "unchanged": 1})
        assert report.destinations["drata"].not_known.ids == ["never"]
        assert [held["externalId"] for held in await drata.records("device")] == ["d-2"]

    @pytest.mark.parametrize("value", ["", " ", "To Be Filled By O.E.M.", "System Serial Number", "0", "N/A", "None"])
    async def test_two_without_a_serial_number_of_their_own_are_two(self, drata: Drata, value: str) -> None:
        """Drata would match one on the value of the other."""
        given = [device(1, serial_number=value, mac_address=value), device(2, serial_number=value, mac_address=value)]
        for mode in ("upsert", "snapshot"):
            report = await drata.push(given, kind="device", mode=mode)
            assert (report.exit_code, counts(report)) == (Exit.OK, {"delivered": 2})
        held = await drata.records("device")
        assert [each["externalId"] for each in held] == ["d-1", "d-2"]
        assert all("serialNumber" not in each and "macAddress" not in each for each in held)

    @pytest.mark.parametrize(
        ("field", "one", "other"),
        [
            ("serial_number", "C02XYZ", "C02XYZ"),
            ("serial_number", "C02XYZ", " c02xyz"),
            ("mac_address", "aa:bb:cc:dd:ee:01", "AA-BB-CC-DD-EE-01"),
        ],
    )
    async def test_two_that_share_what_drata_matches_on_are_not_both_sent(
        self, drata: Drata, field: str, one: str, other: str
    ) -> None:
        given = [device(1, **{field: one}), device(2), device(3, **{field: other})]
        planned = (await drata.plan(given, kind="device")).destinations["drata"]
        report = await drata.push(given, kind="device", dry_run=True)
        assert [row.id for row in planned.problems] == [row.id for row in report.destinations["drata"].problems]
        report = await drata.push(given, kind="device")
        assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"delivered": 2, "rejected": 1})
        (problem,) = report.destinations["drata"].problems
        assert problem.id == "d-3"
        assert "d-1 at" in str(problem.outcome.problem)
        assert [held["externalId"] for held in await drata.records("device")] == ["d-1", "d-2"]

    async def test_an_answer_about_the_device_of_another_confirms_nothing(self, drata: Drata) -> None:
        """Drata keeps the serial number that d-1 had before, and takes d-2, which has it now, for d-1."""
        await drata.push([device(1, serial_number="S-1")], kind="device", mode="upsert")
        report = await drata.push([device(1), device(2, serial_number="S-1")], kind="device", mode="upsert")
        assert len(await drata.records("device")) == 1
        assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"delivered": 1, "unknown": 1})
        (problem,) = report.destinations["drata"].problems
        assert (problem.id, problem.outcome.reason) == ("d-2", "same_at_vendor")
        assert "d-1 at" in str(problem.outcome.problem)

    async def test_a_placeholder_that_a_mapping_of_ones_own_adds_is_refused(self, drata: Drata) -> None:
        given = [device(1, extras={"drata": {"serialNumber": "Default string"}}), device(2)]
        report = await drata.push(given, kind="device", mode="upsert")
        assert counts(report) == {"delivered": 1, "rejected": 1}
        (problem,) = report.destinations["drata"].problems
        assert problem.outcome.problem is not None
        assert problem.outcome.problem.field == "serialNumber"


class TestPeople:
    async def people(self, drata: Drata) -> dict[str, Any]:
        return {each["identityId"]: each for each in await drata.records("person")}

    async def test_a_separation_date_is_corrected(self, drata: Drata) -> None:
        await drata.push([person(1, separated_at="2026-01-01T00:00:00Z")], kind="person", mode="upsert")
        report = await drata.push([person(1, separated_at="2026-02-02T00:00:00Z")], kind="person", mode="upsert")
        assert counts(report) == {"delivered": 1}
        assert (await self.people(drata))["p-1"]["separatedAt"] == "2026-02-02T00:00:00Z"

    async def test_two_with_one_address_are_not_both_sent(self, drata: Drata) -> None:
        """Drata finds its user by the address, and would take the two for one."""
        addresses = ("Ana@Example.com", "ana@example.com", "bo@example.com", None, None)
        given = [person(number, email=address) for number, address in enumerate(addresses, 1)]
        planned = (await drata.plan(given, kind="person")).destinations["drata"]
        report = await drata.push(given, kind="person")
        assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"delivered": 4, "rejected": 1})
        (problem,) = report.destinations["drata"].problems
        assert [row.id for row in planned.problems] == [problem.id]
        assert "Ana@Example.com" not in str(problem.outcome.problem)
        assert "the email that p-1 at" in str(problem.outcome.problem)
        held = await self.people(drata)
        assert {each: row["email"] for each, row in held.items() if row["email"]} == {
            "p-1": "Ana@Example.com",
            "p-3": "bo@example.com",
        }

    async def test_a_complete_record_clears_what_it_lacks_and_a_patch_keeps_it(self, drata: Drata) -> None:
        await drata.push([person(1, job_title="Engineer", first_name="Ana")], kind="person", mode="upsert")
        await drata.push([{"id": "p-1", "first_name": "Anna"}], kind="person", mode="patch")
        held = (await self.people(drata))["p-1"]
        assert (held["firstName"], held["jobTitle"]) == ("Anna", "Engineer")
        await drata.push([person(1, first_name="Anna")], kind="person", mode="upsert")
        assert (await self.people(drata))["p-1"]["jobTitle"] is None

    async def test_what_has_not_changed_is_unchanged(self, drata: Drata) -> None:
        await drata.push([person(1), person(2)], kind="person", mode="upsert")
        report = await drata.push([person(1), person(2, job_title="x")], kind="person", mode="upsert")
        assert counts(report) == {"delivered": 1, "unchanged": 1}

    async def test_who_is_gone_from_a_snapshot_is_separated_and_never_deleted(self, drata: Drata) -> None:
        drata.options["guard"] = {"max_gone": 0.5}
        await drata.push([person(1), person(2), person(3)], kind="person")
        report = await drata.push([person(1), person(2)], kind="person", journal="another runner's")
        assert (report.exit_code, report.destinations["drata"].gone.ids) == (Exit.OK, ["p-3"])
        held = await self.people(drata)
        assert set(held) == {"p-1", "p-2", "p-3"}
        assert held["p-3"]["separatedAt"] is not None
        again = await drata.push([person(1), person(2)], kind="person")
        assert again.destinations["drata"].gone.ids == []
        methods = {each["method"] for each in await drata.emulator.received()}
        assert "DELETE" not in methods

    async def test_many_new_people_do_not_hide_that_all_are_gone(self, drata: Drata) -> None:
        await drata.push([person(number) for number in range(4)], kind="person")
        report = await drata.push([person(number) for number in range(10, 60)], kind="person")
        assert report.exit_code is Exit.GUARD
        assert "4 of 4" in notes(report)
        assert all(held["separatedAt"] is None for held in (await self.people(drata)).values())

    async def test_a_key_without_permission_to_list_stops_before_anything_is_sent(self, drata: Drata) -> None:
        await drata.emulator.switch(access="permission")
        report = await drata.push([person(1)], kind="person")
        assert (report.exit_code, counts(report)) == (Exit.BLOCKED, {"withheld": 1})
        assert {each["method"] for each in await drata.emulator.received()} == {"GET"}

    async def test_a_removal_separates(self, drata: Drata) -> None:
        await drata.push([person(1)], kind="person", mode="upsert")
        gone = {"id": "p-1", "observed_at": "2026-03-31T09:00:00Z"}
        assert counts(await drata.push([gone], kind="person", mode="remove")) == {"delivered": 1}
        assert (await self.people(drata))["p-1"]["separatedAt"] == "2026-03-31T09:00:00Z"

    async def test_a_removal_names_the_date_of_its_own_and_corrects_another(self, drata: Drata) -> None:
        await drata.push([person(1), person(2)], kind="person", mode="upsert")
        gone = {"id": "p-1", "separated_at": "2026-01-31T00:00:00Z", "observed_at": "2026-03-31T09:00:00Z"}
        rest = {"id": "p-2", "separated_at": None, "observed_at": "2026-03-31T09:00:00Z"}
        await drata.push([gone, rest], kind="person", mode="remove")
        held = await self.people(drata)
        assert [held[each]["separatedAt"] for each in ("p-1", "p-2")] == ["2026-01-31T00:00:00Z", rest["observed_at"]]
        moved = [{**gone, "separated_at": "2026-02-28T00:00:00Z"}, rest, {"id": "never"}]
        report = await drata.push(moved, kind="person", mode="remove")
        assert counts(report) == {"delivered": 1, "unchanged": 2}
        assert report.destinations["drata"].not_known.ids == ["never"]
        held = await self.people(drata)
        assert [held[each]["separatedAt"] for each in ("p-1", "p-2")] == ["2026-02-28T00:00:00Z", rest["observed_at"]]

    async def test_a_removal_from_the_queue_names_its_date_too(self, drata: Drata) -> None:
        await drata.push([person(1)], kind="person", mode="upsert")
        stop = asyncio.Event()
        async with drata.gateway() as gateway:
            gone = {"id": "p-1", "separated_at": "2026-01-31T00:00:00Z"}
            await gateway.submit([gone], kind="person", to=["drata"], mode="remove")
            working = asyncio.create_task(gateway.work(stop))
            async with asyncio.timeout(20):
                while (await self.people(drata))["p-1"]["separatedAt"] is None:  # noqa: ASYNC110  (no event there)
                    await asyncio.sleep(0.02)
            stop.set()
            await working
        assert (await self.people(drata))["p-1"]["separatedAt"] == "2026-01-31T00:00:00Z"

    async def test_one_bad_person_of_many_is_rejected_alone(self, drata: Drata) -> None:
        await drata.emulator.faults(partial_item_failures=0.5)
        report = await drata.push([person(number) for number in range(20)], kind="person", mode="upsert")
        found = counts(report)
        assert sum(found.values()) == 20
        assert len(await drata.records("person")) == found.get("delivered", 0)


class TestIdentityProviders:
    @pytest.fixture
    async def provider(self, drata: Drata) -> Drata:
        async with drata.gateway() as gateway:
            made = await gateway.call("drata", "v1_create_idp_from_json", people=[])
        number = made.value["connections"][0]["id"]
        drata.block["objects"]["person"] = {"idp_connection_id": number}
        return drata

    def someone(self, number: int, **more: Any) -> dict[str, Any]:
        known = {"first_name": "Ana", "last_name": "Ito", "is_contractor": False, "mfa_enabled": True}
        return person(number, started_at="2020-01-31T00:00:00Z", **known, **more)

    async def people(self, drata: Drata) -> set[str]:
        connection = (await drata.emulator.state())["connections"][-1]
        return {each["id"] for each in connection["identities"]}

    async def test_the_whole_list_is_accepted_and_who_is_absent_is_listed(self, provider: Drata) -> None:
        provider.options["guard"] = {"max_gone": 0.5}
        first = await provider.push([self.someone(1), self.someone(2)], kind="person")
        assert first.destinations["drata"].as_dict()["assurance"]["accepted"] == 2
        report = await provider.push([self.someone(1)], kind="person")
        assert report.destinations["drata"].gone.ids == ["p-2"]
        assert report.destinations["drata"].gone_became == "not in the set that drata was sent"
        assert await self.people(provider) == {"p-1", "p-2"}

    @pytest.mark.parametrize("incomplete", [False, True])
    async def test_a_list_that_shrinks_too_much_is_refused_before_a_byte_leaves(
        self, provider: Drata, incomplete: bool
    ) -> None:
        everybody = [self.someone(number) for number in range(10)]
        await provider.push(everybody, kind="person")
        before = await provider.emulator.received()
        given: Any = everybody[:1]
        if incomplete:
            cut = provider.folder / "people.json"
            cut.write_text(json.dumps(everybody)[:-1])
            given = Input(cut)
        report = await provider.push(given, kind="person")
        assert report.exit_code is Exit.GUARD
        assert counts(report) == {"withheld": 1} if not incomplete else {"withheld": 10}
        assert not [each for each in (await provider.emulator.received())[len(before) :] if each["method"] == "PUT"]
        mended = await provider.push(everybody[:1], kind="person", override_guard="nine have left")
        assert (mended.exit_code, counts(mended)) == (Exit.OK, {"delivered": 1})

    async def test_a_list_with_a_bad_person_is_not_sent(self, provider: Drata) -> None:
        unknown = {**self.someone(2), "is_contractor": None}
        report = await provider.push([self.someone(1), unknown], kind="person")
        assert (counts(report), report.exit_code) == ({"rejected": 1, "withheld": 1}, Exit.INCOMPLETE)
        assert await self.people(provider) == set()

    async def test_a_list_that_does_not_fit_one_request_is_not_sent(self, provider: Drata) -> None:
        given = [self.someone(number, avatar_url="x" * 700) for number in range(6_000)]
        report = await provider.push(given, kind="person")
        assert (counts(report), report.exit_code) == ({"withheld": 6_000}, Exit.USAGE)
        assert await self.people(provider) == set()
