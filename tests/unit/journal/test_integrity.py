"""Damage in a journal's file: what opening finds, what a look at all of it finds, and that no backup holds it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from proofport.errors import ConfigError, JournalError
from proofport.journal import opened
from proofport.journal.contract import NewDelivery, NewRun, Sent
from proofport.journal.contract.runs import BatchDone
from proofport.journal.sqlite import SqliteJournal

PAGE = 4096


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite3"


@pytest.fixture
async def journal(path: Path) -> SqliteJournal:
    """Closed, with a thousand lanes and deliveries, and a run that has sent something."""
    async with opened(SqliteJournal(path)) as journal:
        assert isinstance(journal, SqliteJournal)
        payload = b'[{"id":"%b"}]' % (b"x" * 500)
        await journal.accept([NewDelivery(f"lane-{n}", "d", "device", "upsert", payload, 1) for n in range(1_000)])
        run = await journal.claim("lane-1", owner="me", lease=60)
        assert run is not None
        await run.begin(NewRun("run-1", "d", "device", "upsert"))
        await run.batch_done("run-1", BatchDone(0, 1, 1, 1, b"", "[]", Sent(["a"], [7])))
        await run.end("run-1", complete=True, report="{}")
        await run.release()
    return journal


def overwrite(path: Path, table: str, *, kind: str, content: bytes = b"\xff" * PAGE) -> None:
    """Overwrite a page of a table: `kind` is leaf, or internal for one by which others are found."""
    with closing(sqlite3.connect(path)) as db:
        query = "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = ? ORDER BY pageno DESC LIMIT 1 OFFSET 3"
        if kind == "internal":
            query = query.replace(" OFFSET 3", "")
        [(number,)] = db.execute(query, (table, kind)).fetchall()
    with path.open("r+b") as file:
        file.seek((number - 1) * PAGE)
        file.write(content)


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        for statement in statements:
            db.execute(statement)


def without_its_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(100))


def cut_short(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // (2 * PAGE) * PAGE])


@pytest.mark.parametrize(
    "done",
    [
        without_its_header,
        cut_short,
        lambda path: overwrite(path, "lanes", kind="leaf"),
        lambda path: overwrite(path, "lanes", kind="leaf", content=bytes(PAGE)),
        lambda path: overwrite(path, "deliveries", kind="internal"),
    ],
    ids=["header", "length", "lanes", "zeros", "the way to deliveries"],
)
async def test_opening_finds_what_needs_no_look_at_the_whole_file(
    journal: SqliteJournal, path: Path, done: Callable[[Path], None]
) -> None:
    done(path)
    with pytest.raises(ConfigError, match=r"damaged|malformed|not a database") as refusal:
        await SqliteJournal(path).open()
    assert "journal restore" in str(refusal.value.hint)
    assert await journal.damage()


async def test_a_whole_journal_has_no_damage_and_is_copied(journal: SqliteJournal, tmp_path: Path) -> None:
    assert await journal.damage() == []
    await journal.backup(tmp_path / "backup")
    assert await SqliteJournal(tmp_path / "backup").damage() == []


@pytest.mark.parametrize("table", ["deliveries", "deliveries_lane"])
async def test_damage_in_the_middle_is_found_and_not_copied(
    journal: SqliteJournal, path: Path, tmp_path: Path, table: str
) -> None:
    overwrite(path, table, kind="leaf")
    async with opened(SqliteJournal(path)) as reopened:
        assert isinstance(reopened, SqliteJournal)
        assert await reopened.damage()
        with pytest.raises(JournalError, match="damaged, and was not copied") as refusal:
            await reopened.backup(tmp_path / "backup")
    assert "last backup" in str(refusal.value.hint)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["journal.sqlite3"]  # noqa: ASYNC240


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM lanes WHERE lane = 'lane-5'", "of deliveries refers to a row of lanes that is not there"),
        ("UPDATE lanes SET due = NULL WHERE lane = 'lane-5'", "the lane lane-5 sleeps although deliveries wait in it"),
        ("UPDATE sent SET bodies = x'01'", "does not hold 1 ids and bodies"),
        ("UPDATE sent SET ids = x'5b31'", "does not hold 1 ids and bodies"),
        ("UPDATE runs SET memory = '{'", "the run run-1 of d has a memory or inputs that are no JSON"),
        ("INSERT INTO adapter_memory VALUES (1, 1, 'k', '{')", "what is kept as k for the lane lane-0 is no JSON"),
    ],
)
async def test_rows_that_no_version_writes_are_named(
    journal: SqliteJournal, path: Path, statement: str, said: str
) -> None:
    change(path, statement)
    found = await journal.damage()
    assert len(found) == 1, found
    assert said in found[0]
