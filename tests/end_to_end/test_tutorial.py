"""The tutorial's commands do what it shows: every line that it prints appears, in that order."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console
from tests.support.cli import Cli
from tests.support.printed import shown, steps

from proofport.cli.push import preview

DOCS = Path(__file__).parents[2] / "docs"
TUTORIAL = (DOCS / "tutorial.md").read_text()


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person sees panels, which a pipe does not get."""
    monkeypatch.setattr(preview, "console", lambda: Console(force_terminal=True, color_system=None, width=80))


def commands(page: str) -> Iterator[tuple[str, list[str]]]:
    for block in re.findall(r"```console\n(.*?)```", page, re.DOTALL):
        yield from steps(block)


def typed(page: str, cli: Cli) -> list[int]:
    """Type every command of a page, and return the exit codes of those of proofport. No request waits for a budget."""
    cli.configure(**{name: {"requests_per_minute": 0} for name in cli.destinations})
    done = []
    for command, expected in commands(page):
        if command.startswith("proofport "):
            code, out, err = cli.type(*shlex.split(command)[1:])
            shown(expected, err + out)
            done.append(code)
        else:
            subprocess.run(["bash", "-ec", command], check=True, cwd=cli.folder)
    return done


def test_every_command(cli: Cli) -> None:
    assert typed(TUTORIAL, cli) == [0, 0, 0, 1, 0, 4, 0, 1, 0]
    assert cli.held("drata", "personnel_account") == {"acct-1", "acct-2", "acct-3"}
    assert cli.held("drata", "cloud_resource") == {"i-0a1", "i-0a2"}


def test_every_command_of_the_page_about_vanta(cli: Cli) -> None:
    assert typed((DOCS / "vanta.md").read_text().partition("## Try it")[2], cli) == [1, 0, 1, 0, 0]
    assert cli.held("vanta", "personnel_account") == {"acct-1", "acct-2"}
