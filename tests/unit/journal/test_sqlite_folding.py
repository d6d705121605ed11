"""The last delivered state of a SQLite journal: logged while pushing, folded into a table when someone asks."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from proofport.errors import JournalError
from proofport.journal.contract import BatchDone, Journal, Known, LaneRun, NewRun, Sent
from proofport.journal.sqlite import SqliteJournal, folding

KIND = "device"


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[SqliteJournal]:
    journal = SqliteJournal(tmp_path / "journal")
    await journal.open()
    yield journal
    await journal.close()


async def begun(journal: Journal, run_id: str, *, staged: bool = False) -> LaneRun:
    held = await journal.claim("a", owner=run_id, lease=60)
    assert held is not None
    await held.begin(NewRun(run_id, "here", KIND, "upsert", staged=staged))
    return held


async def send(held: LaneRun, run_id: str, ids: Sequence[str], body: int, number: int = 1) -> None:
    sent = Sent(ids, [body] * len(ids))
    await held.batch_done(run_id, BatchDone(number, 1, len(ids), len(ids), b"", "[]", sent))


async def logged(journal: SqliteJournal) -> int:
    """Rows of the log that wait to be folded."""
    return int(await journal._store.looks.read(lambda db: db.execute("SELECT count(*) FROM sent").fetchone()[0]))


async def test_pushing_only_appends_and_asking_leaves_nothing_in_the_log(journal: SqliteJournal) -> None:
    held = await begun(journal, "r1")
    for number in range(5):
        await send(held, "r1", [f"{number}-{i}" for i in range(10)], 1, number)
    assert await logged(journal) == 5
    assert await journal.known_count("a", KIND) == 50
    assert await logged(journal) == 0


async def test_what_was_folded_is_not_folded_again(journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A staged run keeps its log until it is complete, and is asked for page after page."""
    held = await begun(journal, "r1", staged=True)
    await send(held, "r1", ["x"], 1, 1)
    await send(held, "r1", ["y"], 1, 2)
    assert await journal.gone("a", KIND, "r1") == []
    with monkeypatch.context() as patch:
        patch.setattr(folding, "_fold", None)
        assert await journal.gone("a", KIND, "r1") == []
    await send(held, "r1", ["z"], 1, 3)
    await held.end("r1", complete=True, report="{}")
    assert await journal.known("a", KIND, ["x", "y", "z"]) == [Known(1, 0.0)] * 3


async def test_folding_that_was_interrupted_is_done_again(
    journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folding, "SLICE", 10)
    ids = [f"{i:03}" for i in range(100)]
    held = await begun(journal, "r1")
    await send(held, "r1", ids, 1, 1)
    await send(held, "r1", ids[::2], 2, 2)
    fold_slice, slices = folding._fold_slice, 0

    def breaks_down(rows: folding.Rows) -> object:
        nonlocal slices
        slices += 1
        if slices == 4:
            raise JournalError("the disk is full")
        return fold_slice(rows)

    with monkeypatch.context() as patch:
        patch.setattr(folding, "_fold_slice", breaks_down)
        with pytest.raises(JournalError):
            await journal.known_count("a", KIND)
    assert slices == 4
    assert await logged(journal) == 2
    assert await journal.known("a", KIND, ids) == [Known(2 - i % 2, 0.0) for i in range(100)]
    assert await logged(journal) == 0


async def test_an_older_folding_that_wakes_late_overwrites_nothing(
    journal: SqliteJournal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process reads the log, sleeps while all is folded and more is sent, and then writes what it has read."""
    held = await begun(journal, "r1")
    await send(held, "r1", ["x", "y"], 1, 1)
    late = SqliteJournal(tmp_path / "journal")
    await late.open()
    read, go_on = asyncio.Event(), asyncio.Event()
    in_thread = folding._in_thread

    async def sleeps(work: Callable[[], Any]) -> Any:
        result = await in_thread(work)
        if result is None and not read.is_set():
            read.set()
            await go_on.wait()
        return result

    with monkeypatch.context() as patch:
        patch.setattr(folding, "_in_thread", sleeps)
        asking = asyncio.create_task(late.known_count("a", KIND))
        await read.wait()
    await send(held, "r1", ["x"], 2, 2)
    await held.forget(KIND, ["y"])
    assert await journal.known("a", KIND, ["x", "y"]) == [Known(2, 0.0), None]
    go_on.set()
    await asking
    assert await journal.known("a", KIND, ["x", "y"]) == [Known(2, 0.0), None]
    await late.close()


async def test_who_asks_and_goes_away_leaves_folding_to_the_next(journal: SqliteJournal) -> None:
    held = await begun(journal, "r1")
    await send(held, "r1", [str(i) for i in range(20_000)], 1)
    for _ in range(5):
        asking = asyncio.create_task(journal.known_count("a", KIND))
        await asyncio.sleep(0.002)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    assert await journal.known_count("a", KIND) == 20_000


async def test_a_log_that_nobody_asks_for_is_folded_when_it_is_long(
    journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folding, "MOST_UNFOLDED", 100)
    for run, expected in (("r1", 1), ("r2", 2), ("r3", 1)):
        held = await begun(journal, run)
        await send(held, run, [f"{run}-{i}" for i in range(60)], 1)
        await held.release()
        assert await logged(journal) == expected


async def test_a_staged_run_that_was_given_up_does_not_stay_in_the_log(journal: SqliteJournal) -> None:
    held = await begun(journal, "r1", staged=True)
    await send(held, "r1", ["x"], 1)
    assert await journal.known("a", KIND, ["x"]) == [None]
    await held.end("r1", complete=False, report="{}")
    assert await logged(journal) == 1, "it may be resumed"
    await held.begin(NewRun("r2", "here", KIND, "upsert", staged=True))
    assert await logged(journal) == 0


@pytest.mark.soak
@pytest.mark.skipif("PROOFPORT_SOAK" not in os.environ, reason="a minute long: make soak")
def test_a_million_ids_need_little_memory(tmp_path: Path) -> None:
    """Peak resident size of a process that sends a million ids in no order, and asks for those that are gone."""
    program = Path(__file__).with_name("million.py")
    told = subprocess.run([sys.executable, program, tmp_path / "journal"], check=True, stdout=subprocess.PIPE).stdout
    assert int(told) < 80
