"""A stdout or stderr that takes nothing: the delivery goes on, and the exit code is that of the run."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest
from tests.support.cli import ACCOUNTS, DRATA, Cli
from tests.support.evidence import personnel_account
from tests.support.forked import new

FULL = Path("/dev/full")
PUSH = ("push", "all.ndjson", *ACCOUNTS, *DRATA)
full = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")


@pytest.fixture
def three(cli: Cli) -> Cli:
    cli.write("all.ndjson", *(personnel_account(n) for n in range(3)))
    return cli


def typed(cli: Cli, *arguments: str, stdout: IO[bytes] | int, shell: str = '"$@"') -> tuple[int, str]:
    """The exit code, and what stands on stderr."""
    command = ["bash", "-c", shell, "bash", *new("proofport", *arguments)]
    done = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60, cwd=cli.folder)
    cli.is_clean(done.stderr)
    return done.returncode, " ".join(done.stderr.split())


@full
@pytest.mark.parametrize("form", [(), ("--json",)], ids=["text", "json"])
def test_a_full_stdout_is_told_with_what_the_run_did(three: Cli, form: tuple[str, ...]) -> None:
    with FULL.open("wb") as stdout:
        code, said = typed(three, *PUSH, *form, stdout=stdout)
    assert code == 1
    words = re.fullmatch(r"Error: the result cannot be written to stdout: (.+)\. Run (\w+) has ended\. (.+)", said)
    assert words is not None, said
    assert words[1] == "No space left on device"
    assert words[3] == "drata confirmed 3."
    assert three.type("status", words[2]).code == 0
    assert three.held("drata", "personnel_account") == {"a0", "a1", "a2"}


@full
def test_a_run_that_fails_keeps_its_exit_code(three: Cli) -> None:
    three.write("none.ndjson")
    with FULL.open("wb") as stdout:
        assert typed(three, "push", "none.ndjson", *PUSH[2:], "--mode", "snapshot", stdout=stdout)[0] == 4


@full
def test_other_commands_say_it_too(three: Cli) -> None:
    with FULL.open("wb") as stdout:
        code, said = typed(three, "mapping", "list", stdout=stdout)
    assert code == 1
    assert "the result cannot be written to stdout: No space left on device" in said
    assert "bug" not in said


def _gone(cli: Cli, *arguments: str) -> tuple[int, str]:
    return typed(cli, *arguments, stdout=subprocess.DEVNULL, shell='"$@" | true; exit ${PIPESTATUS[0]}')


def _closed(cli: Cli, *arguments: str) -> tuple[int, str]:
    return typed(cli, *arguments, stdout=subprocess.DEVNULL, shell='"$@" >&-')


@pytest.mark.parametrize("without", [_gone, _closed])
def test_where_nobody_reads_it_the_run_ends_in_silence(three: Cli, without: Callable[..., tuple[int, str]]) -> None:
    assert without(three, *PUSH) == (0, "")
    assert three.held("drata", "personnel_account") == {"a0", "a1", "a2"}
    three.write("all.ndjson", personnel_account(3), {"id": 5})
    assert without(three, *PUSH) == (1, "")


def test_without_stdout_and_stderr_a_push_delivers(three: Cli) -> None:
    """The journal is no file that something is printed into."""
    assert typed(three, *PUSH, stdout=subprocess.DEVNULL, shell='"$@" >&- 2>&-') == (0, "")
    assert three.held("drata", "personnel_account") == {"a0", "a1", "a2"}
    assert three.type("journal", "check").code == 0


@full
def test_a_file_of_problems_that_is_full_stops_nothing(three: Cli) -> None:
    three.write("all.ndjson", {"id": 5}, {"id": 6}, personnel_account(0))
    done = three.type(*PUSH, "--problems", str(FULL))
    assert done.code == 1
    assert done.words.count("--problems /dev/full cannot be written: No space left on device") == 1
    assert three.held("drata", "personnel_account") == {"a0"}
