"""The end of a staged snapshot: completed, cancelled, or left open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from tests.unit.delivery.snapshots import BAD, Snapshot, page, ten
from tests.unit.delivery.support import (
    ScriptedSender,
    StagedTiny,
    Tiny,
)

from proofport.accounting import unknown
from proofport.adapter import Stages
from proofport.delivery.ids.ids import IdStore
from proofport.delivery.report.report import INLINE_PROBLEMS, Exit
from proofport.delivery.report.stops import RESUMABLE
from proofport.delivery.snapshot.guard import Terms
from proofport.errors import AdapterFault, Blocked, OutcomeUnknown, Problem, Retryable
from proofport.wire import Reply


@pytest.fixture
def ids() -> Iterator[IdStore]:
    with closing(IdStore()) as store:
        yield store


# ---------------------------------------------------------------------- staged
async def test_a_good_set_is_completed_and_what_is_gone_is_listed(ids: IdStore) -> None:
    held = [page(ten()[:6], "more"), page([*ten()[6:], "old-1"])]
    snapshot = Snapshot(ids, ScriptedSender(list_records=held), ten())
    report = await snapshot.end()
    assert snapshot.sender.operations == ["list_records", "list_records", "complete_set"]
    assert [call.query for call in snapshot.sender.calls[:2]] == [(("after", ""),), (("after", "more"),)]
    assert (report.exit, snapshot.counts) == (Exit.OK, {"delivered": 10})
    assert (report.gone.ids, report.gone.count, report.notes) == (["old-1"], 1, [])
    assert snapshot.complete


async def test_the_first_set_of_all_is_completed(ids: IdStore) -> None:
    snapshot = Snapshot(ids, ScriptedSender(list_records=page([])), ten())
    assert (await snapshot.end()).exit is Exit.OK
    assert snapshot.sender.operations[-1] == "complete_set"


@pytest.mark.parametrize(("gone", "code"), [(2, Exit.OK), (3, Exit.GUARD)])
async def test_the_allowed_share_is_the_border(ids: IdStore, gone: int, code: Exit) -> None:
    held = page([*ten()[gone:], *[f"old-{n}" for n in range(gone)]])
    snapshot = Snapshot(ids, ScriptedSender(list_records=held), ten())
    report = await snapshot.end()
    assert report.exit is code
    assert snapshot.sender.operations[-1] == ("complete_set" if code is Exit.OK else "cancel_set")


async def test_a_refused_set_is_taken_back_and_the_report_says_why(ids: IdStore) -> None:
    snapshot = Snapshot(ids, ScriptedSender(list_records=page(ten(100))), ten())
    report = await snapshot.end()
    assert snapshot.sender.operations == ["list_records", "cancel_set"]
    assert (report.exit, snapshot.counts, report.tally.reasons) == (Exit.GUARD, {"withheld": 10}, {"guard": 10})
    assert "10 of 10 records held now would be gone" in report.notes[0]
    assert "10 records withheld" in report.notes[1]
    assert not snapshot.complete
    report.tally.check(10)


async def test_a_person_may_override_the_guard_and_the_reason_stays(ids: IdStore) -> None:
    snapshot = Snapshot(ids, ScriptedSender(list_records=page(ten(100))), ten())
    report = await snapshot.end(Terms(0.2, 0, override="moved to a new account"), ["a.json breaks off"])
    assert snapshot.sender.operations[-1] == "complete_set"
    assert report.exit is Exit.OK
    assert "The guard was overridden: moved to a new account" in report.notes


@pytest.mark.parametrize("override", [None, "I mean it"])
async def test_an_empty_set_never_replaces_anything(ids: IdStore, override: str | None) -> None:
    snapshot = Snapshot(ids, ScriptedSender(list_records=page(ten())), [], opened=False)
    report = await snapshot.end(Terms(1.0, 0, override=override))
    assert snapshot.sender.operations == ["list_records"], "nothing was opened, so nothing is cancelled"
    assert report.exit is Exit.GUARD
    assert "empty" in report.notes[0]


async def test_a_source_that_was_not_read_to_its_end_completes_nothing(ids: IdStore) -> None:
    snapshot = Snapshot(ids, ScriptedSender(list_records=page(ten())), ten())
    report = await snapshot.end(incomplete=["a.json breaks off after record 3"])
    assert snapshot.sender.operations[-1] == "cancel_set"
    assert report.exit is Exit.GUARD
    assert "a.json breaks off after record 3" in report.notes[0]


class UnlistedTiny(Tiny, Stages):
    """Holds a set back, and shows to nobody what it holds."""

    empty_set = "refuse"
    complete = StagedTiny.complete
    cancel = StagedTiny.cancel


async def test_where_the_records_held_now_cannot_be_listed_the_guard_refuses(ids: IdStore) -> None:
    snapshot = Snapshot(ids, ScriptedSender(), ten(), made=UnlistedTiny)
    report = await snapshot.end()
    assert snapshot.sender.operations == ["cancel_set"]
    assert (report.exit, report.tally.reasons) == (Exit.GUARD, {"guard": 10})


@pytest.mark.parametrize(
    ("error", "code"), [(Retryable("silent", after=1e6), Exit.INCOMPLETE), (Blocked("may not read"), Exit.BLOCKED)]
)
async def test_a_list_that_fails_cancels_the_set_for_nothing_was_replaced(
    ids: IdStore, error: Exception, code: Exit
) -> None:
    snapshot = Snapshot(ids, ScriptedSender(list_records=error), ten())
    report = await snapshot.end()
    assert snapshot.sender.operations == ["list_records", "cancel_set"]
    assert (report.exit, report.tally.reasons) == (code, {"snapshot_cancelled": 10})
    assert str(error) in report.notes[0]


@pytest.mark.parametrize(("allowed", "code"), [(1, Exit.OK), (0, Exit.INCOMPLETE)])
async def test_more_rejects_than_allowed_cancel_the_set(ids: IdStore, allowed: int, code: Exit) -> None:
    snapshot = Snapshot(ids, ScriptedSender(list_records=page(ten())), ten())
    snapshot.tried.ledger.book("bad", 11, BAD)
    report = await snapshot.end(Terms(0.2, allowed))
    assert report.exit is code
    if code is Exit.OK:
        assert snapshot.sender.operations[-1] == "complete_set"
    else:
        assert snapshot.sender.operations == ["cancel_set"], "nobody needs the list for that"
        assert snapshot.counts == {"withheld": 10, "rejected": 1}
        assert "1 record rejected (allowed 0)" in report.notes[0]


async def test_a_rejected_record_that_is_held_blocks_the_set_and_is_not_gone(ids: IdStore) -> None:
    snapshot = Snapshot(ids, ScriptedSender(list_records=page(ten())), ten())
    snapshot.tried.ledger.reject("r3", 4, Problem("x", "y"))
    report = await snapshot.end(Terms(0.2, 1))
    assert (report.gone.count, report.exit) == (0, Exit.INCOMPLETE)
    assert snapshot.sender.operations[-1] == "cancel_set"
    assert "1 record refused that the set before holds: r3." in report.notes[0]


async def test_of_very_many_rejected_records_each_is_dropped_when_a_person_says_so(
    ids: IdStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proofport.delivery.ids.ids.FEW", 2)
    snapshot = Snapshot(ids, ScriptedSender(list_records=page(ten())), ten())
    for number in range(2, 7):
        snapshot.tried.ledger.reject(f"r{number}", number, Problem("x", "y"))
    report = await snapshot.end(Terms(0.4, 5, override="they are sold"))
    assert (report.gone.count, report.dropped.ids) == (0, [f"r{n}" for n in range(2, 7)])
    assert (report.exit, snapshot.sender.operations[-1]) == (Exit.OK, "complete_set")
    snapshot.tried.ledger.rejected_ids.close()


async def test_a_duplicate_is_not_gone_its_first_record_is_there(ids: IdStore) -> None:
    snapshot = Snapshot(ids, ScriptedSender(list_records=page(ten())), ten())
    snapshot.tried.ledger.book("r3", 11, BAD)
    assert (await snapshot.end(Terms(0.0, 1))).gone.ids == []


async def test_a_set_with_an_unknown_record_is_not_completed(ids: IdStore) -> None:
    snapshot = Snapshot(ids, ScriptedSender(), ten())
    snapshot.tried.ledger.book("r11", 11, unknown("no_verdict"))
    report = await snapshot.end(Terms(1.0, 5))
    assert snapshot.sender.operations == ["cancel_set"]
    assert "1 record with an unknown outcome" in report.notes[0]
    assert report.exit is Exit.INCOMPLETE


async def test_a_stopped_delivery_is_taken_back_and_its_reason_to_stop_stands(ids: IdStore) -> None:
    snapshot = Snapshot(ids, ScriptedSender(), ten())
    snapshot.tried.stop(AdapterFault("a bug"), "adapter_fault", Exit.INCOMPLETE)
    report = await snapshot.end()
    assert snapshot.sender.operations == ["cancel_set"]
    assert (report.exit, report.tally.reasons) == (Exit.INCOMPLETE, {"snapshot_cancelled": 10})


@pytest.mark.parametrize("reason", RESUMABLE)
async def test_a_delivery_that_stopped_for_no_fault_of_the_set_stays_open_to_be_resumed(
    ids: IdStore, reason: str
) -> None:
    snapshot = Snapshot(ids, ScriptedSender(), ten())
    snapshot.tried.stop(Blocked("plan"), reason, Exit.BLOCKED)
    report = await snapshot.end()
    assert snapshot.sender.calls == [], "what was staged stays staged"
    assert (report.exit, report.tally.reasons, snapshot.counts) == (Exit.BLOCKED, {reason: 10}, {"withheld": 10})
    advice = "Push again." if reason == "lane_lost" else "Go on with --resume run-1"
    assert advice in report.notes[-1]
    assert not snapshot.complete


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (OutcomeUnknown("lost"), Exit.INCOMPLETE),
        (Retryable("silent", after=1e6), Exit.INCOMPLETE),
        (Reply(403), Exit.BLOCKED),
    ],
)
async def test_nobody_knows_the_outcome_when_completing_fails(ids: IdStore, answer: Any, code: Exit) -> None:
    snapshot = Snapshot(ids, ScriptedSender(list_records=page(ten()), complete_set=answer), ten())
    report = await snapshot.end()
    assert (report.exit, snapshot.counts) == (code, {"unknown": 10})
    assert report.tally.reasons == {"closing_failed": 10}
    assert not snapshot.complete
    report.tally.check(10)


async def test_completing_is_repeated_after_a_pause(ids: IdStore) -> None:
    sender = ScriptedSender(list_records=page(ten()), complete_set=[Retryable("busy", after=3.0), Reply(200)])
    snapshot = Snapshot(ids, sender, ten())
    assert (await snapshot.end()).exit is Exit.OK
    assert sender.operations.count("complete_set") == 2


@pytest.mark.parametrize("stopped", [True, False])
async def test_a_set_that_cannot_be_taken_back_is_reported(ids: IdStore, stopped: bool) -> None:
    sender = ScriptedSender(list_records=page(ten(100)), cancel_set=Reply(403))
    snapshot = Snapshot(ids, sender, ten())
    if stopped:
        snapshot.tried.stop(AdapterFault("a bug"), "adapter_fault", Exit.INCOMPLETE)
    report = await snapshot.end()
    assert "What was staged could not be taken back: the key was refused" in report.notes[-1]
    assert report.exit is Exit.INCOMPLETE, "more is wrong than the guard's refusal"
    assert snapshot.counts == {"withheld": 10}


async def test_a_long_list_of_what_is_gone_is_counted_in_full_and_shown_in_part(ids: IdStore) -> None:
    many = [f"old-{n}" for n in range(INLINE_PROBLEMS + 7)]
    snapshot = Snapshot(ids, ScriptedSender(list_records=page(many)), ten())
    report = await snapshot.end(Terms(1.0, 0))
    assert (report.gone.count, len(report.gone.ids)) == (INLINE_PROBLEMS + 7, INLINE_PROBLEMS)
