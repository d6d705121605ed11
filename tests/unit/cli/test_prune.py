"""`journal size` and `journal prune` over a real journal in a file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.support.cli import CommandLine
from tests.support.emulators import block
from tests.support.journals import ask

from proofport.journal.contract import Filter, Journal, NewDelivery
from proofport.journal.sqlite import database

PAYLOAD = b'[{"id":"secret-of-somebody","name":"%s"}]' % (b"x" * 1_000)
AGO = "UPDATE deliveries SET finished = finished - 100 * 86400 WHERE state = 'done'"
DELIVERED, WAITING = 1_000, 3


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    monkeypatch.setenv("COLUMNS", "80")
    shell = CommandLine(tmp_path, {"drata": block("drata")}, instance="t")
    shell.configure()
    assert shell.secrets()
    return shell


@pytest.fixture
def file(shell: CommandLine) -> Path:
    return shell.folder / ".proofport" / "journal.sqlite3"


async def _deliver(journal: Journal) -> None:
    for count in (DELIVERED, WAITING):
        await journal.accept([NewDelivery("a", "drata", "device", "upsert", PAYLOAD, 1)] * count)
        if count == DELIVERED:
            held = await journal.claim("a", owner="me", lease=60)
            assert held is not None
            for each in await held.take(count):
                await held.done(each, "[]")
            await held.release()


def _fill(file: Path) -> None:
    ask(str(file), _deliver)
    with closing(sqlite3.connect(file)) as db:
        db.execute(AGO)
        db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@cache
def _filled() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "journal.sqlite3"
        _fill(file)
        return file.read_bytes()


def filled(file: Path) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(_filled())
    file.chmod(0o600)


def test_the_size_names_what_is_in_it(shell: CommandLine, file: Path) -> None:
    filled(file)
    typed = shell.type("journal", "size")
    assert typed.code == 0
    assert f"{DELIVERED:,}  deliveries: done" in typed.out
    assert f"{WAITING}  deliveries: queued" in typed.out
    assert max(map(len, typed.out.splitlines())) <= 80
    assert "secret-of-somebody" not in typed.out
    size = shell.type("journal", "size", "--json").json
    assert size["bytes"] > DELIVERED * len(PAYLOAD)
    assert size["shrinks"] is True
    assert {"what": "deliveries: done", "rows": DELIVERED, "bytes": DELIVERED * len(PAYLOAD)} in size["holdings"]


def test_a_dry_run_drops_nothing(shell: CommandLine, file: Path) -> None:
    filled(file)
    typed = shell.type("journal", "prune", "--older-than", "90d", "--dry-run")
    assert (typed.code, typed.out.splitlines()[0]) == (0, "This would go:")
    assert f"{DELIVERED:,}  deliveries\n" in typed.out
    assert len(ask(str(file), lambda journal: journal.find(Filter(), limit=9_999))) == DELIVERED + WAITING


def test_the_file_shrinks_and_what_waits_stays(shell: CommandLine, file: Path) -> None:
    filled(file)
    before = file.stat().st_size
    pruned = shell.type("journal", "prune", "--older-than", "90d", "--json").json
    assert pruned["dropped"] == [{"what": "deliveries", "rows": DELIVERED, "bytes": DELIVERED * len(PAYLOAD)}]
    assert pruned["free"] == 0
    assert file.stat().st_size < before / 4
    left = ask(str(file), lambda journal: journal.find(Filter(), limit=9_999))
    assert [each.state for each in left] == ["queued"] * WAITING
    assert shell.type("journal", "check").code == 0
    assert shell.type("journal", "prune", "--older-than", "90d").out == "Nothing is that old.\n"


def test_a_file_of_an_older_version_says_how_it_shrinks(
    shell: CommandLine, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.parent.mkdir()
    with closing(sqlite3.connect(file)) as db:  # as files were made before
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE t (x)")
        db.execute("DROP TABLE t")
        db.execute(f"PRAGMA application_id = {database.APPLICATION_ID}")
    _fill(file)
    before = file.stat().st_size
    typed = shell.type("journal", "prune", "--older-than", "90d")
    assert "`proofport journal prune --rewrite` mends that, once." in typed.words
    assert file.stat().st_size >= before
    typed = shell.type("journal", "prune", "--older-than", "90d", "--rewrite")
    assert (typed.code, "--rewrite" in typed.words) == (0, False)
    assert file.stat().st_size < before / 4
    assert shell.type("journal", "size", "--json").json["shrinks"] is True
    assert shell.type("journal", "check").code == 0


@pytest.mark.parametrize("given", ["0d", "12h", "90", "3w", "-1d", "all"])
def test_what_is_young_cannot_be_pruned(shell: CommandLine, given: str) -> None:
    typed = shell.type("journal", "prune", "--older-than", given)
    assert typed.code == 2
    assert f"found {given!r}, expected a number with s, m, h or d, such as 26h or 2d, at least 1d" in typed.words
