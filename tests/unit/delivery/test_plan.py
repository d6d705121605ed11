"""A plan: what a push would add, change and take away, record by record. Nothing is sent, nothing is written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.delivery.runs import Vendor, push, write
from tests.unit.delivery.support import (
    KIND,
    EndingTiny,
    ListedTiny,
    ScriptedSender,
    StagedTiny,
    Tiny,
    WholeTiny,
    all_ok,
    expect_ok,
    memory_journal,
    reply,
)

from proofport.adapter import Flow, Mode, Observed, Page
from proofport.delivery.plan import Plan
from proofport.delivery.plan import planned as planned_dict
from proofport.delivery.report.report import LISTED, DestinationReport, Exit
from proofport.delivery.snapshot.fate import DELETABLE, KEPT, REPLACED
from proofport.delivery.snapshot.guard import ALLOWED, WAYS, Terms
from proofport.errors import Blocked
from proofport.journal.contract import Journal
from proofport.wire import Call, Reply

pytestmark = pytest.mark.usefixtures("folder")

LANE = f"here/{KIND}"


def page_of(cursor: str | None) -> Flow[Page]:
    answer = yield Call("list_records", "GET", "/records", query=(("after", cursor or ""),))
    expect_ok(answer)
    page = answer.json()
    return Page([Observed(**record) for record in page["records"]], page.get("next"))


class ShownTiny(ListedTiny):
    """Shows its records with their fields."""

    def page(self, cursor: str | None) -> Flow[Page]:
        return page_of(cursor)


class ShownStagedTiny(StagedTiny):
    """Shows the records of the live set with their fields."""

    def page(self, cursor: str | None) -> Flow[Page]:
        return page_of(cursor)


def whole(record_id: str, **more: Any) -> dict[str, Any]:
    return {"id": record_id, "fields": {"id": record_id, **more}, "whole": True}


def showing(*held: dict[str, Any], made: type[Tiny] = ShownStagedTiny) -> Vendor:
    return Vendor(ScriptedSender(list_records=reply({"records": held})), made)


async def planned(here: Vendor, *records: Any, mode: Mode = "snapshot", **how: Any) -> Plan:
    return Plan.of(await push(write("a.ndjson", *records), mode=mode, here=here, plan=True, **how))


async def plan_of(here: Vendor, *records: Any, mode: Mode = "snapshot", **how: Any) -> DestinationReport:
    return (await planned(here, *records, mode=mode, **how)).destinations["here"]


# ---------------------------------------------------------------------- groups
async def test_each_record_stands_in_one_group() -> None:
    here = showing(whole("a", n=1), whole("b", n=2), whole("d", n=1))
    plan = await plan_of(here, *({"id": each, "n": 1} for each in "abc"))
    assert (plan.difference.unchanged, plan.difference.changed.ids, plan.difference.added.ids, plan.gone.ids) == (
        1,
        ["b"],
        ["c"],
        ["d"],
    )
    assert plan.difference.fields == {"b": ["n"]}
    assert "1 of 3 records held now would be gone" in (plan.refusal or "")


async def test_a_second_record_of_an_id_says_where_the_first_is() -> None:
    plan = await plan_of(showing(), {"id": "a"}, {"id": "a", "n": 2})
    [row] = plan.problems
    assert (plan.problem_count, row.position, row.id) == (1, "a.ndjson:2", "a")
    assert "a.ndjson:1" in str(row.outcome.problem)


async def test_what_cannot_be_delivered_is_named_with_its_place() -> None:
    plan = await plan_of(showing(), {"id": "a"}, "{broken", {"id": "b", "huge": 1}, {"id": "c", "odd": 1})
    assert [(row.position, row.id) for row in plan.problems] == [
        ("a.ndjson:2", None),
        ("a.ndjson:3", "b"),
        ("a.ndjson:4", "c"),
    ]
    shown = planned_dict(plan)
    assert (shown["added"]["count"], shown["not_expressible"]["count"]) == (1, 3)
    [note] = [each for each in plan.notes if "The snapshot would be cancelled: 3 records rejected (allowed 0)." in each]
    assert note.endswith(f". {WAYS} {ALLOWED}")


async def test_only_a_snapshot_makes_disappear() -> None:
    plan = await plan_of(showing(whole("a"), made=ShownTiny), {"id": "b"}, mode="upsert")
    assert (plan.gone.count, plan.refusal) == (0, None)


async def test_who_has_ended_is_not_gone_again() -> None:
    held = [{"id": "a", "ended": True}, {"id": "b", "outside": True}]
    plan = await plan_of(showing(*held), {"id": "c"})
    assert (plan.gone.ids, plan.outside.ids) == (["b"], ["b"])
    assert "1 of 1 records held now would be gone" in (plan.refusal or "")


@pytest.mark.parametrize("refused", [{"id": "a", "huge": 1}, {"id": "a", "bad": 1}])
@pytest.mark.parametrize("made", [ShownTiny, ShownStagedTiny])
async def test_what_is_refused_is_not_gone(made: type[Tiny], refused: dict[str, Any]) -> None:
    plan = await plan_of(showing(whole("a"), whole("b"), made=made), refused, {"id": "b"}, terms=Terms(0.2, 1))
    assert (plan.gone.ids, plan.problem_count, plan.difference.unchanged) == ([], 1, 1)
    blocked = "The snapshot would be cancelled: 1 record refused that the set before holds: a."
    assert (blocked in " ".join(plan.notes)) == (made is ShownStagedTiny)


@pytest.mark.parametrize("made", [ShownTiny, ShownStagedTiny])
async def test_while_an_id_cannot_be_read_nothing_is_gone(made: type[Tiny]) -> None:
    plan = await plan_of(showing(whole("a"), whole("b"), made=made), {"id": "b"}, "{broken", terms=Terms(0.2, 1))
    assert (plan.gone.ids, plan.refusal) == ([], None)
    assert "the id of a refused record could not be read (a.ndjson:2)" in " ".join(plan.notes)


async def test_what_stays_as_it_was_and_what_is_dropped_is_listed() -> None:
    given = [{"id": "a", "huge": 1}, {"id": "b"}, {"id": "c"}]
    held = [whole("a"), {"id": "b"}, whole("c")]
    keeping = await plan_of(showing(*held), *given, terms=Terms(0.2, 0, keep_last=True))
    assert (keeping.kept_last.ids, keeping.dropped.ids, keeping.gone.ids) == (["a"], [], [])
    assert planned_dict(keeping)["kept_last"] == {"count": 1, "ids": ["a"]}
    dropping = await plan_of(showing(*held), *given, terms=Terms(0.2, 0, override="sold"))
    assert (dropping.kept_last.ids, dropping.dropped.ids, dropping.gone.ids) == ([], ["a"], [])


async def test_a_removal() -> None:
    here = showing(whole("here"), {"id": "ended", "ended": True}, whole("other"), made=ShownTiny)
    plan = await plan_of(here, *({"id": each} for each in ("here", "ended", "never")), mode="remove")
    assert (plan.gone.ids, plan.difference.unchanged, plan.difference.added.count) == (["here"], 2, 0)


async def test_a_patch_changes_only_what_it_names() -> None:
    plan = await plan_of(showing(whole("a", n=1, m=1), made=ShownTiny), {"id": "a", "n": 2}, mode="patch")
    assert plan.difference.fields == {"a": ["n"]}


async def test_lists_end_and_counts_do_not() -> None:
    plan = await plan_of(showing(*(whole(f"r{number}") for number in range(LISTED + 5))), {"id": "a"})
    assert (plan.gone.count, len(plan.gone.ids)) == (LISTED + 5, LISTED)


async def test_every_page_is_read() -> None:
    pages = [reply({"records": [whole("a")], "next": "2"}), reply({"records": [whole("b")]})]
    here = Vendor(ScriptedSender(list_records=pages), ShownStagedTiny)
    plan = await plan_of(here, {"id": "a"}, {"id": "b"})
    assert (plan.difference.unchanged, plan.difference.added.count, here.sender.requests) == (2, 0, 2)


async def test_what_a_vendor_hides_is_said() -> None:
    plan = await plan_of(
        showing({"id": "a", "fields": {"id": "a"}}, made=ShownTiny), {"id": "a", "n": 1}, mode="upsert"
    )
    assert plan.difference.fields == {"a": ["n"]}
    assert any("does not show n:" in note for note in plan.notes)


# ---------------------------------------------------------------------- where the vendor cannot be read
async def pushed(made: type[Tiny], *records: Any) -> Journal:
    journal = await memory_journal()
    nothing = reply({"ids": [], "next": None})
    here = Vendor(ScriptedSender(send_records=all_ok, replace_records=all_ok, list_records=nothing), made)
    await push(write("b.ndjson", *records), mode="snapshot", here=here, journal=journal)
    return journal


ENDED = "What is gone is to be ended at here by this snapshot."


@pytest.mark.parametrize(("made", "note"), [(Tiny, KEPT), (EndingTiny, ENDED), (WholeTiny, REPLACED)])
async def test_where_the_vendor_cannot_be_read_the_journal_is(made: type[Tiny], note: str) -> None:
    journal = await pushed(made, {"id": "a"}, {"id": "b"}, {"id": "d"})
    here = Vendor(made=made)
    plan = await plan_of(here, {"id": "a"}, {"id": "b", "n": 1}, {"id": "c"}, journal=journal)
    assert (plan.difference.unchanged, plan.difference.changed.ids, plan.difference.added.ids, plan.gone.ids) == (
        1,
        ["b"],
        ["c"],
        ["d"],
    )
    assert (plan.difference.fields, here.sender.calls) == ({}, [])
    assert "cannot be read" in plan.notes[0]
    assert note in plan.notes
    removal = await plan_of(here, {"id": "a"}, {"id": "x"}, mode="remove", journal=journal)
    assert (removal.gone.ids, removal.difference.unchanged) == (["a"], 1)


async def test_what_is_deleted_on_request_is_said() -> None:
    class OnRequest(EndingTiny):
        ends = "on_request"

    assert DELETABLE in (await plan_of(Vendor(made=OnRequest), {"id": "a"})).notes


# ---------------------------------------------------------------------- the guard, and exit codes
async def test_the_guard_is_asked_and_an_override_agrees() -> None:
    here = showing(whole("a"), whole("b"))
    refused = await planned(here, {"id": "a"})
    assert (refused.exit_code, refused.destinations["here"].refusal is None) == (Exit.GUARD, False)
    assert refused.as_dict()["destinations"]["here"]["guard"] == refused.destinations["here"].refusal
    agreed = await planned(here, {"id": "a"}, terms=Terms(0.2, 0, override="sold"))
    assert (agreed.exit_code, agreed.destinations["here"].refusal) == (Exit.OK, None)


async def test_a_source_that_goes_on_is_refused_as_a_snapshot_and_incomplete_otherwise() -> None:
    more = {"id": "a", "more": "token"}
    snapshot = await planned(showing(whole("a")), more)
    [(name, why)] = snapshot.incomplete.items()
    assert (snapshot.exit_code, name, "there is a next page" in why) == (Exit.GUARD, "a.ndjson", True)
    upsert = await planned(showing(whole("a"), made=ShownTiny), more, mode="upsert")
    assert (upsert.exit_code, upsert.destinations["here"].refusal) == (Exit.INCOMPLETE, None)


async def test_an_empty_set_is_refused() -> None:
    assert "empty" in ((await plan_of(showing(whole("a")))).refusal or "")


async def test_what_cannot_be_delivered_is_no_success() -> None:
    plan = await planned(showing(), {"id": "a"}, "{broken", mode="snapshot", terms=Terms(0.2, 1))
    assert (plan.exit_code, plan.read) == (Exit.INCOMPLETE, 2)


async def test_a_list_that_is_refused_is_the_callers_to_see() -> None:
    with pytest.raises(Blocked, match="the key was refused"):
        await planned(Vendor(ScriptedSender(list_records=Reply(403)), ShownTiny), {"id": "a"})


# ---------------------------------------------------------------------- nothing is sent, nothing is written
@pytest.mark.parametrize("mode", ["upsert", "snapshot", "patch", "remove"])
@pytest.mark.parametrize("made", [Tiny, ListedTiny, StagedTiny, WholeTiny, EndingTiny])
async def test_a_plan_sends_nothing_but_questions_and_leaves_no_trace(made: type[Tiny], mode: Mode) -> None:
    journal = await pushed(made, {"id": "a"}, {"id": "b"})
    before = (await journal.runs(), await journal.lanes(), await journal.attempts())
    held = reply({"ids": ["a", "b", "c"], "next": None})
    here = Vendor(ScriptedSender(list_records=held), made, max_records=1)
    plan = await planned(here, {"id": "a"}, {"id": "c"}, "{broken", mode=mode, journal=journal)
    assert {call.method for call in here.sender.calls} <= {"GET"}
    assert here.sender.requests == issubclass(made, ListedTiny)
    assert (await journal.runs(), await journal.lanes(), await journal.attempts()) == before
    assert await journal.known_count(LANE, KIND) == 2
    assert plan.read == 3
    json.dumps(plan.as_dict())
