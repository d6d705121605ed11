"""Refused records in sets that remove what they lack: what is kept in their place, and how the vendor may answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.delivery.runs import Vendor, counts, push, write
from tests.unit.delivery.support import (
    ScriptedSender,
    StagedTiny,
    WholeTiny,
    all_ok,
    expect_ok,
    memory_journal,
    reply,
)

from proofport.adapter import Flow, ListsWhole, Observed, Page
from proofport.delivery.report.report import Exit
from proofport.delivery.snapshot.guard import Terms
from proofport.errors import Retryable
from proofport.journal.contract import Journal
from proofport.wire import Call, Reply

pytestmark = pytest.mark.usefixtures("folder")

KEEP = Terms(0.2, 0, keep_last=True)
TEN: list[dict[str, Any]] = [{"id": f"r{n}", "n": 1} for n in range(10)]
NEXT = [{**TEN[0], "n": 2}, *TEN[1:9], {**TEN[9], "huge": 1}]
"""The last one is refused by the vendor mapping."""


class ShownTiny(StagedTiny):
    """Lists whole records."""

    def page(self, cursor: str | None) -> Flow[Page]:
        expect_ok((yield Call("list_records", "GET", "/records")))
        return Page([Observed(each["id"], each, whole=True) for each in TEN])


class WholeShownTiny(ShownTiny, ListsWhole):
    """Says so, too."""

    lists_whole = True


def staged(**answers: Any) -> Vendor:
    return Vendor(ScriptedSender(**{"send_records": all_ok, **answers}), ShownTiny)


def sent(here: Vendor) -> list[list[dict[str, Any]]]:
    return [json.loads(call.body or b"") for call in here.sender.calls if call.operation == "send_records"]


async def test_last_bodies_go_into_the_session_before_it_is_completed() -> None:
    here = staged()
    report = await push(write("a.ndjson", *NEXT), mode="snapshot", here=here, terms=KEEP)
    assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"delivered": 9, "rejected": 1})
    assert here.sender.operations == ["open_set", "send_records", "list_records", "send_records", "complete_set"]
    assert sent(here)[1] == [TEN[9]]


class PartlyShownTiny(StagedTiny):
    """Lists records without all of their fields."""

    def page(self, cursor: str | None) -> Flow[Page]:
        expect_ok((yield Call("list_records", "GET", "/records")))
        return Page([Observed(each["id"], {"id": each["id"]}) for each in TEN])


@pytest.mark.parametrize("made", [PartlyShownTiny, WholeShownTiny])
async def test_where_the_list_does_not_show_all_of_a_record_the_journal_has_the_last_body(
    made: type[StagedTiny],
) -> None:
    """It keeps bodies only where they are needed."""
    journal = await memory_journal()
    how: dict[str, Any] = {"mode": "snapshot", "journal": journal, "terms": KEEP}
    await push(write("a.ndjson", *TEN), here=Vendor(ScriptedSender(send_records=all_ok), made), **how)
    bodies = await journal.bodies("here/custom:thing", "custom:thing", ["r9"])
    assert (bodies == [None]) == (made is WholeShownTiny)
    here = Vendor(ScriptedSender(send_records=all_ok), made)
    report = await push(write("a.ndjson", *NEXT), here=here, **how)
    assert (counts(report), report.destinations["here"].kept_last.ids) == ({"delivered": 9, "rejected": 1}, ["r9"])
    assert (sent(here)[1], here.sender.operations[-1]) == ([TEN[9]], "complete_set")
    planned = await push(write("a.ndjson", *NEXT), here=Vendor(made=made), plan=True, **how)
    assert planned.destinations["here"].kept_last.ids == ["r9"]


async def test_a_vendor_that_is_away_then_is_waited_for_and_the_run_goes_on() -> None:
    journal = await memory_journal()
    here = staged(send_records=[all_ok, Retryable("busy", after=1e6)])
    how: dict[str, Any] = {"mode": "snapshot", "journal": journal, "terms": KEEP, "run_id": "one"}
    report = await push(write("a.ndjson", *NEXT), here=here, **how)
    assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"withheld": 9, "rejected": 1})
    assert "complete_set" not in here.sender.operations
    assert "cancel_set" not in here.sender.operations
    again = staged()
    resumed = await push(write("a.ndjson", *NEXT), here=again, resume=True, **how)
    assert (counts(resumed), resumed.destinations["here"].kept_last.ids) == ({"delivered": 9, "rejected": 1}, ["r9"])
    assert (sent(again), again.sender.operations[-1]) == ([[TEN[9]]], "complete_set")


async def test_a_vendor_that_refuses_them_gets_nothing_completed() -> None:
    here = staged(send_records=[all_ok, reply(["no"])])
    report = await push(write("a.ndjson", *NEXT), mode="snapshot", here=here, terms=KEEP)
    assert (counts(report), here.sender.operations[-1]) == ({"withheld": 9, "rejected": 1}, "cancel_set")
    blocked = staged(send_records=[all_ok, Reply(403)])
    report = await push(write("a.ndjson", *NEXT), mode="snapshot", here=blocked, terms=KEEP)
    assert (report.exit_code, counts(report)) == (Exit.BLOCKED, {"withheld": 9, "rejected": 1})
    assert "complete_set" not in blocked.sender.operations


async def test_refused_records_beyond_those_that_are_kept_count() -> None:
    file = write("a.ndjson", *NEXT, {"id": "new", "huge": 1})
    here = staged()
    report = await push(file, mode="snapshot", here=here, terms=KEEP)
    assert (counts(report), here.sender.operations[-1]) == ({"withheld": 9, "rejected": 2}, "cancel_set")
    assert "1 record rejected (allowed 0)" in " ".join(report.destinations["here"].notes)
    allowed = await push(file, mode="snapshot", here=staged(), terms=Terms(0.2, 1, keep_last=True))
    assert counts(allowed) == {"delivered": 9, "rejected": 2}


@pytest.mark.parametrize("refused", [{"id": "r9", "bad": 1}, {"id": "r9", "huge": 1}])
async def test_a_good_record_of_the_same_id_stands_for_the_refused_one(refused: dict[str, Any]) -> None:
    """The good one comes first, so that a second one is no duplicate of the refused one."""
    report = await push(write("a.ndjson", *TEN, refused), mode="snapshot", here=staged(), terms=Terms(0.2, 1))
    assert (counts(report), report.destinations["here"].gone.count) == ({"delivered": 10, "rejected": 1}, 0)


# ---------------------------------------------------------------------- a set that goes whole
async def whole_set_delivered() -> Journal:
    """The vendor lists nothing, so the journal keeps bodies where they may be needed."""
    journal = await memory_journal()
    here = Vendor(ScriptedSender(replace_records=all_ok), WholeTiny)
    await push(write("b.ndjson", *TEN), mode="snapshot", here=here, journal=journal, terms=KEEP)
    return journal


async def test_last_bodies_are_in_the_one_request() -> None:
    journal, here = await whole_set_delivered(), Vendor(ScriptedSender(replace_records=all_ok), WholeTiny)
    report = await push(write("b.ndjson", *NEXT), mode="snapshot", here=here, journal=journal, terms=KEEP)
    assert counts(report) == {"delivered": 9, "rejected": 1}
    [call] = here.sender.calls
    assert json.loads(call.body or b"") == [NEXT[0], *TEN[1:]]
    assert await journal.known_count("here/custom:thing", "custom:thing") == 10


async def test_a_set_that_does_not_fit_with_them_is_not_sent() -> None:
    journal = await whole_set_delivered()
    here = Vendor(ScriptedSender(replace_records=all_ok), WholeTiny, max_records=9)
    report = await push(write("b.ndjson", *NEXT), mode="snapshot", here=here, journal=journal, terms=KEEP)
    assert (report.exit_code, here.sender.calls, counts(report)) == (Exit.USAGE, [], {"withheld": 9, "rejected": 1})


async def test_what_the_vendor_leaves_out_of_a_set_that_it_takes_is_named_and_still_known() -> None:
    journal = await whole_set_delivered()
    here = Vendor(ScriptedSender(replace_records=reply(["no", *["ok"] * 9])), WholeTiny)
    how: dict[str, Any] = {"mode": "snapshot", "here": here, "journal": journal, "terms": Terms(0.2, 1)}
    report = await push(write("b.ndjson", *TEN), **how)
    assert "refused 1 record of it, which it may no longer hold: r0." in " ".join(report.destinations["here"].notes)
    assert report.destinations["here"].gone.count == 0
    assert await journal.known_count("here/custom:thing", "custom:thing") == 10
