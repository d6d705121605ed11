"""The journal's file vanishes under a push or a worker: little more is sent, and the error says what happened."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.clock import Clock
from tests.unit.delivery.queues import Queue, ids, until
from tests.unit.delivery.runs import Vendor, counts, push, write
from tests.unit.delivery.support import LEASE, ScriptedSender, all_ok

from proofport.delivery.report.report import Exit
from proofport.journal import opened, scheduler
from proofport.journal.sqlite import SqliteJournal
from proofport.wire import Call, Reply


def set_aside(folder: Path) -> None:
    folder.rename(folder.with_name(folder.name + "-aside"))


def set_back(folder: Path) -> None:
    folder.with_name(folder.name + "-aside").rename(folder)


async def test_a_push_stops_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder, seen, clock = tmp_path / "kept", list[Call](), Clock()

    def vanishes(call: Call) -> Reply:
        seen.append(call)
        if len(seen) == 2:
            set_aside(folder)
        return all_ok(call)

    vendor = Vendor(ScriptedSender(send_records=vanishes), max_records=1)
    records = [{"id": f"r{n}"} for n in range(10)]
    async with opened(SqliteJournal(folder / "journal", clock=clock)) as journal:
        report = await push(write("i.ndjson", *records), journal=journal, here=vendor)
    found = report.destinations["here"]
    assert len(seen) <= 3, "the batch that was on its way"
    assert counts(report)["withheld"] >= 7
    assert counts(report).get("delivered", 0) <= 2
    assert found.exit is Exit.INCOMPLETE
    assert any("deleted, moved, emptied or replaced" in note for note in found.notes), found.notes
    set_back(folder)
    clock.advance(LEASE + 1)
    async with opened(SqliteJournal(folder / "journal", clock=clock)) as journal:
        again = await push("i.ndjson", journal=journal, here=vendor)
        assert counts(again) == {"delivered": 10}


async def test_a_worker_sends_nothing_more_until_it_is_back(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(scheduler, "PAUSE", 0.01)
    queue = Queue()
    folder = queue.journal.path.parent
    for number in range(6):
        await queue.accept({"id": f"r{number}"}, {"id": f"s{number}"})

    def vanishes(call: Call) -> Reply:
        set_aside(folder)
        return all_ok(call)

    here = queue.vendor(vanishes, all_ok, max_records=2)
    async with queue.working():
        await until(lambda: caplog.text.count("journal_unavailable") >= 3)
        assert len(here.sender.calls) <= 2, "the batch that was on its way"
        assert "deleted, moved, emptied or replaced" in caplog.text
        set_back(folder)
        queue.now += 100  # until the lease has run out
        await until(queue.is_idle)
    assert await queue.states() == ["done"] * 6
    assert set(ids(here)) == {f"{name}{number}" for name in "rs" for number in range(6)}
