"""A lane whose journal cannot be written: nothing is claimed that is not noted, and the report is not lost."""

from __future__ import annotations

from typing import Any

import pytest
from proofport.delivery.lane import Lane
from tests.unit.delivery.support import ScriptedSender, all_ok, batch, counts, deliver, held, lane, memory_journal

from proofport.delivery.report import Exit
from proofport.errors import JournalError, LaneLost, ProofportError
from proofport.journal.contract import Journal, LaneRun
from proofport.wire import Reply


async def failing(
    tried: Lane,
    monkeypatch: pytest.MonkeyPatch,
    *names: str,
    error: type[ProofportError] = JournalError,
    journal: Journal | None = None,
) -> LaneRun:
    """Hold the lane in a journal that cannot be written by these methods."""

    async def fails(*_: object, **__: object) -> None:
        raise error("the disk is full")

    right = await held(tried, journal)
    for name in names:
        monkeypatch.setattr(right, name, fails)
    return right


async def test_what_was_sent_but_could_not_be_noted_is_unknown_and_little_more_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The next batch is on its way while the one before is noted."""
    sender = ScriptedSender(send_records=all_ok)
    tried = lane(sender)
    await failing(tried, monkeypatch, "batch_done")
    await deliver(tried, batch("a"), batch("b"), batch("c"), batch("d"))
    assert (sender.requests, counts(tried)) == (2, {"unknown": 2, "withheld": 2})
    assert tried.report.tally.reasons == {"answer_lost": 2, "journal_failed": 2}
    assert tried.report.exit is Exit.INCOMPLETE


async def test_a_run_that_sent_what_it_could_not_note_stays_open_and_all_before_is_in_doubt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    journal = await memory_journal()
    before = lane(ScriptedSender(send_records=all_ok), run_id="run-0")
    right = await held(before, journal)
    await deliver(before, batch("a"))
    await before.end()
    await right.release()
    tried = lane(ScriptedSender(send_records=all_ok))
    right = await failing(tried, monkeypatch, "batch_done", journal=journal)
    await deliver(tried, batch("a"))
    await tried.end()
    await right.release()
    assert [run.state for run in await journal.runs()] == ["open", "complete"]
    sender = ScriptedSender(send_records=all_ok)
    again = lane(sender, run_id="run-2", skip_unchanged=True)
    await held(again, journal)
    await deliver(again, batch("a"))
    assert (sender.requests, counts(again)) == (1, {"delivered": 1})


@pytest.mark.parametrize(("answer", "parked"), [(all_ok, None), (Reply(422), "no key"), (Reply(403), "the key")])
async def test_what_is_queued_goes_on_once_a_vendor_takes_a_push(answer: Any, parked: str | None) -> None:
    journal = await memory_journal()
    tried = lane(ScriptedSender(send_records=answer))
    right = await held(tried, journal)
    await right.park("no key")
    await deliver(tried, batch("a"))
    await tried.end()
    [view] = await journal.lanes()
    assert (view.parked or "").startswith(parked or "")
    assert (view.parked is None) == (parked is None)


async def test_a_lane_that_cannot_note_what_it_opened_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    sender = ScriptedSender(send_records=all_ok)
    tried = lane(sender)
    await failing(tried, monkeypatch, "remember")
    await deliver(tried, batch("a"))
    assert (sender.calls, counts(tried)) == ([], {"withheld": 1})


async def test_a_report_is_not_lost_with_the_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = lane(ScriptedSender(send_records=all_ok))
    await failing(tried, monkeypatch, "end")
    await deliver(tried, batch("a"))
    await tried.end()
    assert counts(tried) == {"delivered": 1}
    assert tried.report.exit is Exit.INCOMPLETE
    assert "the disk is full" in tried.report.notes[-1]


async def test_a_parked_lane_goes_on_when_even_that_cannot_be_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = lane(ScriptedSender(send_records=Reply(403)))
    await failing(tried, monkeypatch, "park")
    await deliver(tried, batch("a"))
    assert (tried.report.exit, counts(tried)) == (Exit.BLOCKED, {"withheld": 1})
    assert "the disk is full" in tried.report.notes[-1]


async def test_a_refusal_on_a_lane_that_is_another_s_by_now_parks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = lane(ScriptedSender(send_records=Reply(403)))
    await failing(tried, monkeypatch, "park", error=LaneLost)
    await deliver(tried, batch("a"), batch("b"))
    assert tried.report.tally.reasons == {"lane_lost": 2}
    assert len(tried.report.notes) == 1, "that of the loss: the refusal was for what another has ended"
    assert tried.report.exit is Exit.INCOMPLETE
