"""A removal of an id that nobody knows is unchanged and named, never confirmed: a mistyped id is seen."""

from __future__ import annotations

import pytest
from tests.unit.delivery.queues import Queue
from tests.unit.delivery.runs import Vendor, counts, push, write
from tests.unit.delivery.support import VERDICTS, ListedTiny, ScriptedSender, memory_journal, reply

from proofport.accounting import NOT_HELD, Assurance
from proofport.delivery.lane.payload import decode_outcomes
from proofport.delivery.plan import Plan
from proofport.delivery.report.report import Exit

pytestmark = pytest.mark.usefixtures("folder")


@pytest.fixture(autouse=True)
def not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(VERDICTS, "404", NOT_HELD)


def answering(*words: str) -> Vendor:
    return Vendor(ScriptedSender(send_records=reply(list(words))))


async def test_an_id_that_nobody_knows_is_unchanged_and_named() -> None:
    report = await push(write("i.ndjson", {"id": "typo"}, {"id": "b"}), here=answering("404", "ok"), mode="remove")
    assert (report.exit_code, counts(report)) == (Exit.OK, {"delivered": 1, "unchanged": 1})
    shown = report.as_dict()["destinations"]["here"]
    assert shown["not_known"] == {"count": 1, "ids": ["typo"]}
    assert shown["reasons"] == {"not_known": 1}


async def test_what_was_delivered_from_here_and_is_not_there_any_more_is_surely_gone() -> None:
    """A removal whose answer was lost is repeated, and the vendor does not hold the record any more."""
    journal, given = await memory_journal(), write("i.ndjson", {"id": "a"})
    await push(given, here=answering("ok"), journal=journal)
    report = await push(given, here=answering("404"), journal=journal, mode="remove")
    assert (counts(report), report.destinations["here"].tally.assurance[Assurance.CONFIRMED]) == ({"delivered": 1}, 1)
    again = await push(given, here=answering("404"), journal=journal, mode="remove")
    assert (counts(again), again.destinations["here"].not_known.ids) == ({"unchanged": 1}, ["a"])


async def test_a_resumed_run_names_it_too() -> None:
    journal, given = await memory_journal(), write("i.ndjson", {"id": "typo"}, {"id": "b"})
    cut = Vendor(ScriptedSender(send_records=[reply(["404"]), reply({}, 401)]), max_records=1)
    assert (await push(given, here=cut, journal=journal, mode="remove", run_id="r")).exit_code is Exit.BLOCKED
    rest = Vendor(ScriptedSender(send_records=reply(["ok"])), max_records=1)
    report = await push(given, here=rest, journal=journal, mode="remove", run_id="r", resume=True)
    assert report.destinations["here"].not_known.ids == ["typo"]


async def test_a_plan_names_it() -> None:
    listing = ScriptedSender(list_records=reply({"ids": ["a"], "next": None}))
    given = write("i.ndjson", {"id": "a"}, {"id": "typo"})
    report = await push(given, here=Vendor(listing, ListedTiny), mode="remove", plan=True)
    shown = Plan.of(report).as_dict()["destinations"]["here"]
    assert shown["gone"]["ids"] == ["a"]
    assert (shown["unchanged"]["count"], shown["not_known"]) == (1, {"count": 1, "ids": ["typo"]})


async def test_the_queue_says_it_of_the_record(queue: Queue) -> None:
    queue.vendor(reply(["404"]))
    await queue.accept({"id": "typo"}, mode="remove")
    await queue.work()
    (delivery,) = await queue.all()
    (outcome,) = decode_outcomes(delivery.outcome or "[]")
    assert (delivery.state, outcome.status, outcome.reason) == ("done", "unchanged", "not_known")
    assert outcome.problem is not None
