"""Accounts at Vanta, over sockets: one set, one request, and what becomes of those who left or are not known well."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.support.reports import counts, notes, problems
from tests.support.vanta import Vanta, account, accounts, resources

from proofport.accounting import Assurance
from proofport.delivery.report.report import Exit
from proofport.errors import ConfigError, UnsupportedFeature

KIND = "personnel_account"
RESOURCE = "665000000000000000000001"
HOST = "the vendor"


@pytest.fixture(name="vanta")
def _half_may_go(vanta: Vanta) -> Vanta:
    """The guard lets half of a set go."""
    vanta.options["guard"] = {"max_gone": 0.5}
    return vanta


async def puts(vanta: Vanta) -> list[dict[str, Any]]:
    return [each for each in await vanta.written() if each["method"] == "PUT"]


async def live(vanta: Vanta) -> dict[str, str]:
    """The status of every account that is not deleted."""
    return {row["id"]: row["status"] for row in await vanta.records(KIND)}


# ------------------------------------------------------------------ the set
async def test_a_set_goes_in_one_request_and_is_confirmed_by_its_list(vanta: Vanta) -> None:
    report = await vanta.push(accounts(3), kind=KIND)
    books = report.destinations["vanta"]
    assert (report.exit_code, counts(report), notes(report)) == (Exit.OK, {"delivered": 3}, "")
    assert dict(books.tally.assurance) == {Assurance.CONFIRMED: 3}
    assert [each["path"] for each in await puts(vanta)] == ["/v1/resources/user_account"]
    assert (await vanta.records(KIND))[0] == {
        "id": "a0",
        "uniqueId": "a0",
        "displayName": "Person 0",
        "externalUrl": "https://billing.example.com/users/0",
        "fullName": "Person 0",
        "accountName": "p0",
        "email": "p0@example.com",
        "permissionLevel": "BASE",
        "createdTimestamp": "2024-05-01T08:00:00.000Z",
        "status": "ACTIVE",
        "mfaEnabled": True,
        "mfaMethods": ["OTP"],
        "authMethod": "SSO",
    }


@pytest.mark.parametrize(("stale", "assurance"), [(2, Assurance.CONFIRMED), (9, Assurance.ACCEPTED)])
async def test_what_the_list_does_not_show_yet_stays_accepted(vanta: Vanta, stale: int, assurance: Assurance) -> None:
    await vanta.emulator.switch(stale_lists=stale)
    report = await vanta.push(accounts(2), kind=KIND)
    assert (report.exit_code, dict(report.destinations["vanta"].tally.assurance)) == (Exit.OK, {assurance: 2})


async def test_the_older_answer_counts_too(vanta: Vanta) -> None:
    await vanta.emulator.switch(answer="results")
    assert counts(await vanta.push(accounts(2), kind=KIND)) == {"delivered": 2}


async def test_an_answer_whose_counts_do_not_match_fails_the_run(vanta: Vanta) -> None:
    await vanta.emulator.switch(answer="results")
    await vanta.emulator.faults(partial_item_failures=1.0)
    report = await vanta.push(accounts(2), kind=KIND)
    assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"unknown": 2})
    assert "0 accepted and 2 rejected of 2 records" in problems(report)[0]


@pytest.mark.parametrize("mode", ["upsert", "patch", "remove"])
async def test_single_records_are_refused_with_the_way_that_works(vanta: Vanta, mode: Any) -> None:
    with pytest.raises(UnsupportedFeature, match="only whole sets") as refused:
        await vanta.push(accounts(1), kind=KIND, mode=mode)
    assert "snapshot" in str(refused.value.hint)
    assert await vanta.emulator.received() == []


async def test_a_shrink_beyond_the_guard_sends_nothing(vanta: Vanta) -> None:
    await vanta.push(accounts(5), kind=KIND)
    report = await vanta.push(accounts(2), kind=KIND)
    assert (report.exit_code, counts(report)) == (Exit.GUARD, {"withheld": 2})
    assert (len(await puts(vanta)), len(await live(vanta))) == (1, 5)


# ------------------------------------------------------------------ who has left
def made_older(at: Vanta, days: float) -> None:
    """Who has left has been gone for so many days more."""
    with closing(sqlite3.connect(at.folder / "journal")) as journal, journal:
        journal.execute("UPDATE tombstones SET gone_at = gone_at - ?", (days * 86_400,))


async def shown_older(at: Vanta, days: float) -> None:
    """What Vanta shows of who has left is so many days older."""
    state = await at.emulator.state()
    for row in resources(state, KIND)[0]["records"]:
        if since := row.get("deactivatedTimestamp"):
            moment = datetime.fromisoformat(since) - timedelta(days=days)
            row["deactivatedTimestamp"] = moment.isoformat().replace("+00:00", "Z")
    await at.emulator.control("POST", "seed", **state)


async def test_who_has_left_is_deactivated_with_the_date_and_then_left_out(vanta: Vanta) -> None:
    began = datetime.now(UTC).replace(microsecond=0)
    await vanta.push(accounts(3), kind=KIND)
    plan = await vanta.plan(accounts(2), kind=KIND)
    report = await vanta.push(accounts(2), kind=KIND)
    assert report.destinations["vanta"].gone.ids == ["a2"]
    told = "DEACTIVATED for 90 days, with the last state that is known, and left out then"
    assert f"What is gone is sent as {told}." in plan.destinations["vanta"].notes
    assert report.destinations["vanta"].gone_became == f"sent to vanta as {told}"
    assert await live(vanta) == {"a0": "ACTIVE", "a1": "ACTIVE", "a2": "DEACTIVATED"}
    gone = (await vanta.records(KIND))[2]["deactivatedTimestamp"]
    assert began <= datetime.fromisoformat(gone) <= datetime.now(UTC)
    made_older(vanta, 89.9)
    again = await vanta.push(accounts(2), kind=KIND)
    assert (again.exit_code, again.destinations["vanta"].gone.count) == (Exit.OK, 0), "once is enough"
    assert (await vanta.records(KIND))[2]["deactivatedTimestamp"] < gone
    made_older(vanta, 0.2)
    await shown_older(vanta, 0.2)
    await vanta.push(accounts(2), kind=KIND)
    assert (await live(vanta), await vanta.deleted(KIND)) == ({"a0": "ACTIVE", "a1": "ACTIVE"}, ["a2"])


async def test_who_left_before_this_journal_is_deactivated_all_the_same(vanta: Vanta) -> None:
    await vanta.push(accounts(4), kind=KIND)
    await vanta.push(accounts(3), kind=KIND)
    first = (await vanta.records(KIND))[3]["deactivatedTimestamp"]
    report = await vanta.push(accounts(2), kind=KIND, journal="another")
    assert (report.exit_code, report.destinations["vanta"].gone.ids) == (Exit.OK, ["a2"])
    assert await live(vanta) == {"a0": "ACTIVE", "a1": "ACTIVE", "a2": "DEACTIVATED", "a3": "DEACTIVATED"}
    assert (await vanta.records(KIND))[3]["deactivatedTimestamp"] == first
    await vanta.push(accounts(2), kind=KIND, journal="a third")
    assert len(await live(vanta)) == 4
    await shown_older(vanta, 91)
    await vanta.push(accounts(2), kind=KIND, journal="a fourth")
    assert sorted(await vanta.deleted(KIND)) == ["a2", "a3"]


async def test_who_comes_back_is_active_again(vanta: Vanta) -> None:
    for count in (3, 2, 3):
        await vanta.push(accounts(count), kind=KIND)
    assert await live(vanta) == dict.fromkeys(["a0", "a1", "a2"], "ACTIVE")


async def test_a_source_that_says_who_left_gives_the_date(vanta: Vanta) -> None:
    left = account(1, active=False, deactivated_at="2026-01-31T09:00:00.9Z")
    await vanta.push([account(0), left], kind=KIND)
    assert (await vanta.records(KIND))[1]["deactivatedTimestamp"] == "2026-01-31T09:00:00.000Z"
    report = await vanta.push([account(0)], kind=KIND)
    assert (report.exit_code, report.destinations["vanta"].gone.ids) == (Exit.OK, ["a1"])
    assert (await vanta.records(KIND))[1]["deactivatedTimestamp"] == "2026-01-31T09:00:00.000Z", "the true date stays"


# ------------------------------------------------------------------ what is not known
async def test_unknown_mfa_is_withheld_and_named(vanta: Vanta) -> None:
    report = await vanta.push([*accounts(2), account(2, mfa_enabled=None)], kind=KIND)
    assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"delivered": 2, "withheld": 1})
    assert report.destinations["vanta"].tally.reasons == {"required_value_unknown": 1}
    [problem] = report.destinations["vanta"].problems
    assert (problem.id, problem.outcome.problem and problem.outcome.problem.field) == ("a2", "mfaEnabled")
    assert "when_unknown" in problems(report)[0]
    assert await live(vanta) == {"a0": "ACTIVE", "a1": "ACTIVE"}


async def test_all_that_a_record_lacks_is_named(vanta: Vanta) -> None:
    report = await vanta.push([account(0, mfa_enabled=None, mfa_methods=None, auth_method=None)], kind=KIND)
    assert "mfaEnabled: found nothing" in problems(report)[0]
    assert "It lacks mfaMethods, authMethod as well." in problems(report)[0]


async def test_a_wrong_value_for_what_is_unknown_is_found_before_any_request(vanta: Vanta) -> None:
    vanta.block["objects"][KIND] |= {"when_unknown": {"fullName": "unknown", "authMethod": "PASWORD"}}
    async with vanta.gateway() as gateway:
        for ask in (gateway.check("vanta"), gateway.push([], kind=KIND, to="vanta", mode="snapshot")):
            with pytest.raises(ConfigError, match=r"authMethod .*PASWORD"):
                await ask
    assert await vanta.emulator.received() == []


async def test_unknown_mfa_of_an_account_that_is_held_blocks_the_set(vanta: Vanta) -> None:
    await vanta.push(accounts(3), kind=KIND)
    records = [account(0, full_name="New"), account(1), account(2, mfa_enabled=None)]
    report = await vanta.push(records, kind=KIND)
    assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"withheld": 3})
    assert (report.destinations["vanta"].gone.count, len(await puts(vanta))) == (0, 1)
    assert "a2" in notes(report)
    assert "keep_last" in notes(report)
    assert "--override-guard" in notes(report)

    vanta.options["guard"] = {"max_gone": 0.5, "refused": "keep_last"}
    report = await vanta.push(records, kind=KIND)
    assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"delivered": 2, "withheld": 1})
    assert report.destinations["vanta"].kept_last.ids == ["a2"]
    assert [(row["fullName"], row["mfaEnabled"]) for row in await vanta.records(KIND)] == [
        ("New", True),
        ("Person 1", True),
        ("Person 2", True),
    ]

    report = await vanta.push(records, kind=KIND, override_guard="she has no MFA any more")
    assert counts(report) == {"delivered": 2, "withheld": 1}


async def test_a_locked_account_that_is_refused_is_present_all_the_same(vanta: Vanta) -> None:
    """Vanta lists it as deactivated, as it lists who has left."""
    locked = account(2, active=False, deactivated_at="2020-01-31T09:00:00Z")
    await vanta.push([*accounts(2), locked], kind=KIND)
    for guard, sent in (({}, 1), ({"refused": "keep_last"}, 2)):
        vanta.options["guard"] = {"max_gone": 0.5, **guard}
        report = await vanta.push([*accounts(2), {**locked, "mfa_enabled": None}], kind=KIND)
        assert (report.exit_code, len(await puts(vanta))) == (Exit.INCOMPLETE, sent)
        assert await live(vanta) == {"a0": "ACTIVE", "a1": "ACTIVE", "a2": "DEACTIVATED"}


async def test_what_is_unknown_does_not_count_as_rejected(vanta: Vanta) -> None:
    """No rejected record may be lacking, and one of those that were kept is not rejected."""
    vanta.options["guard"] = {"max_gone": 0.5, "refused": "keep_last", "max_rejected": 0}
    await vanta.push(accounts(3), kind=KIND)
    report = await vanta.push([account(0), account(1, mfa_enabled=None), account(2, permission_level=7)], kind=KIND)
    assert (report.exit_code, len(await puts(vanta))) == (Exit.INCOMPLETE, 2)
    assert report.destinations["vanta"].kept_last.ids == ["a1", "a2"]
    report = await vanta.push(
        [account(0), account(1, mfa_enabled=None), account(2), account(9, permission_level=7)], kind=KIND
    )
    assert (report.exit_code, len(await puts(vanta))) == (Exit.INCOMPLETE, 2), "the rejected one is not kept"


async def test_what_is_unknown_may_be_left_out_on_purpose(vanta: Vanta) -> None:
    vanta.block["objects"][KIND] |= {"unknown_required": "exclude"}
    report = await vanta.push([*accounts(2), account(2, mfa_enabled=None)], kind=KIND)
    assert (report.exit_code, counts(report)) == (Exit.OK, {"delivered": 2, "withheld": 1})
    assert report.destinations["vanta"].as_dict()["excluded"] == {"count": 1, "ids": ["a2"]}
    assert report.destinations["vanta"].problems == []
    plan = await vanta.plan([*accounts(2), account(2, mfa_enabled=None)], kind=KIND)
    assert (plan.exit_code, plan.destinations["vanta"].excluded.ids) == (Exit.OK, ["a2"])


async def test_a_value_by_name_stands_for_what_is_unknown(vanta: Vanta) -> None:
    vanta.block["objects"][KIND] |= {"when_unknown": {"authMethod": "PASSWORD"}}
    assert counts(await vanta.push([account(0), account(1, auth_method=None)], kind=KIND)) == {"delivered": 2}
    assert [row["authMethod"] for row in await vanta.records(KIND)] == ["SSO", "PASSWORD"]


# ------------------------------------------------------------------ what Vanta refuses
async def test_the_record_that_vanta_names_is_rejected_and_the_rest_is_withheld(
    vanta: Vanta, monkeypatch: pytest.MonkeyPatch
) -> None:
    await vanta.push(accounts(2), kind=KIND)
    monkeypatch.setattr("proofport_vanta.emulator.resources.wrong_with", lambda *_: "/1: must have property 'shoeSize'")
    report = await vanta.push(accounts(3), kind=KIND)
    assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"rejected": 1, "withheld": 2})
    [problem] = report.destinations["vanta"].problems
    assert (problem.id, problem.outcome.problem and problem.outcome.problem.field) == ("a1", "shoeSize")
    assert len(await live(vanta)) == 2


# ------------------------------------------------------------------ the application
async def test_another_application_is_warned_about_before_its_first_set(vanta: Vanta) -> None:
    await vanta.push(accounts(2), kind=KIND)
    resource = {"id": "66500000000000000000000a", "base_type": "user_account"}
    other = {"id": "vci_other", "client_secret": "vanta-other-secret", "resources": [resource]}
    await vanta.emulator.control("POST", "applications", **other)
    vanta.block |= {"client_id": "vci_other", "client_secret": "vanta-other-secret"}
    vanta.block["objects"] = {KIND: {"resource_id": resource["id"]}}
    plan = await vanta.plan(accounts(2), kind=KIND)
    first = await vanta.push(accounts(2), kind=KIND)
    for said in (" ".join(plan.destinations["vanta"].notes), notes(first)):
        assert f"another object before: {HOST}" in said.replace(vanta.emulator.origin.removeprefix("http://"), HOST)
        assert RESOURCE in said
    assert first.exit_code is Exit.OK
    assert "another object" not in notes(await vanta.push(accounts(2), kind=KIND))
