"""A vendor's list that is suddenly short: the run stops, nothing is removed, and an override takes it as the truth."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.drata import Drata
from tests.support.evidence import Record, cloud_resource, device, person, personnel_accounts
from tests.support.relay import Relay
from tests.support.reports import counts, notes
from tests.support.secureframe import Secureframe

from proofport.cli.push.report import remarks_on
from proofport.delivery.report.report import Exit, RunReport
from proofport.testing import Running

MADE = {"cloud_resource": cloud_resource, "person": person, "device": device}
ID_FIELD = {"cloud_resource": "id", "person": "identityId", "device": "externalId"}
LISTS = {"path": "/(records|hris-user-identities|devices)$", "method": "GET"}


def ten(kind: str = "cloud_resource", count: int = 10) -> list[Record]:
    return [MADE[kind](number) for number in range(count)]


def printed(report: RunReport) -> str:
    return "\n".join(remarks_on(report.destinations["drata"]))


async def cut_short(emulator: Running, rows: int) -> None:
    await emulator.faults(list_ends_after=rows, match=LISTS)


async def held(drata: Drata, kind: str) -> int:
    """The number of records that an auditor sees as live."""
    return sum(not each.get("separatedAt") for each in await drata.records(kind))


class TestSets:
    @pytest.mark.parametrize("kind", MADE)
    @pytest.mark.parametrize("rows", [0, 2])
    async def test_a_list_that_lacks_too_much_is_not_believed(self, drata: Drata, kind: str, rows: int) -> None:
        """The new set is what the short list shows: nothing would look gone."""
        how: dict[str, Any] = {"kind": kind, "delete_gone": kind == "device"}
        await drata.push(ten(kind), **how)
        await cut_short(drata.emulator, rows)
        before = len(await drata.written())
        short = await drata.push(ten(kind, 2), **how)
        assert (short.exit_code, counts(short)) == (Exit.GUARD, {"withheld": 2})
        assert f"drata shows {rows} of 10 records delivered from here (allowed to be missing: 20%)" in notes(short)
        plan = await drata.plan(ten(kind, 2), kind=kind)
        assert (plan.exit_code, plan.destinations["drata"].gone.count) == (Exit.GUARD, 8)
        assert f"drata shows {rows} of 10 records" in (plan.destinations["drata"].refusal or "")
        assert await held(drata, kind) == 10
        assert kind == "cloud_resource" or len(await drata.written()) == before
        await drata.emulator.faults()
        assert (await drata.push(ten(kind), **how)).exit_code is Exit.OK

    async def test_what_a_list_lacks_within_bounds_is_still_held(self, drata: Drata) -> None:
        """One person left, and the list shows neither that one nor another: the end date is written all the same."""
        await drata.push(ten("person"), kind="person")
        await cut_short(drata.emulator, 8)
        report = await drata.push(ten("person", 9), kind="person")
        assert (report.exit_code, report.destinations["drata"].gone.ids) == (Exit.OK, ["p-9"])
        assert [each["identityId"] for each in await drata.records("person") if each["separatedAt"]] == ["p-9"]

    async def test_a_set_that_looks_live_in_a_short_list_is_sent(self, drata: Drata) -> None:
        await drata.push(ten())
        await cut_short(drata.emulator, 8)
        report = await drata.push(ten(count=8), skip_unchanged=True)
        assert (report.exit_code, report.destinations["drata"].gone.ids) == (Exit.OK, ["i-8", "i-9"])
        assert await drata.live() == [f"i-{number}" for number in range(8)]

    async def test_records_of_another_program_do_not_make_up_for_ours(self, drata: Drata) -> None:
        await drata.push(ten())
        others = [{"id": f"other-{number}", "display_name": "x", "type": "x"} for number in range(50)]
        await drata.seed(records=[*others, *(await drata.records())[:2]])
        drata.options["guard"] = {"max_gone": 0.7}
        assert "drata shows 2 of 10 records" in notes(await drata.push(ten()))

    async def test_of_a_few_some_may_have_been_deleted_by_hand(self, drata: Drata) -> None:
        await drata.push(ten(count=3))
        await drata.seed(records=(await drata.records())[:2])
        assert (await drata.push(ten(count=3))).exit_code is Exit.OK

    async def test_a_journal_that_knows_nothing_has_nothing_to_miss(self, drata: Drata) -> None:
        await drata.push(ten())
        await cut_short(drata.emulator, 0)
        assert (await drata.push(ten(), journal="another runner's")).exit_code is Exit.OK


class TestOverrides:
    @pytest.mark.parametrize("kind", MADE)
    async def test_what_was_deleted_by_hand_is_forgotten(self, drata: Drata, kind: str) -> None:
        """The next run has nothing to stop for, whatever the set is."""
        how: dict[str, Any] = {"kind": kind, "delete_gone": kind == "device"}
        await drata.push(ten(kind), **how)
        await cut_short(drata.emulator, 2)
        shown = {row[ID_FIELD[kind]] for row in (await drata.records(kind))[:2]}
        left = [each for each in ten(kind) if each["id"] in shown]
        report = await drata.push(left, override_guard="the auditor removed eight", **how)
        assert (report.exit_code, report.destinations["drata"].gone.ids) == (Exit.OK, [])
        assert "The guard was overridden (the auditor removed eight): the list counts as the truth" in notes(report)
        removed = sorted(each["id"] for each in ten(kind) if each not in left)
        assert report.destinations["drata"].as_dict()["taken_as_removed"] == {"count": 8, "ids": removed}
        assert f"Taken as removed at the vendor, whose list does not show them (8): {removed[0]}, " in printed(report)
        again = await drata.push(left, **how)
        assert (again.exit_code, again.destinations["drata"].gone.ids) == (Exit.OK, [])

    @pytest.mark.parametrize("mode", ["upsert", "patch"])
    async def test_what_is_unchanged_is_not_decided_by_a_short_list(self, drata: Drata, mode: Any) -> None:
        drata.block["allow_assumed"] = ["put_merge"]
        await drata.push(ten(), mode="upsert")
        await cut_short(drata.emulator, 2)
        before = len(await drata.written())
        stopped = await drata.push(ten(count=1), mode=mode, skip_unchanged=True)
        assert (stopped.exit_code, counts(stopped)) == (Exit.GUARD, {"withheld": 1})
        assert len(await drata.written()) == before
        assert (await drata.plan(ten(count=1), mode=mode)).exit_code is Exit.GUARD
        agreed = await drata.push(ten(count=1), mode=mode, skip_unchanged=True, override_guard="they were removed")
        assert (agreed.exit_code, counts(agreed)) == (Exit.OK, {"unchanged": 1})
        again = await drata.push(ten(count=1), mode=mode, skip_unchanged=True)
        assert (again.exit_code, counts(again)) == (Exit.OK, {"unchanged": 1})

    async def test_a_commit_stops_and_can_be_committed_again_with_a_reason(
        self, relay: Relay, drata_emulator: Running
    ) -> None:
        for rows, count, status in ((None, 10, 200), (2, 2, 409)):
            opened = await relay.ask("POST", "/v1/snapshots", json={"kind": "cloud_resource", "to": ["drata"]})
            at = f"/v1/snapshots/{opened.body['id']}"
            await relay.ask("PUT", f"{at}/parts/all", json=ten(count=count))
            if rows is not None:
                await cut_short(drata_emulator, rows)
            answer = await relay.ask("POST", f"{at}/commit")
            assert answer.status == status
        assert "drata shows 2 of 10 records delivered from here" in answer.body["detail"]
        agreed = await relay.ask("POST", f"{at}/commit", json={"override_guard": "the auditor removed eight"})
        assert (agreed.status, agreed.body["state"]) == (200, "delivered")


class TestLag:
    async def test_nothing_follows_from_what_a_list_lacks_that_lags(self, secureframe: Secureframe) -> None:
        """The plan compares with the journal, as the push does."""
        secureframe.block["vendor_name"] = "Acme"
        given, how = personnel_accounts(*range(10)), dict[str, Any](kind="personnel_account", mode="snapshot")
        await secureframe.push(given, **how)
        await secureframe.emulator.faults(list_ends_after=0, match={"path": "/user_accounts$"})
        plan = await secureframe.plan(given[:9], **how)
        assert (plan.exit_code, plan.destinations["secureframe"].gone.ids) == (Exit.OK, ["a9"])
        report = await secureframe.push(given[:9], **how, skip_unchanged=True)
        assert report.destinations["secureframe"].gone.ids == ["a9"]
        assert report.exit_code in (Exit.OK, Exit.INCOMPLETE)
