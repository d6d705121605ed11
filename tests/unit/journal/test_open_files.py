"""The journal's files under the process that has them open: nothing counts that the next process would not find."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.journals import damage_deliveries

from proofport.errors import ConfigError, JournalError
from proofport.journal import opened
from proofport.journal.contract import Filter, NewDelivery
from proofport.journal.sqlite import SqliteJournal, database, place

NEW = NewDelivery("a", "somewhere", "device", "upsert", b'[{"id":"x"}]', 1)


@pytest.fixture(autouse=True)
def always_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "LOOK_EVERY", 0.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "journal.sqlite3"


@pytest.fixture
async def journal(path: Path) -> AsyncIterator[SqliteJournal]:
    async with opened(SqliteJournal(path)) as journal:
        assert isinstance(journal, SqliteJournal)
        await journal.accept([NEW])
        yield journal


async def count_of(path: Path) -> int:
    async with opened(SqliteJournal(path)) as journal:
        return len(await journal.find(Filter()))


def deleted(path: Path) -> None:
    for file in path.parent.iterdir():
        file.unlink()


def without_its_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


def moved(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))


def is_away(path: Path) -> bool:
    return not path.exists()


def put_back(path: Path) -> None:
    path.with_name("elsewhere").replace(path)


def in_a_moved_folder(path: Path) -> None:
    path.parent.rename(path.parents[1] / "elsewhere")


def without_its_log(path: Path) -> None:
    path.with_name(path.name + "-wal").unlink()


def without_its_index(path: Path) -> None:
    path.with_name(path.name + "-shm").unlink()


def with_an_empty_log(path: Path) -> None:
    os.truncate(path.with_name(path.name + "-wal"), 0)


def replaced(path: Path) -> None:
    with closing(sqlite3.connect(path.with_name("other"))) as db:
        db.execute("CREATE TABLE lanes (lane)")
    path.with_name("other").replace(path)


def replaced_by_its_copy(path: Path) -> None:
    shutil.copyfile(path, path.with_name("copy"))
    path.with_name("copy").replace(path)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def overwritten_at_its_beginning(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"not a journal".ljust(512, b"\n"))


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


DONE = [
    deleted,
    without_its_folder,
    moved,
    in_a_moved_folder,
    without_its_log,
    without_its_index,
    replaced,
    replaced_by_its_copy,
    emptied,
    overwritten_at_its_beginning,
]


@pytest.mark.parametrize("done", DONE, ids=lambda done: done.__name__)
async def test_nothing_is_acknowledged_or_shown_that_the_next_process_would_not_find(
    journal: SqliteJournal, path: Path, done: Callable[[Path], None]
) -> None:
    run = await journal.claim(owner="me", lease=60)
    assert run is not None
    done(path)
    for asked in (journal.accept([NEW]), run.renew(), journal.permit("budget", per_minute=60, burst=1)):
        with pytest.raises(JournalError, match=r"deleted, moved, emptied or replaced|damaged|no journal") as refusal:
            await asked
        assert "journal restore" in str(refusal.value.hint)
    for looked in (journal.lanes(), run.take(1), journal.known_count("a", "device")):
        with pytest.raises(JournalError):
            await looked


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_file_that_is_put_back_is_used_again(journal: SqliteJournal, path: Path, *, at_once: bool) -> None:
    moved(path)
    with pytest.raises(JournalError):
        await journal.accept([NEW])
    if not at_once:
        emptied(path)
        with pytest.raises(JournalError):
            await journal.lanes()
    put_back(path)
    await journal.accept([NEW])
    assert len(await journal.find(Filter())) == 2
    await journal.close()
    assert await count_of(path) == 2


async def test_no_empty_file_is_left_where_the_journal_was(journal: SqliteJournal, path: Path) -> None:
    deleted(path)
    for asked in (journal.lanes(), journal.known_count("a", "device"), journal.accept([NEW])):
        with pytest.raises(JournalError):
            await asked
    assert files_in(path.parent) == []


async def test_a_journal_that_was_emptied_keeps_its_log(journal: SqliteJournal, path: Path) -> None:
    """What is not in the file yet is in there, and whoever opens an empty file removes it."""
    emptied(path)
    with pytest.raises(JournalError, match="emptied"):
        await journal.accept([NEW])
    assert [each.name for each in files_in(path.parent)].count(path.name + "-wal") == 1


async def test_nothing_is_acknowledged_behind_a_hole_in_the_log(journal: SqliteJournal, path: Path) -> None:
    with_an_empty_log(path)
    for _ in range(2):
        with pytest.raises(JournalError, match="-wal was deleted, moved, emptied or replaced"):
            await journal.accept([NEW])


async def test_a_checkpoint_of_another_program_may_empty_the_log(journal: SqliteJournal, path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    await journal.accept([NEW])
    assert await journal.damage() == []


async def test_a_link_that_leads_elsewhere_is_another_journal(tmp_path: Path, path: Path) -> None:
    async with opened(SqliteJournal(path)), opened(SqliteJournal(tmp_path / "other")):
        pass
    link = tmp_path / "link"
    link.symlink_to(path)
    async with opened(SqliteJournal(link)) as journal:
        await journal.accept([NEW])
        link.unlink()
        link.symlink_to(tmp_path / "other")
        with pytest.raises(JournalError, match="link was deleted, moved"):
            await journal.accept([NEW])


async def test_a_clean_stop_saves_what_is_in_a_log_that_was_deleted(path: Path) -> None:
    journal = SqliteJournal(path)
    await journal.open()
    await journal.accept([NEW])
    without_its_log(path)
    await journal.close()
    assert await count_of(path) == 1


async def test_a_link_is_watched_where_it_leads(tmp_path: Path, path: Path) -> None:
    path.parent.mkdir()
    link = tmp_path / "link"
    link.symlink_to(path)
    async with opened(SqliteJournal(path)):
        pass
    async with opened(SqliteJournal(link)) as journal:
        await journal.accept([NEW])
        path.with_name(path.name + "-wal").rename(tmp_path / "away")
        with pytest.raises(JournalError, match="-wal was deleted"):
            await journal.accept([NEW])


async def test_damage_that_was_met_ends_all_writing(path: Path) -> None:
    async with opened(SqliteJournal(path)) as journal:
        await journal.accept([NEW] * 2_000)
    damage_deliveries(path)
    async with opened(SqliteJournal(path)) as journal:
        with pytest.raises(JournalError, match="damaged"):
            await journal.find(Filter(), limit=5_000)
        for _ in range(2):
            with pytest.raises(JournalError, match="damaged") as refusal:
                await journal.accept([NEW])
            assert "journal restore" in str(refusal.value.hint)


async def test_a_journal_that_is_moved_before_it_is_held_is_not_begun_anew(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    def then_moved(path: Path, *, durable: bool) -> None:
        database.create(path, durable=durable)
        moved(path)

    monkeypatch.setattr("proofport.journal.sqlite.journal.create", then_moved)
    with pytest.raises(ConfigError):
        await SqliteJournal(path).open()
    assert [each.name for each in files_in(path.parent)] == ["elsewhere"]


async def test_no_new_file_takes_the_log_of_one_that_is_away(journal: SqliteJournal, path: Path) -> None:
    """Another command, typed while the file is away, must not lose what a running relay has acknowledged."""
    moved(path)
    with pytest.raises(ConfigError, match="holds what was written last"):
        await SqliteJournal(path).open()
    assert is_away(path)
    put_back(path)
    assert await count_of(path) == 1
