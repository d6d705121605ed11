"""`python:package.module:function` as an input: only from the command line, and with its own word on being whole."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.cli import ACCOUNTS, DRATA, SNAPSHOT, Cli
from tests.support.relay import Relay

MODULE = """
import os, sqlite3

async def members():
    for number in range(3):
        yield {"login": f"u{number}", "id": number}

def accounts():
    connection = sqlite3.connect(":memory:")
    return connection.execute("SELECT '1' AS id, 'ana@example.com' AS email UNION SELECT '2', 'bo@example.com'")

def broken():
    yield {"id": "1", "email": "ana@example.com"}
    raise ConnectionError("no answer to Bearer " + os.environ["HR_TOKEN"])
"""
MAPPING = """
mapping: sources/github.members
to: {evidence: personnel_account}
fields:
  id: {path: $.id, as: string}
  username: $.login
  email: {template: "{$.login}@example.com"}
"""


@pytest.fixture
def module(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    cli.write("my_exports.py", MODULE)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("HR_TOKEN", "hunter-hunter-22")
    yield "python:my_exports"
    sys.modules.pop("my_exports", None)


def test_what_a_function_gives_is_pushed(cli: Cli, module: str) -> None:
    code, report = cli.report("push", f"{module}:accounts", *ACCOUNTS, *DRATA, *SNAPSHOT)
    assert (code, cli.held("drata", "personnel_account")) == (0, {"1", "2"})
    assert report["sources"] == [{"input": f"{module}:accounts", "read": 2, "incomplete": None}]


@pytest.mark.parametrize("command", ["push", "plan"])
def test_it_has_no_age_and_that_is_said(cli: Cli, module: str, command: str) -> None:
    typed = cli.type(command, f"{module}:accounts", *ACCOUNTS, *DRATA, *SNAPSHOT, "--max-input-age", "1s")
    assert typed.code == 0
    assert f"{module}:accounts has no age: it is no file, so the limit on the age of inputs was not" in typed.words


def test_a_source_mapping_reads_it(cli: Cli, module: str) -> None:
    (cli.folder / "mappings" / "sources").mkdir(parents=True)
    cli.write("mappings/sources/github.members.yaml", MAPPING)
    cli.configure(mappings=str(cli.folder / "mappings"))
    typed = cli.type("push", f"github.members={module}:members", *DRATA)
    assert (typed.code, cli.held("drata", "personnel_account")) == (0, {"0", "1", "2"}), typed
    shown = cli.type("preview", f"github.members={module}:members", "--limit", "2", "--json").json
    assert [each["id"] for each in shown] == ["0", "1"]


def test_one_that_fails_is_not_a_whole_set_and_shows_no_secret(cli: Cli, module: str) -> None:
    typed = cli.type("push", f"{module}:broken", *ACCOUNTS, *DRATA, *SNAPSHOT)
    assert typed.code == 4
    assert "failed after record 1: ConnectionError: no answer to Bearer [secret]" in typed.words
    assert "hunter" not in typed.words
    code, report = cli.report("push", f"{module}:broken", *ACCOUNTS, *DRATA)
    assert (code, report["destinations"]["drata"]["delivered"]) == (1, 1)


async def test_the_relay_runs_none(relay: Relay, module: str) -> None:
    body: Any = {"source": f"{module}:accounts"}
    answer = await relay.post(body, f"to=drata&source={module}:accounts", kind="personnel_account")
    assert answer.status in (400, 404, 422)
    assert "my_exports" not in sys.modules
