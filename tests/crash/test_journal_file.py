"""The journal's file under processes that are killed, and under one that still uses it: moving and restoring it."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from tests.crash.scene import Scene, scene
from tests.support.postgres import Database

from proofport.config.configuration import DEFAULT_JOURNAL
from proofport.errors import ConfigError
from proofport.journal import opened
from proofport.journal.contract import Filter, NewDelivery
from proofport.journal.copying import move
from proofport.journal.postgres import PostgresJournal
from proofport.journal.sqlite import SqliteJournal

NEW = NewDelivery("a", "somewhere", "device", "upsert", b"[]", 1)
DIES = """
import os, signal, sys
from pathlib import Path
from proofport.journal.sqlite import alone
step, when, path, backup = sys.argv[1:]
carried_out = getattr(alone, step)
def dies(*given):
    if when == "after":
        carried_out(*given)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(alone, step, dies)
alone.restore(Path(path), Path(backup))
"""


async def size_of(path: Path) -> int:
    async with opened(SqliteJournal(path)) as journal:
        return len(await journal.find(Filter()))


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", ["_copy", "_check", "_swap", "_look", "sync_folder"])
async def test_a_restore_that_is_killed_leaves_one_journal_or_the_other(tmp_path: Path, step: str, when: str) -> None:
    path, backup = tmp_path / "journal.sqlite3", tmp_path / "backup"
    async with opened(SqliteJournal(path)) as journal:
        assert isinstance(journal, SqliteJournal)
        await journal.accept([NEW])
        await journal.backup(backup)
        await journal.accept([NEW])
    command = [sys.executable, "-c", DIES, step, when, str(path), str(backup)]
    killed = await asyncio.to_thread(subprocess.run, command)
    assert killed.returncode == -signal.SIGKILL
    if step == "_look" or (step, when) == ("_swap", "after"):
        with pytest.raises(ConfigError, match="was replaced by a backup") as refusal:
            await size_of(path)
        assert "journal restore" in str(refusal.value.hint)
    else:
        assert await size_of(path) == (1 if step == "sync_folder" else 2)
    await SqliteJournal(path).restore(backup)
    assert await size_of(path) == 1


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path, "drata") as made:
        made.open_lanes([1])
        yield made


async def test_a_journal_is_not_moved_away_from_a_relay_that_accepts(at: Scene, postgres: Database) -> None:
    """What the relay acknowledges stays where it is delivered from. Once the relay has stopped, all of it moves."""
    postgres.empty()
    file, there = at.folder / DEFAULT_JOURNAL, PostgresJournal(postgres.owner)
    acknowledged = 0
    async with at.relay() as relay, aiohttp.ClientSession() as http:
        for tries in range(3):
            with pytest.raises(ConfigError, match="another process has the file open"):
                await move(SqliteJournal(file), there, lambda *_: None)
            for number in range(10):
                body = {"id": f"r{tries}-{number}"}
                async with http.post(f"{relay.origin}/v1/evidence/custom:k1?to=drata", json=body) as answer:
                    assert answer.status == 202, await answer.text()
                    acknowledged += 1
        relay.process.terminate()
        await relay.process.wait()
    await move(SqliteJournal(file), there, lambda *_: None)
    async with opened(there) as journal:
        assert len(await journal.find(Filter(), limit=1_000)) == acknowledged
