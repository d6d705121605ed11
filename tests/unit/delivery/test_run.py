"""One run from files to reports: several inputs, several destinations, every record accounted for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.delivery.runs import Vendor, counts, problems, push, write
from tests.unit.delivery.support import ScriptedSender, StagedTiny, all_ok, memory_journal, reply

from proofport.adapter import Mode
from proofport.delivery.report.report import Exit
from proofport.wire import Reply

pytestmark = pytest.mark.usefixtures("folder")


# ---------------------------------------------------------------------- from files to reports
async def test_everything_that_was_read_is_delivered_and_counted() -> None:
    here = Vendor()
    report = await push([write("a.ndjson", {"id": "1"}, {"id": "2"}), write("b.ndjson", {"id": "3"})], here=here)
    assert (report.exit_code, counts(report)) == (Exit.OK, {"delivered": 3})
    assert [row["id"] for row in here.received()] == ["1", "2", "3"]
    assert [(s.input, s.read, s.incomplete) for s in report.sources] == [("a.ndjson", 2, None), ("b.ndjson", 1, None)]
    assert report.destinations["here"].as_dict()["assurance"] == {"accepted": 0, "confirmed": 3, "verified": 0}
    assert report.destinations["here"].requests == 1


async def test_every_bad_record_is_named_by_file_and_line_and_the_good_ones_are_delivered() -> None:
    a = write(
        "a.ndjson", {"id": "1"}, "{broken", {"id": "2", "bad": 1}, "", {"id": "3", "huge": 1}, {"id": "4", "odd": 1}
    )
    b = write("b.ndjson", {"id": "5"}, {"id": "1"}, "[]")
    report = await push([a, b], here=Vendor())
    assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"delivered": 2, "rejected": 6})
    found = problems(report)
    assert [(position, record_id) for position, record_id, _ in found] == [
        ("a.ndjson:2", None),
        ("a.ndjson:3", "2"),
        ("a.ndjson:5", "3"),
        ("a.ndjson:6", "4"),
        ("b.ndjson:3", None),
        ("b.ndjson:2", "1"),
    ]
    assert "bad: found a bad record, expected a good one" in found[1][2]
    assert "64 bits" in found[3][2]
    assert "The record at a.ndjson:1 was kept and this one, at b.ndjson:2, was not sent." in found[5][2]


async def test_records_within_one_document_are_counted_from_one() -> None:
    page = {"all": [{"id": "1"}, {"id": "2", "bad": 1}, {"id": "3"}]}
    files = [write("page.json", json.dumps(page, indent=1)), write("list.json", '[{"id": "4"}, {"id": "1"}]')]
    report = await push(files, here=Vendor())
    assert [position for position, _, _ in problems(report)] == ["page.json#2", "list.json#2"]
    assert "page.json#1" in problems(report)[1][2]
    assert [source.read for source in report.sources] == [3, 2]


async def test_duplicates_are_let_through_where_the_caller_says_there_are_none() -> None:
    report = await push(write("a.ndjson", {"id": "1"}, {"id": "1"}), here=Vendor(), assume_unique=True)
    assert counts(report) == {"delivered": 2}


async def test_more_records_than_a_block_keep_their_order_and_positions() -> None:
    here = Vendor(max_records=50)
    records = [{"id": f"r{n}"} for n in range(300)] + [{"id": "r299"}, {"id": "last"}]
    report = await push(write("a.ndjson", *records), here=here)
    assert [row["id"] for row in here.received()] == [*(f"r{n}" for n in range(300)), "last"]
    assert problems(report)[0][0] == "a.ndjson:301"
    assert "a.ndjson:300" in problems(report)[0][2]
    assert report.destinations["here"].requests == 7


async def test_a_source_that_breaks_off_is_no_success() -> None:
    report = await push(write("a.json", '[{"id": "1"}, {"id": "2"}, {"id"'), here=Vendor())
    assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"delivered": 2})
    assert "a.json#3" in (report.sources[0].incomplete or "")


async def test_a_source_that_says_it_goes_on_is_no_success() -> None:
    report = await push(write("a.ndjson", {"id": "1"}, {"id": "2", "more": "token"}), here=Vendor())
    assert report.exit_code is Exit.INCOMPLETE
    assert "a.ndjson:2 is the last page that was given, and there is a next page" in str(report.sources[0].incomplete)


async def test_nothing_to_deliver_is_no_request_and_no_failure() -> None:
    here = Vendor()
    report = await push(write("a.ndjson"), here=here)
    assert (report.exit_code, counts(report), here.sender.calls) == (Exit.OK, {}, [])


async def test_a_removal_is_sent_as_the_source_gave_it_and_needs_no_mapping() -> None:
    here = Vendor()
    report = await push(write("a.ndjson", {"id": "1"}, {"id": "2", "huge": 1}), mode="remove", here=here)
    assert (report.exit_code, counts(report)) == (Exit.OK, {"delivered": 2})
    assert here.received() == [{"id": "1"}, {"id": "2", "huge": 1}]


# ---------------------------------------------------------------------- several destinations
async def test_one_blocked_destination_does_not_keep_the_other_from_its_records() -> None:
    good, bad = Vendor(max_records=2), Vendor(ScriptedSender(send_records=Reply(403)), max_records=1)
    records = [{"id": f"r{n}"} for n in range(200)]
    report = await push(write("a.ndjson", *records, "{broken"), good=good, bad=bad)
    assert counts(report, "good") == {"delivered": 200, "rejected": 1}
    assert counts(report, "bad") == {"withheld": 200, "rejected": 1}
    assert (report.destinations["good"].exit, report.destinations["bad"].exit) == (Exit.INCOMPLETE, Exit.BLOCKED)
    assert report.exit_code is Exit.BLOCKED
    assert bad.sender.requests == 1


async def test_what_one_destination_cannot_take_the_other_may() -> None:
    picky = Vendor(ScriptedSender(send_records=reply(["ok", "no"])))
    report = await push(write("a.ndjson", {"id": "1"}, {"id": "2"}), picky=picky, other=Vendor())
    assert counts(report, "picky") == {"delivered": 1, "rejected": 1}
    assert counts(report, "other") == {"delivered": 2}
    assert report.exit_code is Exit.INCOMPLETE


# ---------------------------------------------------------------------- dry run
@pytest.mark.parametrize("mode", ["upsert", "snapshot"])
async def test_a_dry_run_sends_nothing_and_says_what_would_be_rejected(mode: Mode) -> None:
    here, journal = Vendor(made=StagedTiny), await memory_journal()
    how: dict[str, Any] = {"mode": mode, "here": here, "journal": journal, "dry_run": True}
    good = await push(write("a.ndjson", {"id": "1"}, {"id": "2"}), **how)
    assert (good.exit_code, counts(good), good.dry_run) == (Exit.OK, {"withheld": 2}, True)
    assert good.destinations["here"].tally.reasons == {"dry_run": 2}
    bad = await push(write("a.ndjson", {"id": "1"}, {"id": "2", "huge": 1}), **how)
    assert (bad.exit_code, counts(bad)) == (Exit.INCOMPLETE, {"withheld": 1, "rejected": 1})
    assert "huge: found a huge record" in problems(bad)[0][2]
    assert here.sender.calls == []
    assert (await journal.runs(), await journal.lanes()) == ([], []), "a dry run leaves no trace"


# ---------------------------------------------------------------------- exit codes
@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([all_ok], 0),
        ([reply(["no"])], 1),
        ([reply([])], 1),
        ([Reply(422)], 1),
        ([Reply(401)], 3),
        ([reply(["no"]), all_ok], 1),
        ([Reply(401), reply(["no"])], 3),
        ([Reply(401), all_ok], 3),
    ],
)
async def test_the_exit_code_is_the_gravest_of_all_destinations(answers: list[Any], expected: int) -> None:
    vendors: dict[str, Any] = {f"d{n}": Vendor(ScriptedSender(send_records=answer)) for n, answer in enumerate(answers)}
    report = await push(write("a.ndjson", {"id": "1"}), **vendors)
    assert int(report.exit_code) == expected
