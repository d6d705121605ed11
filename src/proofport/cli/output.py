"""Text for a terminal: wrapped lines, JSON, times, JSON data as an outline, and errors with their exit codes."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import click

from proofport.errors import Blocked, GuardRefused, ProofportError, UsageError

SHOWN = 20
"""At most this many ids or problems are listed; a count says how many more there are."""

_OBEYED = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069]")
"""Control characters, of which ESC begins a command to the terminal, and marks that turn the direction of text."""
_OBEYED_BUT_STYLE = re.compile(rf"(?!\x1b\[(?:0|1|2|22|3[1-7])m){_OBEYED.pattern}")
"""The same, except for the styles that are used here."""

INTERRUPTED = 130
"""The exit code after Ctrl-C. The other codes are those of a run (`proofport.delivery.report.report.Exit`)."""


def wrapped(text: str, indent: str = "", *, hanging: str | None = None) -> str:
    """`text` in lines of the terminal's width. `hanging` begins the later lines; without it `indent` does.

    Lines break between words. A word that is longer than a line continues on the next one.
    """
    width = min(shutil.get_terminal_size().columns, 100)
    later = indent if hanging is None else hanging
    lines = (
        textwrap.fill(plain(line), width, initial_indent=indent, subsequent_indent=later, break_on_hyphens=False)
        for line in text.splitlines()
    )
    return "\n".join(lines)


def plain(text: str) -> str:
    """The text without anything that a terminal would obey: ids and messages of vendors come from outside."""
    return _OBEYED.sub(_shown, text)


def _shown(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def show(text: str, indent: str = "", *, hanging: str | None = None, err: bool = False, **style: Any) -> None:
    """Print `text`, wrapped. `style`: that of click."""
    _write(click.style(wrapped(text, indent, hanging=hanging), **style), err=err)


def echo(text: str, *, err: bool = False) -> None:
    """Print `text` with its styles. What comes from outside has been `wrapped` before, or made `plain`."""
    _write(_OBEYED_BUT_STYLE.sub(_shown, text), err=err)


def show_json(value: Any) -> None:
    _write(plain(json.dumps(value, ensure_ascii=False, indent=2)))


class Unwritten(ProofportError):
    """The result of a command cannot be written to stdout."""


def _write(text: str, *, err: bool = False) -> None:
    """Print to stdout or stderr. Raises Unwritten where stdout takes nothing.

    Where whoever read it has gone away, nobody misses the rest. The command goes on, and ends with its own exit code.
    """
    try:
        click.echo(text, err=err)
    except OSError as error:
        discard(sys.stderr if err else sys.stdout)
        if not err and not isinstance(error, BrokenPipeError):
            message = f"the result cannot be written to stdout: {error.strerror or error}"
            raise Unwritten(message, hint="What the command had done before stays done.") from None


def discard(stream: TextIO) -> None:
    """Let what is written to stdout or stderr from now on go nowhere, so that Python does not fail at it again."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def show_result(value: Any, lines: Iterable[str], *, as_json: bool) -> None:
    """Print the result of a command: `value` as JSON, or `lines` for people."""
    if as_json:
        show_json(value)
    else:
        for line in lines:
            echo(line)


def when(seconds: float | None) -> str | None:
    """A moment in UTC, as 2026-01-31T09:00:00Z."""
    from proofport.text.durations import moment

    return None if seconds is None else moment(seconds)


def listed(ids: Sequence[str], count: int) -> str:
    """The first ids, and how many more of the `count` there are."""
    shown = ", ".join(ids[:SHOWN])
    return f"{shown} and {count - SHOWN:,} more" if count > SHOWN else shown


def group(
    words: str,
    count: int,
    *,
    ids: Sequence[str] = (),
    lines: Sequence[str] = (),
    colour: str | None = None,
    whole: bool = False,
) -> Iterator[str]:
    """A count and what it counts; below it the first ids in one paragraph, or the first lines.

    `whole`: the lines stand for all that is counted, each for several.
    """
    number = click.style(f"{count:>9,}", fg=colour if count else None)
    yield f"  {number}  {wrapped(words, ' ' * 13).lstrip()}"
    if ids:
        yield wrapped(", ".join(ids[:SHOWN]), " " * 4)
    yield from (wrapped(line, " " * 4, hanging=" " * 8) for line in lines[:SHOWN])
    if (len(lines) if whole else count) > SHOWN and (ids or lines):
        yield f"    and {count - SHOWN:,} more; --json lists up to 1,000"


def outline(value: Any) -> Iterator[str]:
    """JSON data for people: the lines of it as YAML, wrapped; nothing is cut."""
    import yaml

    for line in (
        yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=float("inf"))
        .removesuffix("...\n")
        .splitlines()
    ):
        words = line.lstrip()
        indent = line[: min(len(line) - len(words), 40)]
        yield wrapped(words, indent, hanging=f"{indent}    ")


def explain(error: Exception) -> int:
    """Write an error to stderr. Returns the exit code; 1 where no other applies."""
    if os.environ.get("PROOFPORT_DEBUG"):
        import traceback

        echo(plain("".join(traceback.format_exception(error))), err=True)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        say(f"{error.strerror}{f': {error.filename}' if error.filename else ''}", "Make room, then run it again.")
        return 1
    if not isinstance(error, ProofportError):
        say(
            f"{type(error).__name__}: {error}".rstrip(": "),
            "This is a bug in proofport. Run the command again with PROOFPORT_DEBUG=1 and report the output "
            "(remove anything private first).",
        )
        return 1
    say(error.message, error.hint)
    from proofport.delivery.report.report import Exit

    codes = {UsageError: Exit.USAGE, Blocked: Exit.BLOCKED, GuardRefused: Exit.GUARD}
    return int(next((code for kind, code in codes.items() if isinstance(error, kind)), Exit.INCOMPLETE))


def say(message: str, hint: str | None = None) -> None:
    """Write one error to stderr, wrapped and uncut. Paths in the working folder are shown relative to it."""
    text = wrapped(f"Error: {message.replace(f'{Path.cwd()}{os.sep}', '')}", hanging="  ")
    _write(click.style(text[:6], fg="red", bold=True) + text[6:], err=True)
    if hint:
        _write(wrapped(hint, "  "), err=True)
