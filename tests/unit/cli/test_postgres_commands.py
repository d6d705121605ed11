"""`journal migrate`, `journal backup` and `worker` with a journal on PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from tests.support.postgres import Database

from proofport.cli import app
from proofport.journal import open_journal
from proofport.journal.contract import Filter, NewDelivery
from proofport.journal.sqlite import SqliteJournal


@pytest.fixture
def url(postgres: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    postgres.empty()
    monkeypatch.setenv("JOURNAL", postgres.owner)
    (tmp_path / "proofport.yaml").write_text("instance: t\njournal: env:JOURNAL\n")
    return postgres.owner


def typed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = app.run(arguments)
    out, err = capsys.readouterr()
    return code, " ".join((out + err).split())


def queue_one(file: Path) -> None:
    async def accept() -> None:
        journal = SqliteJournal(file)
        await journal.open()
        await journal.accept([NewDelivery("a", "d", "device", "upsert", b"[]", 1)])
        await journal.close()

    asyncio.run(accept())


def test_migrate_makes_the_tables_and_says_when_there_is_nothing_to_do(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = typed(capsys, "journal", "migrate")
    assert (code, said.endswith(": up to date")) == (0, True), said
    with psycopg.connect(url, autocommit=True) as db:
        newest = db.execute("SELECT max(name) FROM journal_scripts WHERE name LIKE 'proc%'").fetchone()
        db.execute("UPDATE journal_scripts SET name = 'later' WHERE name = %s", newest)
        try:
            code, said = typed(capsys, "status")
            assert (code, "made by a newer proofport (it has later)" in said) == (2, True), said
            db.execute("DELETE FROM journal_scripts WHERE name = 'later'")
            code, said = typed(capsys, "status")
            assert (code, "is older than this proofport" in said, "journal migrate" in said) == (2, True, True), said
        finally:
            db.execute("DELETE FROM journal_scripts WHERE name = 'later'")
            db.execute("INSERT INTO journal_scripts (name) VALUES (%s)", newest)
        db.execute("ALTER TABLE journal_scripts RENAME TO away")
        try:
            code, said = typed(capsys, "status")
            assert (code, "there is no journal in" in said, "journal migrate" in said) == (2, True, True), said
            code, said = typed(capsys, "journal", "migrate")
            assert (code, "holds something else already" in said) == (2, True), said
        finally:
            db.execute("ALTER TABLE away RENAME TO journal_scripts")
    assert typed(capsys, "status")[0] == 0


def test_a_file_is_moved_and_cannot_be_used_twice(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    queue_one(Path("old.sqlite3"))
    code, said = typed(capsys, "journal", "migrate", "--from", "old.sqlite3")
    assert (code, "1 of 1: a" in said, "is called old.sqlite3.moved now" in said) == (0, True, True), said
    code, said = typed(capsys, "journal", "migrate", "--from", "old.sqlite3")
    assert (code, "there is no journal" in said) == (2, True), said

    async def found() -> int:
        journal = open_journal(url)
        await journal.open()
        try:
            return len(await journal.find(Filter(state="queued")))
        finally:
            await journal.close()

    assert asyncio.run(found()) == 1


def test_migrate_is_for_databases(tmp_path: Path, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "proofport.yaml").write_text("instance: t\n")
    code, said = typed(capsys, "journal", "migrate")
    assert (code, "is migrated whenever it is opened" in said) == (2, True), said


def test_backup_names_the_tool_of_the_database(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = typed(capsys, "journal", "backup", "copy")
    assert (code, "pg_dump" in said) == (2, True), said
    assert not Path("copy").exists()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_runs_until_it_is_told_to_stop(url: str, stop: signal.Signals) -> None:
    command = [sys.executable, "-c", "import sys; from proofport.cli import main; sys.exit(main())", "worker"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "JOURNAL": url}) as process:
        assert process.stderr is not None
        began = process.stderr.readline()
        process.send_signal(stop)
        assert (began, process.stderr.read()) == ("delivering; Ctrl-C stops it\n", "stopped\n")
    assert process.returncode == 0
