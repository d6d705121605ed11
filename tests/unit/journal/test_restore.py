"""Restoring a journal from its backup, and refusing to where it is in use, damaged or no journal."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.journal_contract.receipts import receipt_after
from tests.support.cli import CommandLine
from tests.support.journals import used
from tests.support.postgres import Database

from proofport.errors import ConfigError, UsageError
from proofport.journal import opened
from proofport.journal.contract import PERHAPS_OVERWRITTEN, BatchDone, Filter, Known, LogHead, NewDelivery, NewRun, Sent
from proofport.journal.postgres import PostgresJournal
from proofport.journal.sqlite import SqliteJournal

NEW = NewDelivery("a", "somewhere", "device", "upsert", b"[]", 3)


async def backed_up(path: Path) -> Path:
    """A journal with one delivery queued and one id delivered, its backup, and one delivery more in the journal."""
    backup = path.with_name("backup")
    async with opened(SqliteJournal(path)) as journal:
        assert isinstance(journal, SqliteJournal)
        await journal.accept([NEW])
        lane = await journal.claim("a", owner="me", lease=60)
        assert lane is not None
        await lane.begin(NewRun("r1", "there", "device", "upsert"))
        await lane.batch_done("r1", BatchDone(0, 1, 1, 1, b"", "[]", Sent(["d-1"], [77])))
        await lane.end("r1", complete=True, report="{}")
        await lane.begin(NewRun("r2", "there", "device", "upsert"))
        await lane.release()
        await journal.backup(backup)
        await journal.accept([NEW])
    return backup


async def deliveries(path: Path) -> int:
    async with opened(SqliteJournal(path)) as journal:
        return len(await journal.find(Filter()))


async def test_a_backup_takes_the_place_of_a_journal_that_was_emptied(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    backup = await backed_up(path)
    path.write_bytes(b"")
    with pytest.raises(ConfigError, match="is an empty file"):
        await deliveries(path)
    await SqliteJournal(path).restore(backup)
    assert await deliveries(path) == 1


async def test_the_journal_is_that_of_the_backup_and_says_what_is_sent_again(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    backup = await backed_up(path)
    restored = await SqliteJournal(path).restore(backup)
    assert (restored.deliveries, restored.records, restored.lanes) == (1, 3, 1)
    assert restored.open_runs == ["r2"]
    assert restored.replaced is not None
    assert await deliveries(path) == 1
    assert backup.exists()
    assert path.stat().st_mode & 0o077 == 0


async def test_nothing_counts_as_unchanged_afterwards(tmp_path: Path) -> None:
    """The vendors may hold what was delivered after the backup."""
    path = tmp_path / "journal.sqlite3"
    await SqliteJournal(path).restore(await backed_up(path))
    async with opened(SqliteJournal(path)) as journal:
        assert await journal.known("a", "device", ["d-1"]) == [Known(PERHAPS_OVERWRITTEN, 0.0)]


async def test_what_was_replaced_is_not_used_any_more_and_can_be_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    restored = await SqliteJournal(path).restore(await backed_up(path))
    assert restored.replaced is not None
    with pytest.raises(ConfigError, match="was replaced by a backup"):
        await SqliteJournal(restored.replaced).open()
    await SqliteJournal(path).restore(restored.replaced)
    assert await deliveries(path) == 2


async def test_a_journal_that_is_open_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    backup = await backed_up(path)
    with used(path), pytest.raises(ConfigError, match="in use: another process has the file open"):
        await SqliteJournal(path).restore(backup)
    assert await deliveries(path) == 2


@pytest.mark.parametrize("start", [0, 4096], ids=["all of it", "behind its first page"])
async def test_a_damaged_journal_with_files_beside_it_is_replaced(tmp_path: Path, start: int) -> None:
    path = tmp_path / "journal.sqlite3"
    backup = await backed_up(path)
    content = path.read_bytes()
    path.write_bytes(content[:start].ljust(len(content), b"\xff"))
    for name in ("-wal", "-shm"):
        path.with_name(path.name + name).write_bytes(b"of the damaged journal" * 100)
    await SqliteJournal(path).restore(backup)
    assert await deliveries(path) == 1


async def test_a_damaged_journal_that_is_open_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    backup = await backed_up(path)
    with used(path):
        path.write_bytes(b"\xff" * path.stat().st_size)
        with pytest.raises(ConfigError, match="in use"):
            await SqliteJournal(path).restore(backup)


async def test_a_lost_journal_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "disk" / "journal.sqlite3"
    path.parent.mkdir()
    backup = (await backed_up(path)).rename(tmp_path / "backup")
    path.unlink()
    restored = await SqliteJournal(path).restore(backup)
    assert restored.replaced is None
    assert await deliveries(path) == 1


async def test_a_copy_made_by_hand_with_the_file_beside_it_is_whole(tmp_path: Path) -> None:
    path, copy = tmp_path / "journal.sqlite3", tmp_path / "copy"
    async with opened(SqliteJournal(path)) as journal:
        await journal.accept([NEW] * 2)
        for name in ("", "-wal"):
            copy.with_name(copy.name + name).write_bytes(path.with_name(path.name + name).read_bytes())
    await SqliteJournal(path).restore(copy)
    assert await deliveries(path) == 2
    assert copy.with_name("copy-wal").exists(), "the backup stays as it is"


def damaged(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2].ljust(len(content), b"\xff"))


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 999")


def other(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t (x)")


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (damaged, "is damaged"),
        (newer, "written by a newer proofport"),
        (other, "not a journal"),
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: path.write_bytes(b"id,email\n" * 100), "no journal"),
        (Path.unlink, "No such file"),
    ],
    ids=["damaged", "newer", "another database", "empty", "a table", "not there"],
)
async def test_what_is_no_whole_journal_changes_nothing(tmp_path: Path, spoil: object, found: str) -> None:
    path = tmp_path / "journal.sqlite3"
    backup = await backed_up(path)
    assert callable(spoil)
    spoil(backup)
    with pytest.raises(UsageError, match=found):
        await SqliteJournal(path).restore(backup)
    assert await deliveries(path) == 2
    assert {file.name for file in tmp_path.iterdir()} <= {"journal.sqlite3", "backup"}  # noqa: ASYNC240


def test_a_database_that_was_restored_is_noted(
    postgres: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Receipts get numbers that were not given before, and what was delivered counts as perhaps overwritten."""
    url = postgres.empty()

    async def delivered() -> LogHead:
        async with opened(PostgresJournal(url)) as journal:
            lane = await journal.claim("a", owner="me", lease=60)
            assert lane is not None
            await lane.begin(NewRun("r1", "there", "device", "upsert"))
            await lane.batch_done("r1", BatchDone(0, 1, 1, 1, b"", "[]", Sent(["d-1"], [77])))
            await lane.end("r1", complete=True, report="{}")
            assert await journal.known("a", "device", ["d-1"]) == [Known(77, 0.0)]
            head = await journal.log_head()
            assert await journal.add_receipt(receipt_after(head), after=0)
            return head

    async def gone_on(before: LogHead) -> None:
        async with opened(PostgresJournal(url)) as journal:
            assert await journal.known("a", "device", ["d-1"]) == [Known(PERHAPS_OVERWRITTEN, 0.0)]
            head = await journal.log_head()
            assert (head.size, head.sequence) == (1, 0)
            assert head.branch != before.branch
            assert await journal.add_receipt(receipt_after(head, "r2"), after=1)
            assert [branch.size for branch in await journal.branches()] == [0, 1]

    before = asyncio.run(delivered())
    monkeypatch.setenv("PROOFPORT_JOURNAL", url)
    line = CommandLine(tmp_path, {}, instance="test", journal="env:PROOFPORT_JOURNAL")
    line.configure()
    assert line.type("journal", "restored").code == 0
    asyncio.run(gone_on(before))
    line.configure(journal="journal.sqlite3")
    typed = line.type("journal", "restored")
    assert typed.code == 2
    assert "proofport journal restore FILE" in typed.words
