"""Whole snapshots: what replaces the old set, what leaves it alone, and what the report says of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from tests.unit.delivery.runs import Vendor, counts, push, write
from tests.unit.delivery.support import (
    EndingTiny,
    ListedTiny,
    ScriptedSender,
    StagedTiny,
    Tiny,
    WholeTiny,
    all_ok,
    memory_journal,
    reply,
)

from proofport.accounting import Outcome, Tally
from proofport.adapter import Batch, Flow, Job, Memory, Tombstone
from proofport.delivery.report.report import Exit
from proofport.delivery.snapshot.guard import Terms
from proofport.journal.contract import Journal

pytestmark = pytest.mark.usefixtures("folder")


def holding(*ids: str, **answers: Any) -> Vendor:
    held = reply({"ids": list(ids), "next": None})
    return Vendor(ScriptedSender(**{"send_records": all_ok, "list_records": held, **answers}), StagedTiny)


async def test_a_snapshot_is_the_union_of_its_inputs() -> None:
    here = holding("1", "2", "3")
    files = [write("a.ndjson", {"id": "1"}, {"id": "2"}), write("b.ndjson", {"id": "3"})]
    report = await push(files, mode="snapshot", here=here)
    assert (report.exit_code, report.destinations["here"].gone.ids) == (Exit.OK, [])
    assert here.sender.operations == ["open_set", "send_records", "list_records", "complete_set"]


@pytest.mark.parametrize("position", [0, 70])
async def test_one_bad_record_leaves_the_old_set_and_withholds_the_good_ones(position: int) -> None:
    here = holding("1")
    records: list[dict[str, Any]] = [{"id": f"r{n}"} for n in range(100)]
    records[position]["bad"] = True
    report = await push(write("a.ndjson", *records), mode="snapshot", here=here)
    assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"rejected": 1, "withheld": 99})
    assert "complete_set" not in here.sender.operations
    assert here.sender.operations[-1] == "cancel_set"


async def test_all_rejected_is_said_so_and_nothing_is_replaced() -> None:
    here = holding("1", send_records=reply(["no", "no"]))
    report = await push(write("a.ndjson", {"id": "1"}, {"id": "2"}), mode="snapshot", here=here)
    assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"rejected": 2})
    assert here.sender.operations[-1] == "cancel_set"


async def test_a_set_of_the_same_size_that_lost_too_many_ids_is_refused() -> None:
    here = holding("1", "2", "3", "4")
    report = await push(write("a.ndjson", *({"id": str(n)} for n in (1, 2, 3, 5))), mode="snapshot", here=here)
    assert (report.exit_code, counts(report)) == (Exit.GUARD, {"withheld": 4})
    assert report.destinations["here"].gone.ids == ["4"]


async def test_a_refusal_is_not_the_only_thing_wrong_when_records_were_rejected_too() -> None:
    here = holding("1", "2", "3", "4")
    file = write("a.ndjson", *({"id": str(n)} for n in (1, 2, 5)), {"id": "4", "huge": 1})
    report = await push(file, mode="snapshot", here=here, terms=Terms(0.2, 1))
    assert counts(report) == {"withheld": 3, "rejected": 1}
    assert report.exit_code is Exit.INCOMPLETE


async def test_allowed_rejects_let_the_set_replace_the_old_one_and_are_still_no_success() -> None:
    here = holding("1", "2")
    file = write("a.ndjson", {"id": "1"}, {"id": "2"}, {"id": "1"}, {"id": "9", "bad": 1})
    report = await push(file, mode="snapshot", here=here, terms=Terms(0.0, 2))
    assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"delivered": 2, "rejected": 2})
    assert here.sender.operations[-1] == "complete_set", "the first record of the duplicate is in the set"


async def test_where_nothing_is_staged_what_is_gone_is_listed_from_the_last_run() -> None:
    here, journal = Vendor(), await memory_journal()
    ten = [{"id": f"r{n}"} for n in range(10)]
    await push(write("a.ndjson", *ten), mode="snapshot", here=here, journal=journal)
    report = await push(write("a.ndjson", *ten[1:]), mode="snapshot", here=here, journal=journal)
    assert (report.exit_code, report.destinations["here"].gone.ids) == (Exit.OK, ["r0"])
    refused = await push(write("a.ndjson", *ten[5:]), mode="snapshot", here=here, journal=journal)
    assert (refused.exit_code, counts(refused)) == (Exit.GUARD, {"delivered": 5})


# ---------------------------------------------------------------------- nothing follows from absence before the guard
CALLED: list[str] = []


class WatchedStaged(StagedTiny):
    def complete(self, job: Job, memory: Memory, tally: Tally) -> Flow[None]:
        CALLED.append("complete")
        return super().complete(job, memory, tally)


class WatchedWhole(WholeTiny):
    def replace(self, job: Job, memory: Memory, batch: Batch, tombstones: Sequence[Tombstone]) -> Flow[list[Outcome]]:
        CALLED.append("replace")
        return super().replace(job, memory, batch, tombstones)


class WatchedEnding(EndingTiny):
    def end(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        CALLED.append("end")
        return super().end(job, memory, batch)


class WatchedListed(WatchedEnding, ListedTiny):
    """Is asked what it holds, and told what is gone."""


class WatchedOnRequest(WatchedEnding):
    ends = "on_request"


WATCHED: list[tuple[type[Tiny], str]] = [
    (WatchedStaged, "complete"),
    (WatchedWhole, "replace"),
    (WatchedEnding, "end"),
    (WatchedListed, "end"),
    (WatchedOnRequest, "end"),
]
TEN = [{"id": f"r{n}"} for n in range(10)]


@pytest.fixture(params=WATCHED, ids=lambda pair: pair[0].__name__)
async def watched(request: pytest.FixtureRequest) -> tuple[type[Tiny], str, Journal]:
    """A vendor that holds ten records, all of them delivered from here, and the method that follows from absence."""
    made, method = request.param
    journal = await memory_journal()
    await push(write("a.ndjson", *TEN), mode="snapshot", here=ten_held(made), journal=journal)
    CALLED.clear()
    return made, method, journal


def ten_held(made: type[Tiny]) -> Vendor:
    held = reply({"ids": [record["id"] for record in TEN], "next": None})
    answers: dict[str, Any] = {
        "send_records": all_ok,
        "replace_records": all_ok,
        "end_records": all_ok,
        "list_records": held,
    }
    return Vendor(ScriptedSender(**answers), made)


Watched = tuple[type[Tiny], str, Journal]


@pytest.mark.parametrize("why", ["max_gone", "incomplete"])
async def test_what_the_guard_refuses_is_never_asked_of_the_adapter(watched: Watched, why: str) -> None:
    made, _, journal = watched
    few: list[dict[str, Any]] = [*TEN[:7]] if why == "max_gone" else [*TEN[:8], {**TEN[8], "more": "token"}]
    here = ten_held(made)
    how: dict[str, Any] = {"delete_gone": made is WatchedOnRequest}
    report = await push(write("a.ndjson", *few), mode="snapshot", here=here, journal=journal, **how)
    assert (report.exit_code, CALLED) == (Exit.GUARD, [])
    assert not any(call.destructive for call in here.sender.calls)
    assert await journal.known_count("here/custom:thing", "custom:thing") == 10, "it stays the set to compare with"


async def test_what_the_guard_lets_through_is_asked_once(watched: Watched) -> None:
    made, method, journal = watched
    how: dict[str, Any] = {"delete_gone": made is WatchedOnRequest}
    report = await push(write("a.ndjson", *TEN[:9]), mode="snapshot", here=ten_held(made), journal=journal, **how)
    assert (report.exit_code, CALLED) == (Exit.OK, [method])
    assert report.destinations["here"].gone.ids == ["r9"]
    assert await journal.known_count("here/custom:thing", "custom:thing") == 9


async def test_an_override_is_agreement(watched: Watched) -> None:
    made, method, journal = watched
    few = write("a.ndjson", *TEN[:2], {**TEN[2], "more": "token"})
    how: dict[str, Any] = {"delete_gone": made is WatchedOnRequest, "terms": Terms(0.2, 0, override="sold")}
    report = await push(few, mode="snapshot", here=ten_held(made), journal=journal, **how)
    assert [method] == CALLED
    assert report.exit_code is Exit.INCOMPLETE, "the source was not read to its end"
    assert "The guard was overridden: sold" in report.destinations["here"].notes


async def test_what_is_ended_on_request_is_not_ended_without_one() -> None:
    journal, here = await memory_journal(), ten_held(WatchedOnRequest)
    CALLED.clear()
    for records in (TEN, TEN[:9]):
        report = await push(write("a.ndjson", *records), mode="snapshot", here=here, journal=journal)
    assert (report.exit_code, CALLED) == (Exit.OK, [])
    assert "--delete-gone" in report.destinations["here"].notes[-1]


# ---------------------------------------------------------------------- a set that goes whole
async def whole_set_delivered() -> Journal:
    journal = await memory_journal()
    await push(write("a.ndjson", *TEN), mode="snapshot", here=ten_held(WholeTiny), journal=journal)
    return journal


async def test_a_whole_set_that_shrinks_too_much_is_not_sent_unless_a_person_says_so() -> None:
    journal, here, few = await whole_set_delivered(), ten_held(WholeTiny), write("b.ndjson", TEN[0])
    report = await push(few, mode="snapshot", here=here, journal=journal)
    assert (report.exit_code, counts(report), here.sender.calls) == (Exit.GUARD, {"withheld": 1}, [])
    assert report.destinations["here"].tally.reasons == {"guard": 1}
    assert "9 of 10 records held now would be gone" in " ".join(report.destinations["here"].notes)
    again = await push(few, mode="snapshot", here=here, journal=journal)
    assert (again.exit_code, here.sender.calls) == (Exit.GUARD, []), "pushing the same again does not let it through"
    agreed = await push(few, mode="snapshot", here=here, journal=journal, terms=Terms(0.2, 0, override="sold"))
    assert (agreed.exit_code, counts(agreed)) == (Exit.OK, {"delivered": 1})
    assert here.sender.operations == ["replace_records"]
    assert "The guard was overridden: sold" in agreed.destinations["here"].notes
    assert await journal.known_count("here/custom:thing", "custom:thing") == 1


async def test_a_whole_set_with_too_many_rejected_records_is_not_sent() -> None:
    journal, here = await whole_set_delivered(), ten_held(WholeTiny)
    file = write("b.ndjson", *TEN[:9], {"id": "r9", "huge": 1})
    report = await push(file, mode="snapshot", here=here, journal=journal)
    assert (report.exit_code, here.sender.calls) == (Exit.INCOMPLETE, [])
    assert counts(report) == {"withheld": 9, "rejected": 1}
    assert report.destinations["here"].tally.reasons == {"snapshot_cancelled": 9}


@pytest.mark.parametrize(("allowed", "known"), [(1, 9), (0, 10)])
async def test_a_whole_set_of_which_the_vendor_rejects_no_more_than_is_allowed_is_the_new_one(
    allowed: int, known: int
) -> None:
    journal, here = await whole_set_delivered(), ten_held(WholeTiny)
    here.sender.answers["replace_records"] = [reply(["no", *["ok"] * 8])]
    terms = Terms(0.2, allowed)
    report = await push(write("b.ndjson", *TEN[:9]), mode="snapshot", here=here, journal=journal, terms=terms)
    assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"delivered": 8, "rejected": 1})
    assert await journal.known_count("here/custom:thing", "custom:thing") == known


@pytest.mark.parametrize("override", [None, "I mean it"])
async def test_an_empty_whole_set_is_never_sent(override: str | None) -> None:
    journal, here = await whole_set_delivered(), ten_held(WholeTiny)
    terms = Terms(1.0, 0, override=override)
    report = await push(write("b.ndjson"), mode="snapshot", here=here, journal=journal, terms=terms)
    assert (report.exit_code, counts(report), here.sender.calls) == (Exit.GUARD, {}, [])


async def test_a_whole_set_that_does_not_fit_into_one_request_is_not_sent() -> None:
    here = Vendor(ScriptedSender(replace_records=all_ok), WholeTiny, max_records=4)
    report = await push(write("b.ndjson", *TEN), mode="snapshot", here=here)
    assert (report.exit_code, counts(report), here.sender.calls) == (Exit.USAGE, {"withheld": 10}, [])


async def test_a_whole_set_that_did_not_change_is_not_sent_where_that_was_asked_for() -> None:
    journal, here = await whole_set_delivered(), ten_held(WholeTiny)
    how: dict[str, Any] = {"mode": "snapshot", "here": here, "journal": journal, "skip_unchanged": True}
    report = await push(write("b.ndjson", *TEN), **how)
    assert (report.exit_code, counts(report), here.sender.calls) == (Exit.OK, {"unchanged": 10}, [])
    changed = await push(write("b.ndjson", {"id": "r0", "on": True}, *TEN[1:]), **how)
    assert (counts(changed), here.sender.operations) == ({"delivered": 10}, ["replace_records"])
    assert len(json.loads(here.sender.calls[0].body or b"")) == 10, "one has changed: the whole set is sent"
    fewer = await push(write("b.ndjson", {"id": "r0", "on": True}, *TEN[1:9]), **how)
    assert (counts(fewer), here.sender.requests) == ({"delivered": 9}, 2), "one is gone: the whole set is sent"
    everything = await push(write("b.ndjson", {"id": "r0", "on": True}, *TEN[1:9]), **{**how, "skip_unchanged": False})
    assert (counts(everything), here.sender.requests) == ({"delivered": 9}, 3)


async def test_a_whole_set_that_was_not_sent_is_still_the_one_to_compare_with() -> None:
    journal, here = await whole_set_delivered(), ten_held(WholeTiny)
    how: dict[str, Any] = {"mode": "snapshot", "here": here, "journal": journal, "skip_unchanged": True}
    await push(write("b.ndjson", *TEN), **how)
    assert counts(await push(write("b.ndjson", *TEN), **how)) == {"unchanged": 10}
    assert (await push(write("b.ndjson", *TEN[:7]), **how)).exit_code is Exit.GUARD
    assert here.sender.calls == []


class ListedWhole(WholeTiny, ListedTiny):
    """Takes a set only whole, and shows what it holds."""


async def test_the_guard_of_a_whole_set_counts_what_the_vendor_lists_and_asks_for_it_once() -> None:
    journal, here = await memory_journal(), ten_held(ListedWhole)
    how: dict[str, Any] = {"mode": "snapshot", "here": here, "journal": journal, "skip_unchanged": True}
    refused = await push(write("b.ndjson", *TEN[:7]), **how)
    assert (refused.exit_code, here.sender.operations) == (Exit.GUARD, ["list_records"])
    first = await push(write("b.ndjson", *TEN), **how)
    second = await push(write("b.ndjson", *TEN), **how)
    assert (counts(first), counts(second)) == ({"delivered": 10}, {"unchanged": 10})
    assert here.sender.operations[1:] == ["list_records", "replace_records", "list_records"]
    compared = second.destinations["here"].as_dict()["compared"]
    assert compared["unchanged"] == {"count": 10}


async def test_a_staged_set_that_was_compared_with_the_vendors_list_is_guarded_by_it() -> None:
    here = ten_held(WatchedStaged)
    records = [*TEN[:8], {"id": "new"}]
    how: dict[str, Any] = {"mode": "snapshot", "here": here, "skip_unchanged": True}
    report = await push(write("b.ndjson", *records), **how, terms=Terms(0.1, 0))
    assert (report.destinations["here"].gone.ids, here.sender.operations.count("list_records")) == (["r8", "r9"], 1)
    assert here.sender.operations[-1] == "cancel_set"
    assert "2 of 10 records held now would be gone" in " ".join(report.destinations["here"].notes)


# ------------------------------------------------------------------ what would become of what is gone
LOOKS: list[dict[str, Any]] = [{"dry_run": True}, {"plan": True}]
"""A dry run and a plan."""
AGREED = Terms(1.0, 0, override="sold")


async def foretold(
    made: type[Tiny], then: Sequence[dict[str, Any]], *, size: int = 500, **look: Any
) -> tuple[int, str]:
    """How many are gone from a set of two, and what is said would become of them."""
    journal = await memory_journal()
    answers: dict[str, Any] = {
        "send_records": all_ok,
        "replace_records": all_ok,
        "list_records": reply({"ids": [], "next": None}),
    }
    await push(write("a.ndjson", {"id": "1"}, {"id": "2"}), mode="snapshot", journal=journal, here=Vendor(made=made))
    here = Vendor(ScriptedSender(**answers), made, max_records=size)
    report = await push(write("b.ndjson", *then), mode="snapshot", journal=journal, terms=AGREED, here=here, **look)
    books = report.destinations["here"]
    return books.gone.count, books.as_dict().get("gone_became", "")


@pytest.mark.parametrize("look", LOOKS)
async def test_what_would_become_of_what_is_gone_is_said(look: dict[str, Any]) -> None:
    assert await foretold(WholeTiny, [{"id": "1"}], **look) == (1, "missing from the set that here would get")
    assert await foretold(Tiny, [{"id": "1"}], **look) == (1, "still held by here")


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("made", [WholeTiny, Tiny, EndingTiny])
async def test_where_nothing_is_gone_nothing_would_become_of_it(made: type[Tiny], look: dict[str, Any]) -> None:
    assert await foretold(made, [{"id": "1"}, {"id": "2"}], **look) == (0, "")


@pytest.mark.parametrize("look", LOOKS)
async def test_a_set_that_is_too_large_for_one_request_would_change_nothing(look: dict[str, Any]) -> None:
    assert await foretold(WholeTiny, [{"id": "1"}, {"id": "3"}], size=1, **look) == (1, "")
