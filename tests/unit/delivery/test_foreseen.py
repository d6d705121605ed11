"""A dry run and a plan say what a push would refuse: they ask what it would ask, and write nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.support.journals import MemoryJournal
from tests.unit.delivery.runs import Vendor, counts, problems, push, write
from tests.unit.delivery.support import KIND, FreezingTiny, memory_journal

from proofport.accounting import Status
from proofport.delivery.lane.foreseen import Foreseen, foreseen
from proofport.delivery.plan import Plan, planned
from proofport.delivery.report.report import Exit, RunReport
from proofport.journal.contract import BatchDone, Delivered, Intent, Journal, NewRun, Sent

pytestmark = pytest.mark.usefixtures("folder")

LANE = f"here/{KIND}"
FIT = {"id": "fit", "fit": True}
LOOKS: list[dict[str, Any]] = [{"dry_run": True}, {"plan": True}]
"""A dry run and a plan."""


async def run(*records: Any, journal: Journal | None = None, size: int = 500, **how: Any) -> RunReport:
    here = Vendor(made=FreezingTiny, max_records=size)
    report = await push(write("a.ndjson", *records), here=here, journal=journal, **how)
    assert not (how.get("dry_run") or how.get("plan")) or here.sender.calls == []
    return report


@pytest.mark.parametrize("look", LOOKS)
async def test_what_cannot_make_the_schema_is_said_as_the_push_says_it(look: dict[str, Any]) -> None:
    foreseen, pushed = await run({"id": "poor"}, **look), await run({"id": "poor"})
    for report in (foreseen, pushed):
        assert (report.exit_code, counts(report)) == (Exit.USAGE, {"withheld": 1})
        assert report.destinations["here"].notes[0] == "none is fit"
    if "plan" in look:
        assert Plan.of(foreseen).exit_code is Exit.USAGE
        assert Plan.of(foreseen).as_dict()["exit_code"] == 2


@pytest.mark.parametrize("look", LOOKS)
async def test_what_does_not_fit_is_rejected_as_the_push_rejects_it(look: dict[str, Any]) -> None:
    records = [{"id": "a", "late": 1}, FIT, {"id": "odd", "misfit": 1}, {"id": "b"}, {"id": "c", "late": 1}]
    journal = await memory_journal()
    foreseen = await run(*records, journal=journal, size=2, **look)
    assert await journal.adapter_memory(LANE) == {}, "nothing is written"
    assert (await journal.runs(), await journal.lanes()) == ([], [])
    pushed = await run(*records, journal=journal, size=2)
    assert problems(foreseen) == problems(pushed)
    assert [record for _, record, _ in problems(pushed)] == ["odd", "c"], (
        "the second batch meets the schema of the first"
    )
    assert foreseen.destinations["here"].notes[0] == pushed.destinations["here"].notes[0] == "It begins with fit."
    assert counts(foreseen) == {Status.WITHHELD: 3, Status.REJECTED: 2}


@pytest.mark.parametrize("look", LOOKS)
async def test_a_schema_that_is_there_is_known_from_the_journal(look: dict[str, Any]) -> None:
    journal = await memory_journal()
    await run(FIT, journal=journal)
    report = await run({"id": "a"}, {"id": "b", "late": 1}, journal=journal, **look)
    assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"withheld": 1, "rejected": 1})


async def test_a_plan_compares_what_would_be_sent() -> None:
    journal = await memory_journal()
    await run(FIT, {"id": "a", "late": 1}, {"id": "gone"}, journal=journal, mode="snapshot")
    report = await run(FIT, {"id": "a", "late": 1}, {"id": "b"}, journal=journal, mode="snapshot", plan=True)
    shown = planned(report.destinations["here"])
    assert (shown["added"]["ids"], shown["unchanged"]["count"], shown["not_expressible"]["count"]) == (["b"], 1, 1)
    assert shown["gone"]["ids"] == ["gone"], "what is refused is not gone"


async def test_a_plan_rejects_what_is_older_as_the_push_does() -> None:
    journal = await memory_journal()
    old, new = ({"id": "a", "fit": True, "observed_at": f"2026-0{month}-01T00:00:00Z"} for month in (1, 2))
    await run(new, journal=journal)
    assert problems(await run(old, journal=journal, plan=True)) == problems(await run(old, journal=journal))


async def test_the_other_destinations_are_looked_at_all_the_same() -> None:
    report = await push(write("a.ndjson", {"id": "a"}), here=Vendor(made=FreezingTiny), other=Vendor(), dry_run=True)
    assert (counts(report, "other"), report.destinations["other"].exit) == ({"withheld": 1}, Exit.OK)
    assert report.exit_code is Exit.USAGE


# ------------------------------------------------------------------ what was cut off
async def test_what_was_cut_off_is_seen_as_the_next_run_will_find_it() -> None:
    """The answers before it begins are those after."""
    journal = MemoryJournal()
    held = await journal.claim(LANE, owner="a", lease=60.0)
    assert held is not None
    await held.number_sources(KIND, ["hr", "it", "new"])
    await held.begin(NewRun("r1", "here", KIND, "upsert"))
    before = Sent(["b", "B@x", "d"], [7, 8, 9], [5.0, 6.0, 7.0], [b"1", b"2", b"3"], [1, 1, 2], [None, "B@X", None])
    await held.batch_done("r1", BatchDone(0, 1, 3, 3, b"", "[]", before))
    await held.intend(
        KIND,
        [
            Intent(1, Sent(["a", "d", "B@x"], (), [1.0, 0.0, 0.0], [b"4", b"", b"5"], [3, 3, 0], [None, "D", "b@X"])),
            Intent(2, Sent(["a", "e"], (), [2.0, 0.0], [b"", b"6"], [0, 1], ["A", None])),
        ],
        run_id="r1",
    )
    seen = await foreseen(journal, LANE, KIND)
    assert isinstance(seen, Foreseen)
    said = await answers(seen)
    await held.begin(NewRun("r2", "here", KIND, "upsert"))
    assert said == await answers(journal)
    assert await foreseen(journal, LANE, "device") is journal
    await held.end("r2", complete=True, report="{}")
    assert await foreseen(journal, LANE, KIND) is journal


async def answers(state: Delivered) -> list[object]:
    ids = ["a", "b", "B@x", "c", "d", "e"]
    return [
        await state.known(LANE, KIND, ids),
        await state.known_count(LANE, KIND),
        [each async for page in pages_of(state) for each in page],
        await state.spellings(LANE, KIND, ids),
        await state.spelling_state(LANE, KIND),
        await state.sources(LANE, KIND),
        await state.bodies(LANE, KIND, ids),
    ]


async def pages_of(state: Delivered) -> AsyncIterator[list[str]]:
    after = ""
    while page := await state.gone(LANE, KIND, "", after=after, limit=2):
        after = page[-1]
        yield page
