"""Whatever a command shows on a terminal, nothing in it commands the terminal but our own colours."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests.support.cli import ACCOUNTS, BOTH, DRATA, SNAPSHOT, Cli

from proofport.cli.output import plain

SOURCES = Path(__file__).parents[2] / "src" / "proofport" / "cli"
STYLE = re.compile(r"\x1b\[(0|1|2|22|3[1-7])m")
HOSTILE = "x\x1b]0;owned\x07\x1b[8m\x9b31m\u202e\x7f"
MAPPING = {
    "mapping": f"sources/hostile{HOSTILE}",
    "to": {"evidence": "personnel_account"},
    "fields": {"id": "$.id"},
    "tests": [{"name": HOSTILE, "input": {"id": HOSTILE}, "expect": [{"id": "another"}]}],
}


@pytest.fixture
def hostile(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Ids, times, addresses, file names and mappings with escapes, on a terminal."""
    monkeypatch.setattr("click.utils.should_strip_ansi", lambda *_: False)
    (cli.folder / "mine" / "sources").mkdir(parents=True)
    cli.write("mine/sources/hostile.yaml", json.dumps(MAPPING))
    cli.configure(mappings="mine")
    good = {"id": f"a{HOSTILE}", "email": "a@example.com", "active": True}
    cli.write(
        "hostile.ndjson", good, {"id": f"b{HOSTILE}", HOSTILE: 1}, {"id": f"c{HOSTILE}", "last_login_at": HOSTILE}
    )
    cli.write("fewer.ndjson", {"id": "z", "email": "z@example.com", "active": True})
    return cli


def obeyed(text: str) -> str:
    """What is left that a terminal would obey."""
    rest = STYLE.sub("", text)
    return "" if plain(rest) == rest else rest


def test_no_command_gives_it_anything_to_obey(hostile: Cli) -> None:
    push = ("push", "hostile.ndjson", *ACCOUNTS)
    lines = [
        (*push, *BOTH),
        (*push, *BOTH, "--json"),
        ("plan", "fewer.ndjson", *ACCOUNTS, *BOTH, *SNAPSHOT),
        ("push", "fewer.ndjson", *ACCOUNTS, *DRATA, *SNAPSHOT),
        ("preview", "hostile.ndjson", *ACCOUNTS, "--limit", "3"),
        ("verify", "drata", *ACCOUNTS),
        ("mapping", "list"),
        ("mapping", "check"),
        ("mapping", "test", "mine/sources/hostile.yaml"),
        ("status",),
        ("status", HOSTILE),
        ("resume", HOSTILE),
        ("dead-letter", "list", "--lane", HOSTILE),
        ("key", "create", HOSTILE),
        ("key", "list"),
        ("key", "revoke", HOSTILE),
        ("push", HOSTILE, *ACCOUNTS, *BOTH),
        ("push", f"{HOSTILE}=hostile.ndjson", *BOTH),
        ("call", "drata", HOSTILE),
        ("verify", HOSTILE, *ACCOUNTS),
        (HOSTILE,),
        ("push", f"--{HOSTILE}"),
    ]
    shown = {line: hostile.type(*line) for line in lines}
    assert [line for line, typed in shown.items() if obeyed(typed.out + typed.err)] == []


def test_one_door_leads_out() -> None:
    """Text is printed by `output`, which looks at it, and by rich, whose text is made plain before.

    The package's front door prints nothing but the version.
    """
    others = [file for file in SOURCES.rglob("*.py") if re.search(r"click\.s?echo\(|\bprint\(", file.read_text())]
    assert {str(file.relative_to(SOURCES)) for file in others} == {"__init__.py", "output.py", "push/preview.py"}
    assert re.findall(r"\bprint\((.*)\)  #", (SOURCES / "__init__.py").read_text()) == ['f"proofport {__version__}"']
