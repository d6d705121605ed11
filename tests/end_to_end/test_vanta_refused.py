"""Records that Vanta does not get: they lack a value, were refused, or are held there as having left."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.evidence import Record
from tests.support.reports import counts, notes
from tests.support.vanta import Vanta, account, accounts, resources

from proofport.delivery.report.report import Exit

KIND = "personnel_account"


@pytest.fixture(name="vanta")
def _half_may_go(vanta: Vanta) -> Vanta:
    """The guard lets half of a set go."""
    vanta.options["guard"] = {"max_gone": 0.5}
    return vanta


async def puts(vanta: Vanta) -> int:
    return sum(each["method"] == "PUT" for each in await vanta.written())


async def live(vanta: Vanta) -> dict[str, str]:
    """The status of every account that is not deleted."""
    return {row["id"]: row["status"] for row in await vanta.records(KIND)}


# ------------------------------------------------------------------ one who had left is back, and refused
LEFT = {"a0": "ACTIVE", "a1": "ACTIVE", "a2": "DEACTIVATED"}
BACK = [*accounts(2), account(2, mfa_enabled=None)]


@pytest.fixture(name="left")
async def _one_has_left(vanta: Vanta) -> Vanta:
    await vanta.push(accounts(3), kind=KIND)
    await vanta.push(accounts(2), kind=KIND)
    assert await live(vanta) == LEFT
    return vanta


@pytest.mark.parametrize("journal", ["journal", "another"], ids=["known here", "left by another journal"])
@pytest.mark.parametrize("guard", ["block", "keep_last"])
async def test_one_who_had_left_and_is_refused_blocks_the_set(left: Vanta, guard: str, journal: str) -> None:
    left.options["guard"] = {"max_gone": 0.5, "refused": guard}
    plan = await left.plan(BACK, kind=KIND, journal=journal)
    report = await left.push(BACK, kind=KIND, journal=journal)
    books = report.destinations["vanta"]
    assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"withheld": 3})
    assert (await puts(left), await live(left), books.kept_last.count) == (2, LEFT, 0)
    for said in (notes(report), " ".join(plan.destinations["vanta"].notes)):
        assert "1 record refused that the set before has as gone" in said
        assert ": a2. Correct the source" in said
        assert "--override-guard" in said
        assert ("keep_last does not send" in said) == (guard == "keep_last")


@pytest.mark.parametrize("journal", ["journal", "another"])
async def test_one_who_had_left_and_is_refused_is_dropped_when_a_person_says_so(left: Vanta, journal: str) -> None:
    report = await left.push(BACK, kind=KIND, journal=journal, override_guard="she has no account any more")
    books = report.destinations["vanta"].as_dict()
    assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"delivered": 2, "withheld": 1})
    assert (books["dropped"], books["gone"]["count"]) == ({"count": 1, "ids": ["a2"]}, 0)
    assert (await live(left), await left.deleted(KIND)) == ({"a0": "ACTIVE", "a1": "ACTIVE"}, ["a2"])
    again = await left.push(BACK, kind=KIND, journal=journal)
    assert counts(again) == {"delivered": 2, "withheld": 1}, "it is held no longer"
    await left.push(accounts(2), kind=KIND, journal=journal)
    assert await live(left) == {"a0": "ACTIVE", "a1": "ACTIVE"}, "nor is it told as gone again"


@pytest.mark.parametrize("bad", [account(2, permission_level=7), account(2, created_at="yesterday")])
async def test_one_who_had_left_and_is_rejected_blocks_the_set_too(left: Vanta, bad: Record) -> None:
    """By the vendor mapping, and by the kind."""
    left.options["guard"] = {"max_gone": 0.5, "max_rejected": 1}
    report = await left.push([*accounts(2), bad], kind=KIND)
    assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"rejected": 1, "withheld": 2})
    assert "1 record refused that the set before has as gone: a2." in notes(report)
    assert (await puts(left), await live(left)) == (2, LEFT)


async def test_an_account_that_its_source_says_has_left_is_dropped_for_good(vanta: Vanta) -> None:
    locked: dict[str, Any] = account(2, active=False, deactivated_at="2026-01-31T09:00:00Z")
    await vanta.push([*accounts(2), locked], kind=KIND)
    unknown = {**locked, "mfa_enabled": None}
    report = await vanta.push([*accounts(2), unknown], kind=KIND, override_guard="never mind")
    assert report.destinations["vanta"].dropped.ids == ["a2"]
    assert await live(vanta) == {"a0": "ACTIVE", "a1": "ACTIVE"}


# ------------------------------------------------------------------ what is said beforehand
UNKNOWN = account(2, mfa_enabled=None)
CASES: dict[str, tuple[list[Record], dict[str, Any]]] = {
    "held": ([*accounts(2), UNKNOWN], {}),
    "not held": ([*accounts(3), account(9, mfa_enabled=None)], {}),
    "kept": ([*accounts(2), UNKNOWN], {"refused": "keep_last"}),
    "nothing to send": ([account(9, mfa_enabled=None)], {"max_gone": 1}),
    "shrinks": (accounts(1), {}),
    "shrinks, and a record is rejected": ([account(0), account(9, permission_level=7)], {"max_rejected": 1}),
    "too large": ([account(n) for n in range(5)], {}),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("unknown", ["withhold", "exclude"])
async def test_a_plan_and_a_dry_run_end_as_the_push_does(
    vanta: Vanta, case: str, unknown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, guard = CASES[case]
    monkeypatch.setattr("proofport_vanta.whole_set.MAX_RECORDS", 4)
    vanta.block["objects"][KIND] |= {"unknown_required": unknown}
    vanta.options["guard"] = {"max_gone": 0.5, **guard}
    await vanta.push(accounts(3), kind=KIND)
    plan = await vanta.plan(given, kind=KIND)
    dry = await vanta.push(given, kind=KIND, dry_run=True)
    assert await puts(vanta) == 1
    report = await vanta.push(given, kind=KIND)
    assert (plan.exit_code, dry.exit_code) == (report.exit_code, report.exit_code)
    tally = dry.destinations["vanta"].tally
    sent = counts(report).get("delivered", 0)
    assert tally.reasons.get("dry_run", 0) == sent, "what would be sent"
    pushed = report.destinations["vanta"]
    for told in (plan.destinations["vanta"], dry.destinations["vanta"]):
        assert bool(told.gone_became) == bool(pushed.gone_became and pushed.gone.count)
    rest = {reason: n for reason, n in report.destinations["vanta"].tally.reasons.items() if n}
    assert {reason: n for reason, n in tally.reasons.items() if reason != "dry_run"} == rest


async def test_who_is_taken_as_removed_is_named_and_not_sent_as_gone(vanta: Vanta) -> None:
    await vanta.push(accounts(5), kind=KIND)
    state = await vanta.emulator.state()
    resources(state, KIND)[0]["records"].clear()
    await vanta.emulator.control("POST", "seed", **state)
    plan = await vanta.plan(accounts(1), kind=KIND)
    assert (plan.exit_code, plan.destinations["vanta"].gone.count) == (Exit.GUARD, 4)
    report = await vanta.push(accounts(1), kind=KIND, override_guard="they were deleted by hand")
    books = report.destinations["vanta"].as_dict()
    assert (report.exit_code, books["gone"]["count"]) == (Exit.OK, 0)
    assert books["taken_as_removed"] == {"count": 5, "ids": ["a0", "a1", "a2", "a3", "a4"]}
    assert await live(vanta) == {"a0": "ACTIVE"}


# ------------------------------------------------------------------ what Vanta refuses
@pytest.mark.parametrize("text", ["the set is not welcome", "/7: must have property 'shoeSize'"])
async def test_a_refusal_that_names_nobody_withholds_all(
    vanta: Vanta, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await vanta.push(accounts(2), kind=KIND)
    monkeypatch.setattr("proofport_vanta.emulator.resources.wrong_with", lambda *_: text)
    report = await vanta.push([account(0, full_name="New"), account(1)], kind=KIND)
    assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"withheld": 2})
    assert report.destinations["vanta"].tally.reasons == {"set_refused": 2}
    assert f"the vendor says: {text} (HTTP 400)" in notes(report)
    assert [row["fullName"] for row in await vanta.records(KIND)] == ["Person 0", "Person 1"]


async def test_a_last_body_that_vanta_refuses_is_named(vanta: Vanta, monkeypatch: pytest.MonkeyPatch) -> None:
    vanta.options["guard"] = {"max_gone": 0.5, "refused": "keep_last"}
    await vanta.push(accounts(3), kind=KIND)
    monkeypatch.setattr("proofport_vanta.emulator.resources.wrong_with", lambda *_: "/2: must have property 'shoeSize'")
    report = await vanta.push([*accounts(2), account(2, mfa_enabled=None)], kind=KIND)
    assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"withheld": 3})
    assert "refused the last body of a2, which went in its place: shoeSize: found nothing" in notes(report)
