"""Whole snapshots: what replaces the old set, what leaves it alone, and what the report says of it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.delivery.runs import Vendor, counts, push, write
from tests.unit.delivery.support import ScriptedSender, StagedTiny, all_ok, memory_journal, reply

from proofport.delivery.guard import Terms
from proofport.delivery.report import Exit

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
