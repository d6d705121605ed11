"""Many requests to a commit, and none forgotten."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from proofport.journal.sqlite.writer import Writer


def opened(path: Path) -> Writer:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE marks (mark INTEGER)")
    return Writer(path)


def mark(db: sqlite3.Connection) -> int:
    """How many have marked before."""
    count: int = db.execute("SELECT count(*) FROM marks").fetchone()[0]
    db.execute("INSERT INTO marks VALUES (1)")
    return count


async def test_what_is_asked_in_turns_of_the_loop_without_a_pause_is_one_commit(tmp_path: Path) -> None:
    writer, commits = opened(tmp_path / "file"), list[str]()
    writer._db.set_trace_callback(commits.append)

    async def ask(turn: int) -> int:
        for _ in range(turn):
            await asyncio.sleep(0)
        time.sleep(0.002)  # noqa: ASYNC251 - the writer's thread could go ahead
        return await writer.write(mark)

    assert sorted(await asyncio.gather(*map(ask, range(10)))) == list(range(10))
    assert commits.count("COMMIT") == 1
    await writer.close()


async def test_what_was_asked_before_it_is_closed_is_done(tmp_path: Path) -> None:
    writer = opened(tmp_path / "file")
    asked = [writer.write(mark) for _ in range(2)]
    await writer.close()
    async with asyncio.timeout(20):
        assert await asyncio.gather(*asked) == [0, 1]
