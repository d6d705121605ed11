"""`journal migrate`, `journal backup` and `worker` with a journal on PostgreSQL."""

from __future__ import annotations

import signal
from pathlib import Path
from subprocess import PIPE

import psycopg
import pytest
from tests.support.cli import CommandLine
from tests.support.journals import ask
from tests.support.postgres import Database
from tests.support.programs import program

from proofport.journal.contract import Filter, Journal, NewDelivery


@pytest.fixture
def cli(postgres: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    postgres.empty()
    monkeypatch.setenv("JOURNAL", postgres.owner)
    cli = CommandLine(tmp_path, {}, instance="t")
    cli.configure(journal="env:JOURNAL")
    return cli


def said(cli: CommandLine, *arguments: str) -> tuple[int, str]:
    typed = cli.type(*arguments)
    return typed.code, typed.words


def test_migrate_makes_the_tables_and_says_when_there_is_nothing_to_do(cli: CommandLine, postgres: Database) -> None:
    code, words = said(cli, "journal", "migrate")
    assert (code, words.endswith(": up to date")) == (0, True), words
    with psycopg.connect(postgres.owner, autocommit=True) as db:
        newest = db.execute("SELECT max(name) FROM journal_scripts WHERE name LIKE 'proc%'").fetchone()
        db.execute("UPDATE journal_scripts SET name = 'later' WHERE name = %s", newest)
        try:
            code, words = said(cli, "status")
            assert (code, "made by a newer proofport (it has later)" in words) == (2, True), words
            db.execute("DELETE FROM journal_scripts WHERE name = 'later'")
            code, words = said(cli, "status")
            assert (code, "is older than this proofport" in words, "journal migrate" in words) == (2, True, True), words
        finally:
            db.execute("DELETE FROM journal_scripts WHERE name = 'later'")
            db.execute("INSERT INTO journal_scripts (name) VALUES (%s)", newest)
        db.execute("ALTER TABLE journal_scripts RENAME TO away")
        try:
            code, words = said(cli, "status")
            assert (code, "there is no journal in" in words, "journal migrate" in words) == (2, True, True), words
            code, words = said(cli, "journal", "migrate")
            assert (code, "holds something else already" in words) == (2, True), words
        finally:
            db.execute("ALTER TABLE away RENAME TO journal_scripts")
    assert said(cli, "status")[0] == 0


def test_a_file_is_moved_and_cannot_be_used_twice(cli: CommandLine, postgres: Database) -> None:
    delivery = NewDelivery("a", "d", "device", "upsert", b"[]", 1)
    ask(str(cli.folder / "old.sqlite3"), lambda journal: journal.accept([delivery]))
    code, words = said(cli, "journal", "migrate", "--from", "old.sqlite3")
    assert (code, "1 of 1: a" in words, "is called old.sqlite3.moved now" in words) == (0, True, True), words
    code, words = said(cli, "journal", "migrate", "--from", "old.sqlite3")
    assert (code, "there is no journal" in words) == (2, True), words

    assert len(ask(postgres.owner, lambda journal: journal.find(Filter(state="queued")))) == 1


def test_what_is_old_is_pruned(cli: CommandLine, postgres: Database) -> None:
    async def cancelled(journal: Journal) -> None:
        await journal.accept([NewDelivery("a", "d", "device", "upsert", b"[]", 1)])
        await journal.cancel(Filter(), "a mistake")
        await journal.accept([NewDelivery("a", "d", "device", "upsert", b"[]", 1)])

    ask(postgres.owner, cancelled)
    code, words = said(cli, "journal", "size")
    assert (code, "2 bytes 1 deliveries: queued" in words, "free" in words) == (0, True, False), words
    assert said(cli, "journal", "prune", "--older-than", "1d") == (0, "Nothing is that old.")
    with psycopg.connect(postgres.owner, autocommit=True) as db:
        db.execute("UPDATE deliveries SET finished = finished - 90000")
    code, words = said(cli, "journal", "prune", "--older-than", "1d")
    assert (code, "2 bytes 1 deliveries" in words) == (0, True), words
    assert [each.state for each in ask(postgres.owner, lambda journal: journal.find(Filter()))] == ["queued"]
    code, words = said(cli, "journal", "prune", "--older-than", "1d", "--rewrite")
    assert (code, "VACUUM FULL" in words) == (2, True), words


def test_migrate_is_for_databases(cli: CommandLine) -> None:
    cli.configure()
    code, words = said(cli, "journal", "migrate")
    assert (code, "is migrated whenever it is opened" in words) == (2, True), words


def test_backup_names_the_tool_of_the_database(cli: CommandLine) -> None:
    code, words = said(cli, "journal", "backup", "copy")
    assert (code, "pg_dump" in words) == (2, True), words
    assert not (cli.folder / "copy").exists()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_runs_until_it_is_told_to_stop(cli: CommandLine, stop: signal.Signals) -> None:
    with program("worker", cwd=cli.folder, stderr=PIPE) as process:
        assert process.stderr is not None
        began = process.stderr.readline()
        process.send_signal(stop)
        assert (began, process.stderr.read()) == ("delivering; Ctrl-C stops it\n", "stopped\n")
    assert process.returncode == 0
