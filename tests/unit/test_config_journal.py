"""`journal:` as a path or a database; a password in its URL is a secret like any other."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from proofport.config import Config
from proofport.errors import ConfigError
from proofport.gateway import Gateway
from proofport.journal import open_journal

PASSWORD = "hunter2-of-the-journal"
URL = f"postgresql://proofport:{PASSWORD}@db.example/proofport"


def written(folder: Path, journal: str) -> Config:
    file = folder / "proofport.yaml"
    file.write_text(f"instance: t\njournal: {journal}\n")
    return Config.load(file)


def test_a_path_lies_beside_the_file(tmp_path: Path) -> None:
    assert written(tmp_path, "state/j.sqlite3").journal == tmp_path / "state" / "j.sqlite3"


def test_a_reference_is_resolved_and_masked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHERE", URL)
    (tmp_path / "where").write_text(f"{URL}\n")
    for reference in ("env:WHERE", "file:where"):
        config = written(tmp_path, reference)
        assert isinstance(config.journal, SecretStr)
        assert config.journal.get_secret_value() == URL
        assert PASSWORD not in repr(config) + str(config) + repr(Gateway(config)) + repr(open_journal(config.journal))
    assert PASSWORD not in repr(Config(instance="t", journal=URL))
    monkeypatch.setenv("WHERE", "elsewhere.sqlite3")
    assert written(tmp_path, "env:WHERE").journal == tmp_path / "elsewhere.sqlite3"


def test_a_url_without_a_password_may_stand_in_the_file(tmp_path: Path) -> None:
    config = written(tmp_path, "postgresql://proofport@db.example/proofport")
    assert isinstance(config.journal, SecretStr)


@pytest.mark.parametrize("journal", [URL, f"'postgres://db.example/p?user=x&password={PASSWORD}'"])
def test_a_password_in_the_file_is_refused_and_not_repeated(tmp_path: Path, journal: str) -> None:
    with pytest.raises(ConfigError, match=r"proofport.yaml:2:1: journal: found a password .* env:NAME") as caught:
        written(tmp_path, journal)
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize(
    ("journal", "said"),
    [
        ("5", "journal: found 5, expected a path"),
        ("env:NOT_SET", "found the environment variable NOT_SET, which is not set"),
        ("mysql://x", "journal: found mysql://, expected a path or postgresql://"),
    ],
)
def test_a_journal_that_cannot_be_is_explained(tmp_path: Path, journal: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        open_journal(written(tmp_path, journal).journal)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://proofport:{PASSWORD}/x@db.example/proofport",
        f"postgresql://proofport:x@{PASSWORD}@db.example/proofport",
        f"postgresql://proofport:x@db.example:{PASSWORD}/proofport",
    ],
)
async def test_a_url_that_cannot_be_read_is_not_repeated(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        await open_journal(url).open()
    assert PASSWORD not in str(caught.value) + repr(caught.value.__cause__)


async def test_a_server_that_is_not_there_is_explained_without_the_password() -> None:
    with pytest.raises(ConfigError, match=r"postgresql://127.0.0.1/proofport cannot be opened") as caught:
        await open_journal(f"postgresql://proofport:{PASSWORD}@127.0.0.1:1/proofport").open()
    assert PASSWORD not in str(caught.value) + repr(caught.value.__cause__)
    assert caught.value.hint is not None


@pytest.mark.parametrize(
    "address",
    [
        f"host=127.0.0.1 port=5432 dbname=kr user=postgres password={PASSWORD}",
        f"password = {PASSWORD}",
        f"postgresql:/app:{PASSWORD}@127.0.0.1/db",
        f"postgres:app:{PASSWORD}",
    ],
)
def test_what_looks_like_an_address_of_a_database_is_no_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """It would become a file whose name is a password."""
    monkeypatch.setenv("OUR_JOURNAL", address)
    with pytest.raises(ConfigError, match="looks like the address of a database") as caught:
        written(tmp_path, "env:OUR_JOURNAL")
    assert PASSWORD not in str(caught.value)
    with pytest.raises(ConfigError, match="looks like the address of a database") as caught:
        open_journal(address)
    assert PASSWORD not in str(caught.value)
    assert [each.name for each in tmp_path.iterdir()] == ["proofport.yaml"]
