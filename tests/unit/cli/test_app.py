"""The root command: fast where nothing happens, in words where something goes wrong."""

from __future__ import annotations

import os
import subprocess
import sys

import click
import pytest

from proofport import __version__
from proofport.cli import app, main
from proofport.errors import Blocked, ConfigError, GuardRefused, ProofportError, Retryable, UsageError

HEAVY = ("pydantic", "aiohttp", "rich", "asyncio", "yaml", "jsonpath_ng", "structlog")


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    @click.command()
    def command() -> None:
        raise error

    monkeypatch.setattr(app.LazyGroup, "get_command", lambda *_: command)


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["push", "--help"], ["emulate", "--help"]])
def test_help_and_version_import_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys; sys.argv = ['proofport', *sys.argv[1:]]; from proofport.cli import main; code = main(); "
        f"print(code, sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "0 []"
    assert "proofport" in done.stdout


def test_version_is_answered_without_even_click(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["proofport", "--version"])
    monkeypatch.setitem(sys.modules, "proofport.cli.app", None)
    assert main() == 0
    assert capsys.readouterr().out == f"proofport {__version__}\n"


def test_the_table_of_commands_is_what_the_modules_hold(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["--help"]) == 0
    listed = capsys.readouterr().out
    for name in app.COMMANDS:
        assert name in listed
        command = app.root.get_command(click.Context(app.root), name)
        assert command is not None
        assert command.get_short_help_str()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("wrong"), 2),
        (ConfigError("wrong"), 2),
        (Blocked("wrong"), 3),
        (GuardRefused("wrong"), 4),
        (Retryable("wrong"), 1),
        (ProofportError("wrong"), 1),
        (ValueError("wrong"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_every_error_has_its_exit_code_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int
) -> None:
    failing(monkeypatch, error)
    assert app.run(["push"]) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    assert "wrong" in said.err or code == 130


def test_the_hint_follows_the_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    failing(monkeypatch, UsageError("no such thing", hint="Try another."))
    app.run(["push"])
    assert capsys.readouterr().err == "Error: no such thing\n  Try another.\n"


def test_long_words_go_on_below_and_are_not_cut(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    path = "/a/very/long/path/" + "x" * 60 + ".yaml:12:3:"
    failing(monkeypatch, UsageError(f"{path} found a thing"))
    app.run(["push"])
    lines = capsys.readouterr().err.splitlines()
    assert max(map(len, lines)) == 40
    assert path in "".join(line.strip() for line in lines)


def test_a_bug_says_how_to_report_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    failing(monkeypatch, ZeroDivisionError("division by zero"))
    app.run(["push"])
    said = capsys.readouterr().err
    assert "ZeroDivisionError: division by zero" in said
    assert "PROOFPORT_DEBUG=1" in said
    monkeypatch.setenv("PROOFPORT_DEBUG", "1")
    app.run(["push"])
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["nonsense"], ["push"], ["push", "--nonsense"]])
def test_usage_errors_exit_with_2(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert app.run(arguments) == 2
    assert "Error: " in capsys.readouterr().err


def test_an_option_of_a_command_that_stands_before_it_is_told_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["--config", "x.yaml", "push", "a.csv"]) == 2
    assert "Write an option of a command after it: proofport push --config …" in capsys.readouterr().err


def test_a_mistyped_command_is_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["pusj"]) == 2
    assert "Did you mean 'push'?" in capsys.readouterr().err
    assert app.run(["xyzzy"]) == 2
    assert "Did you mean" not in capsys.readouterr().err


def test_parquet_takes_the_allocator_of_the_system_unless_another_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["proofport", "--version"])
    for given, taken in ((None, "system"), ("mimalloc", "mimalloc")):
        monkeypatch.setenv("ARROW_DEFAULT_MEMORY_POOL", given or "")
        if given is None:
            monkeypatch.delenv("ARROW_DEFAULT_MEMORY_POOL")
        assert main() == 0
        assert os.environ["ARROW_DEFAULT_MEMORY_POOL"] == taken
