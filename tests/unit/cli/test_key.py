"""`proofport key` over a real journal: what it prints is a key that works, and the journal never holds the secret."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from proofport.cli import app
from proofport.journal.contract import AccessKey
from proofport.journal.sqlite import SqliteJournal
from proofport.relay.access import keys

CONFIGURATION = """\
instance: t
journal: j.sqlite3
destinations: {prod: {adapter: drata}}
tenants: {acme: {destinations: {eu: {adapter: drata}}}}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "proofport.yaml").write_text(CONFIGURATION)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("PROOFPORT_CONFIG", raising=False)
    return tmp_path


@pytest.fixture
def created(capsys: pytest.CaptureFixture[str]) -> Any:
    def create(*arguments: str) -> dict[str, Any]:
        assert app.run(["key", "create", *arguments, "--json"]) == 0
        made: dict[str, Any] = json.loads(capsys.readouterr().out)
        return made

    return create


def found(token: str) -> AccessKey | None:
    """The key that a relay would find behind a token."""

    async def look() -> AccessKey | None:
        journal = SqliteJournal("j.sqlite3")
        await journal.open()
        parsed = keys.parsed(token)
        assert parsed is not None
        key = await keys.KeyRing(journal).find(parsed)
        await journal.close()
        return key

    return asyncio.run(look())


def test_the_key_stands_alone_on_stdout_and_works(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    assert app.run(["key", "create", "the web hook"]) == 0
    shown = capsys.readouterr()
    token = shown.out.removesuffix("\n")
    key = found(token)
    assert key is not None
    assert (key.name, key.tenant, key.destinations, key.kinds) == ("the web hook", "default", None, None)
    assert (key.may_read, key.may_write, key.expires) == (True, True, None)
    assert "shown only once" in shown.err
    secret = token.rpartition("_")[2].encode()
    assert not any(secret in file.read_bytes() for file in folder.iterdir())


def test_what_it_may_do_is_kept(created: Any) -> None:
    made = created("ci", "--tenant", "acme", "--to", "eu", "--kind", "device", "--kind", "custom:x", "--write-only")
    key = found(made["key"])
    assert key is not None
    assert (key.tenant, key.destinations, key.kinds) == ("acme", ["eu"], ["device", "custom:x"])
    assert (key.may_read, key.may_write) == (False, True)


@pytest.mark.parametrize(("text", "seconds"), [("12h", 12 * 3600), ("90d", 90 * 86400)])
def test_it_expires_after_a_while(created: Any, text: str, seconds: int) -> None:
    key = found(created("ci", "--expires", text)["key"])
    assert key is not None
    assert key.expires == pytest.approx(time.time() + seconds, abs=60)


def test_it_expires_at_the_beginning_of_a_day(created: Any) -> None:
    assert created("ci", "--expires", "2999-01-31")["expires"] == "2999-01-31T00:00:00Z"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x", "--tenant", "acm"], "Did you mean 'acme'?"),
        (["x", "--tenant", "acme", "--to", "prod"], "acme has no destination 'prod'; it has eu"),
        (["x", "--to", "@acme/eu"], "default has no destination '@acme/eu'; it has prod"),
        (["x", "--kind", "devise"], "there is no kind 'devise'"),
        (["x", "--expires", "soon"], "found 'soon', expected 90d, 12h or 2030-01-31"),
        (["x", "--expires", "2020-01-01"], "2020-01-01 is in the past"),
        (["x", "--read-only", "--write-only"], "leave nothing"),
        ([" "], "NAME must not be empty"),
    ],
)
def test_mistakes_make_no_key(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    assert app.run(["key", "create", *arguments]) == 2
    assert message in capsys.readouterr().err
    app.run(["key", "list", "--json"])
    assert json.loads(capsys.readouterr().out) == []


def test_the_list_fits_and_says_what_each_may_do(created: Any, capsys: pytest.CaptureFixture[str]) -> None:
    app.run(["key", "list"])
    assert "There is no key" in capsys.readouterr().out
    long = created("the web hook of the billing team in Frankfurt am Main, Germany, behind the proxy", "--to", "prod")
    created("other", "--tenant", "acme", "--read-only", "--expires", "2999-01-31")
    app.run(["key", "list"])
    lines = capsys.readouterr().out.splitlines()
    text = " ".join(line.strip() for line in lines)
    assert max(map(len, lines)) <= 80
    assert f"{long['prefix']}  the web hook" in text
    assert "tenant default; reads and writes every kind at prod; never expires, not used yet" in text
    assert "tenant acme; reads every kind at every destination; expires 2999-01-31T00:00:00Z" in text
    assert long["key"] not in text
    app.run(["key", "list", "--tenant", "acme", "--json"])
    assert [key["name"] for key in json.loads(capsys.readouterr().out)] == ["other"]


@pytest.mark.parametrize("whole", [True, False])
def test_a_revoked_key_is_refused_and_stays_listed(
    created: Any, capsys: pytest.CaptureFixture[str], whole: bool
) -> None:
    made, other = created("one"), created("two")
    assert app.run(["key", "revoke", made["key" if whole else "prefix"]]) == 0
    assert made["key"] not in capsys.readouterr().out
    assert found(made["key"]) is None
    assert found(other["key"]) is not None
    app.run(["key", "list", "--json"])
    assert [bool(key["revoked"]) for key in json.loads(capsys.readouterr().out)] == [True, False]


def test_revoking_what_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["key", "revoke", "pp_nobody"]) == 2
    assert "there is no key pp_nobody" in capsys.readouterr().err


def test_no_relay_listens_for_everybody_while_nobody_has_a_key(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = asyncio.Event()
    stopped.set()
    monkeypatch.setattr("proofport.cli.service.stop_signal", lambda: stopped)
    assert app.run(["relay", "--host", "0.0.0.0", "--port", "0"]) == 2
    told = capsys.readouterr()
    assert "the relay would listen on 0.0.0.0 for everybody: there is no key yet" in " ".join(told.err.split())
    assert "proofport key create" in told.err
    assert "listening" not in told.out
