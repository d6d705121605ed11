"""A lane whose journal cannot be written: nothing is claimed that is not noted, and the report is not lost."""

from __future__ import annotations

import pytest
from tests.unit.delivery.support import ScriptedSender, all_ok, batch, counts, deliver, held, lane

from proofport.delivery.lane import Lane
from proofport.delivery.report import Exit
from proofport.errors import JournalError, LaneLost, ProofportError
from proofport.wire import Reply


async def failing(
    tried: Lane, monkeypatch: pytest.MonkeyPatch, *names: str, error: type[ProofportError] = JournalError
) -> None:
    """Hold the lane in a journal that cannot be written by these methods."""

    async def fails(*_: object, **__: object) -> None:
        raise error("the disk is full")

    right = await held(tried)
    for name in names:
        monkeypatch.setattr(right, name, fails)


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
    assert tried.report.exit is Exit.INCOMPLETE
