"""A journal that cannot be written: nothing is claimed that is not noted, and the report is not lost."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.delivery.queues import LANE
from tests.unit.delivery.runs import Vendor, push, write
from tests.unit.delivery.runs import counts as run_counts
from tests.unit.delivery.support import (
    LEASE,
    ScriptedSender,
    all_ok,
    attached,
    batch,
    counts,
    deliver,
    destination,
    memory_journal,
)

from proofport.delivery.destination_run import DestinationRun
from proofport.delivery.report.report import Exit
from proofport.errors import Blocked, JournalError, LaneLost, ProofportError
from proofport.journal.contract import Journal, LaneRun
from proofport.wire import Reply


async def failing(
    tried: DestinationRun,
    monkeypatch: pytest.MonkeyPatch,
    *names: str,
    error: type[ProofportError] = JournalError,
    journal: Journal | None = None,
) -> LaneRun:
    """Hold the lane in a journal that cannot be written by these methods."""

    async def fails(*_: object, **__: object) -> None:
        raise error("the disk is full")

    right = await attached(tried, journal)
    for name in names:
        monkeypatch.setattr(right, name, fails)
    return right


def breaks(monkeypatch: pytest.MonkeyPatch, journal: Journal, *names: str) -> None:
    """Let these methods fail for every lane that is claimed from now on."""
    claim = journal.claim

    async def fails(*_: object, **__: object) -> None:
        raise JournalError("the disk is full")

    async def claimed(*given: Any, **more: Any) -> LaneRun | None:
        right = await claim(*given, **more)
        for name in names:
            monkeypatch.setattr(right, name, fails)
        return right

    monkeypatch.setattr(journal, "claim", claimed)


async def test_what_was_sent_but_could_not_be_noted_is_unknown_and_little_more_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The next batch is on its way while the one before is noted."""
    sender = ScriptedSender(send_records=all_ok)
    tried = destination(sender)
    await failing(tried, monkeypatch, "batch_done")
    await deliver(tried, batch("a"), batch("b"), batch("c"), batch("d"))
    assert (sender.requests, counts(tried)) == (2, {"unknown": 2, "withheld": 2})
    assert tried.report.tally.reasons == {"answer_lost": 2, "journal_failed": 2}
    assert tried.report.exit is Exit.INCOMPLETE


async def test_a_destination_that_cannot_note_what_it_opened_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    sender = ScriptedSender(send_records=all_ok)
    tried = destination(sender)
    await failing(tried, monkeypatch, "remember")
    await deliver(tried, batch("a"))
    assert (sender.calls, counts(tried)) == ([], {"withheld": 1})


async def test_a_parked_lane_goes_on_when_even_that_cannot_be_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = destination(ScriptedSender(send_records=Reply(403)))
    await failing(tried, monkeypatch, "park")
    await deliver(tried, batch("a"))
    assert (tried.report.exit, counts(tried)) == (Exit.BLOCKED, {"withheld": 1})
    assert "the disk is full" in tried.report.notes[-1]


async def test_a_refusal_on_a_lane_that_is_another_s_by_now_parks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = destination(ScriptedSender(send_records=Reply(403)))
    await failing(tried, monkeypatch, "park", error=LaneLost)
    await deliver(tried, batch("a"), batch("b"))
    assert tried.report.tally.reasons == {"lane_lost": 2}
    assert len(tried.report.notes) == 1, "that of the loss: the refusal was for what another has ended"
    assert tried.report.exit is Exit.INCOMPLETE


async def test_a_refusal_after_the_lane_was_lost_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = destination(ScriptedSender())
    await failing(tried, monkeypatch, "park", error=LaneLost)
    tried.stop(LaneLost("taken over"), "lane_lost", Exit.INCOMPLETE)
    await tried.halt(Blocked("the session was ended"))
    assert (tried.report.exit, tried.report.notes) == (Exit.INCOMPLETE, ["taken over"])
    assert tried.stopped is not None
    assert tried.stopped.reason == "lane_lost"


# ---------------------------------------------------------------------- whole runs
@pytest.mark.usefixtures("folder")
async def test_a_run_that_sent_what_it_could_not_note_stays_open_and_all_before_is_in_doubt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    journal, file = await memory_journal(), write("a.ndjson", {"id": "a"})
    await push(file, journal=journal, here=Vendor())
    with monkeypatch.context() as broken:
        breaks(broken, journal, "batch_done")
        await push(file, journal=journal, here=Vendor())
    assert [run.state for run in await journal.runs()] == ["open", "complete"]
    here = Vendor()
    report = await push(file, journal=journal, here=here, skip_unchanged=True)
    assert (here.sender.operations, run_counts(report)) == (["send_records"], {"delivered": 1})


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("answer", "parked"), [(all_ok, None), (Reply(422), "no key"), (Reply(403), "the key")])
async def test_what_is_queued_goes_on_once_a_vendor_takes_a_push(answer: Any, parked: str | None) -> None:
    journal = await memory_journal()
    right = await journal.claim(LANE, owner="test", lease=LEASE)
    assert right is not None
    await right.park("no key")
    await right.release()
    await push(write("a.ndjson", {"id": "a"}), journal=journal, here=Vendor(ScriptedSender(send_records=answer)))
    [view] = await journal.lanes()
    assert (view.parked or "").startswith(parked or "")
    assert (view.parked is None) == (parked is None)


@pytest.mark.usefixtures("folder")
async def test_a_report_is_not_lost_with_the_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    journal = await memory_journal()
    breaks(monkeypatch, journal, "end")
    report = await push(write("a.ndjson", {"id": "a"}), journal=journal, here=Vendor())
    assert (run_counts(report), report.exit_code) == ({"delivered": 1}, Exit.INCOMPLETE)
    assert "the disk is full" in report.destinations["here"].notes[-1]
