"""Moving a journal, from a file to PostgreSQL or back: it arrives as it was, also when that is interrupted."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from tests.journal_contract.receipts import receipt_after
from tests.support.journals import used
from tests.support.postgres import Database

from proofport.errors import ConfigError
from proofport.journal import open_journal
from proofport.journal.contract import (
    PERHAPS_OVERWRITTEN,
    AccessKey,
    Attempt,
    BatchDone,
    Failure,
    Filter,
    IdempotencyRecord,
    Intent,
    Journal,
    Known,
    LaneRun,
    NewDelivery,
    NewRun,
    NewSnapshot,
    Part,
    ReceiptKey,
    Sent,
    Stamp,
)
from proofport.journal.copying import Copies, move
from proofport.journal.postgres import PostgresJournal
from proofport.journal.sqlite import SqliteJournal

SOAK = "PROOFPORT_SOAK" in os.environ
QUEUED, KNOWN = (100_000, 1_000_000) if SOAK else (1_000, 5_000)
LANES = 20
KIND = "device"
RECORD = IdempotencyRecord("default", "once", b"digest", b"answer")
ODD = ["", "a\x00b", "ä", "🦆", "\uffff"]
FAILURE = Failure("vendor_unavailable", "503")


def new(lane: str, text: str = "x") -> NewDelivery:
    return NewDelivery(lane, "there", KIND, "upsert", b'[{"id":"%b"}]' % text.encode(), 1)


def emptied(postgres: Database) -> PostgresJournal:
    """For the role that may migrate."""
    postgres.empty()
    return PostgresJournal(postgres.owner)


@asynccontextmanager
async def opened(journal: Journal) -> AsyncIterator[Journal]:
    await journal.open()
    try:
        yield journal
    finally:
        await journal.close()


async def some_of_everything(journal: Journal) -> None:
    """Deliveries in every state, runs in every state, ids of every kind, and what belongs to no lane."""
    await journal.accept([new("a", f"{n}") for n in range(6)] + [new("parked"), new("rests")])
    await journal.accept([new("a"), new("b")], record=RECORD)
    held = await journal.claim("a", owner="me", lease=60)
    assert held is not None
    one, two, three, *_ = await held.take(6)
    await held.done(one, '[["delivered"]]', sent=Sent(["q"], [7], items=[b"{q}"]), dead=(new("a", "bad"), FAILURE))
    await held.dead(two, FAILURE)
    await journal.replay(Filter(state="dead", lane="a"))
    await journal.cancel(Filter(ids=[three.id]), "no")
    await held.begin(NewRun("r1", "there", KIND, "snapshot", ("i.json",)))
    await held.remember("r1", {"session": "pp-1"})
    await held.number_sources(KIND, ["hr\x00", "aws"])
    about = [2, 1, 0, 1, 2], [None, "A", "\x00", None, "Ä"]
    sent = Sent(ODD, [1, 2**63, 2**64 - 1, 4, 5], [0.5] * 5, [b"{}"] * 5, *about)
    await held.batch_done("r1", BatchDone(1, 1, 5, 5, b"\x00", "[]", sent))
    await held.end("r1", complete=True, report="{}")
    await held.begin(NewRun("r2", "there", KIND, "remove"))
    await held.batch_done("r2", BatchDone(1, 1, 1, 1, b"", "[]", Sent(["ä"])))
    await held.end("r2", complete=True, report="{}")
    await held.forget(KIND, ["a\x00b", "\uffff"], gone_at=5.25)
    await held.note_missing(KIND, [""], at=6.5)
    await held.begin(NewRun("staged", "there", KIND, "snapshot", staged=True))
    staged = Sent(["🦆", "new"], [8, 9], sources=[1, 2], spellings=[None, "NEW"])
    await held.batch_done("staged", BatchDone(1, 1, 2, 2, b"", "[]", staged))
    await held.intend(KIND, [Intent(2, Sent(["later"], items=[b"{}"]), b"two")], run_id="staged")
    await held.completing("staged")
    await held.keep_adapter_memory("other", {"fields": {"id": "string"}, "defined": 0.0}, doubts="custom:other")
    await held.attempted([Attempt("publish", 202, 0.5, 10, "d", "nul\x00", 5.0, "r1", one.id)])
    await held.release()
    for name in ("parked", "rests"):
        lane = await journal.claim(name, owner="me", lease=60)
        assert lane is not None
        if name == "parked":
            await lane.park("no credentials")
        else:
            await lane.later((await lane.take(1))[0], 3_600, FAILURE)
        await lane.release()
    await journal.keep_adapter_memory("a", "more", [1, None], before=None)
    await journal.add_access_key(AccessKey("aaaa", "ci", "acme", "scrypt:1", False, True, 6.0, ["prod"], [], 9.5))
    await journal.open_snapshot(NewSnapshot("s1", "acme", KIND, ["one", "two"], 3_600))
    await journal.put_part("s1", Part("p1", 2, b"[1,2]", "cut off", "hr", 3))
    await journal.open_snapshot(NewSnapshot("s2", "acme", KIND, ["one"], 3_600))
    await journal.commit_snapshot("s2", run_id="r9", override="sold", without=["hr"])
    await journal.permit("host", per_minute=1, burst=1)
    await journal.add_receipt_key(ReceiptKey(b"1" * 32, 5.0))
    assert await journal.add_receipt(receipt_after(await journal.log_head(), exchanges=b"x\n"), after=0)
    await journal.add_stamp(Stamp(1, 7.5, b"note", b"\x00answer"))


async def everything(journal: Journal) -> dict[str, object]:
    """All that the contract shows, but what differs in wording only: a NUL in a vendor's message."""
    lanes = await journal.lanes()
    names = [view.lane for view in lanes]
    runs = await journal.runs(limit=100)
    attempts = await journal.attempts()
    return {
        "deliveries": await journal.find(Filter(), limit=1_000_000),
        "lanes": lanes,
        "runs": [await journal.run(run.run_id, run.destination) for run in runs],
        "attempts": [(one.operation, one.message.replace("\x00", "\ufffd"), one.delivery) for one in attempts],
        "known": [await journal.known(name, KIND, [*ODD, "new", "q"]) for name in names],
        "spellings": [await journal.spellings(name, KIND, [*ODD, "new"]) for name in names],
        "sources": [await journal.sources(name, KIND) for name in names],
        "left": [await journal.left(name, KIND) for name in names],
        "count": [await journal.known_count(name, KIND) for name in names],
        "gone": [await journal.gone(name, KIND, "staged", limit=2_000_000) for name in names],
        "kept": [await journal.kept(name, KIND) for name in names],
        "bodies": [await journal.bodies(name, KIND, [*ODD, "q"]) for name in names],
        "tombstones": [await journal.tombstones(name, KIND, since=0) for name in names],
        "memory": [list((await journal.adapter_memory(name)).items()) for name in names],
        "keys": await journal.access_keys(),
        "snapshots": await journal.snapshots(),
        "parts": await journal.parts("s1"),
        "receipts": [await journal.log_head(), await journal.receipts(), await journal.receipt_file(0, "exchanges")],
        "log": [await journal.branches(), await journal.receipt_keys(), await journal.stamps()],
        "again": await journal.accept([new("a")], record=RECORD) if "a" in names else None,
    }


@pytest.fixture(params=["to PostgreSQL", "to a file"])
def both(request: pytest.FixtureRequest, tmp_path: Path, postgres: Database) -> tuple[Journal, Journal]:
    """A journal to move, and where to."""
    file, database = SqliteJournal(tmp_path / "journal.sqlite3"), emptied(postgres)
    return (file, database) if request.param == "to PostgreSQL" else (database, file)


async def test_a_moved_journal_shows_what_it_showed_before(both: tuple[Any, Any]) -> None:
    source, target = both
    async with opened(source) as journal:
        await some_of_everything(journal)
        before = await everything(journal)
    told: list[str] = []
    became = await move(source, target, lambda lane, *_: told.append(lane))
    assert sorted(told) == ["a", "b", "parked", "rests"]
    if isinstance(source, SqliteJournal):
        assert (became, source.path.exists()) == ("is called journal.sqlite3.moved now", False)
    else:
        with pytest.raises(ConfigError, match=r"was moved to .*journal\.sqlite3"):
            await source.open()
    async with opened(target) as journal:
        assert await everything(journal) == before
        assert await journal.permit("host", per_minute=1, burst=1) > 30
        last = max(delivery.id for delivery in await journal.find(Filter(), limit=100))
        assert (await journal.accept([new("a")])).ids[0] > last
        commit = await journal.claim_commit(owner="me", lease=60)
        assert commit is not None
        assert (commit.snapshot.id, commit.run_id, commit.override, commit.without) == ("s2", "r9", "sold", ["hr"])
        run = await journal.claim("a", owner="me", lease=60)
        assert run is not None
        assert await run.note_missing(KIND, ["", "\uffff"], at=9) == [6.5, 5.25]
        await run.begin(NewRun("staged", "there", KIND, "snapshot", staged=True))
        await run.end("staged", complete=True, report="{}")
        assert await journal.known("a", KIND, ["new"]) == [Known(9, 0.0, 2)]
        assert await journal.spellings("a", KIND, ["new"]) == ["NEW"]
        assert await run.number_sources(KIND, ["aws", "other"]) == [2, 3]
        assert (await claimed(journal, "b")).epoch == 1


async def test_what_was_moved_is_doubted_after_a_cut(both: tuple[Any, Any]) -> None:
    source, target = both
    async with opened(source) as journal:
        held = await claimed(journal, "a")
        await held.begin(NewRun("r1", "there", KIND, "upsert"))
        await held.batch_done("r1", BatchDone(1, 1, 1, 1, b"", "[]", Sent(["x"], [7])))
        await held.end("r1", complete=True, report="{}")
        await held.release()
    await move(source, target, lambda *_: None)
    async with opened(target) as journal:
        held = await claimed(journal, "a")
        for run_id in ("cut", "next"):
            assert await journal.known("a", KIND, ["x"]) == [Known(7, 0.0)]
            await held.begin(NewRun(run_id, "there", KIND, "upsert"))
        assert await journal.known("a", KIND, ["x"]) == [Known(PERHAPS_OVERWRITTEN, 0.0)]


async def claimed(journal: Journal, lane: str) -> LaneRun:
    held = await journal.claim(lane, owner="me", lease=60)
    assert held is not None
    return held


async def filled(source: Journal) -> None:
    async with opened(source) as journal:
        for start in range(0, QUEUED, 1_000):
            await journal.accept([new(f"lane {n % LANES}", str(n)) for n in range(start, start + 1_000)])
        held = await journal.claim("lane 7", owner="me", lease=3_600)
        assert held is not None
        await held.begin(NewRun("r", "there", KIND, "upsert"))
        for start in range(0, KNOWN, 1_000):
            sent = Sent([f"i-{n}" for n in range(start, start + 1_000)], range(start + 1, start + 1_001))
            await held.batch_done("r", BatchDone(start, 1, 1, 1_000, b"", "[]", sent))
        await held.end("r", complete=True, report="{}")
        await held.release()


PROGRAM = """
import asyncio, sys
from proofport.journal import open_journal
from proofport.journal.copying import move
def told(lane, number, count): print(number, flush=True)
asyncio.run(move(open_journal(sys.argv[1]), open_journal(sys.argv[2]), told))
"""


@pytest.mark.parametrize("direction", ["to PostgreSQL", "to a file"])
async def test_a_move_that_is_killed_again_and_again_goes_on(
    tmp_path: Path, postgres: Database, direction: str
) -> None:
    """Killed after a lane, and in the middle of the largest one."""
    postgres.empty()
    here, there = str(tmp_path / "journal.sqlite3"), postgres.owner
    source, target = (here, there) if direction == "to PostgreSQL" else (there, here)
    await filled(open_journal(source))
    async with opened(open_journal(source)) as journal:
        before = await everything(journal)
    command = [sys.executable, "-c", PROGRAM, source, target]
    for lanes in (3, 7):
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        assert process.stdout is not None
        async for line in process.stdout:
            if int(line) == lanes:
                process.kill()
        assert await process.wait() == -signal.SIGKILL
        if target == here:
            assert not os.path.exists(here)  # noqa: ASYNC240, PTH110
        else:
            with pytest.raises(ConfigError, match="has not come to its end"):
                await open_journal(target).open()
    async with opened(open_journal(source)) as journal:
        await journal.accept([new("lane 0", "after the first try")])
        before["deliveries"] = await journal.find(Filter(), limit=1_000_000)
        before["lanes"] = await journal.lanes()
    await move(copies(source), copies(target), lambda *_: None)
    async with opened(open_journal(target)) as journal:
        assert await everything(journal) == before


def copies(where: str) -> Copies:
    return cast(Copies, open_journal(where))


async def test_a_journal_in_use_is_not_moved(tmp_path: Path, postgres: Database) -> None:
    file, target = tmp_path / "journal.sqlite3", emptied(postgres)
    async with opened(SqliteJournal(file)) as journal:
        await journal.claim("a", owner="host:1", lease=60)
    with pytest.raises(ConfigError, match="host:1 works on the lane a"):
        await move(SqliteJournal(file), target, lambda *_: None)
    assert file.exists()
    await target.open()
    await target.close()


async def test_a_journal_that_an_idle_process_has_open_is_not_moved(tmp_path: Path, postgres: Database) -> None:
    """A relay would go on answering 202 into a file that nobody reads."""
    file, target = tmp_path / "journal.sqlite3", emptied(postgres)
    async with opened(SqliteJournal(file)) as journal:
        await journal.accept([new("a")])
    with used(file), pytest.raises(ConfigError, match="in use: another process has the file open"):
        await move(SqliteJournal(file), target, lambda *_: None)
    await move(SqliteJournal(file), target, lambda *_: None)
    async with opened(target) as journal:
        assert len(await journal.find(Filter())) == 1


async def test_no_new_journal_begins_where_one_was_moved_away(tmp_path: Path, postgres: Database) -> None:
    file, target = tmp_path / "journal.sqlite3", emptied(postgres)
    async with opened(SqliteJournal(file)) as journal:
        await journal.accept([new("a")])
    await move(SqliteJournal(file), target, lambda *_: None)
    for place in (file, tmp_path / "journal.sqlite3.moved"):
        with pytest.raises(ConfigError, match=f"was moved to {target.label}"):
            await SqliteJournal(place).open()
    assert [each.name for each in tmp_path.iterdir()] == ["journal.sqlite3.moved"]  # noqa: ASYNC240
    await move(target, SqliteJournal(file), lambda *_: None)
    async with opened(SqliteJournal(file)) as journal:
        assert len(await journal.find(Filter())) == 1


async def test_nothing_is_moved_behind_work_that_is_there(tmp_path: Path, postgres: Database) -> None:
    file, target = tmp_path / "journal.sqlite3", emptied(postgres)
    async with opened(SqliteJournal(file)) as journal:
        await journal.accept([new("a")])
    async with opened(target) as journal:
        await journal.accept([new("b")])
    with pytest.raises(ConfigError, match="holds work already"):
        await move(SqliteJournal(file), target, lambda *_: None)
    with pytest.raises(ConfigError, match="there is no journal"):
        await move(SqliteJournal(tmp_path / "none"), target, lambda *_: None)


async def test_a_move_goes_on_from_the_same_file_only(tmp_path: Path, postgres: Database) -> None:
    files, target = [tmp_path / "one", tmp_path / "two"], emptied(postgres)
    for file in files:
        async with opened(SqliteJournal(file)) as journal:
            await journal.accept([new("a")])

    def interrupted(*_: object) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await move(SqliteJournal(files[0]), target, interrupted)
    with pytest.raises(ConfigError, match=r"one is being moved into"):
        await move(SqliteJournal(files[1]), target, lambda *_: None)
    await move(SqliteJournal(files[0]), target, lambda *_: None)
