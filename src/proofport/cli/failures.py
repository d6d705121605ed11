"""Errors for people: one block on stderr that says what happened and what to do, and the exit code."""

from __future__ import annotations

import os
import shutil
import textwrap
import traceback
from pathlib import Path

import click

from proofport.errors import Blocked, GuardRefused, ProofportError, UsageError

EXIT_CODES: dict[type[ProofportError], int] = {UsageError: 2, Blocked: 3, GuardRefused: 4}


def explain(error: Exception) -> int:
    """Say on stderr what went wrong. Returns the exit code: 1 where no other applies."""
    if os.environ.get("PROOFPORT_DEBUG"):
        click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    if not isinstance(error, ProofportError):
        say(
            f"{type(error).__name__}: {error}".rstrip(": "),
            "This is a bug in proofport. Run the command again with "
            "PROOFPORT_DEBUG=1, and report it with what that prints (look through it for anything private first).",
        )
        return 1
    say(error.message, error.hint)
    return next((code for kind, code in EXIT_CODES.items() if isinstance(error, kind)), 1)


def say(message: str, hint: str | None = None) -> None:
    """Write one error to stderr, wrapped and uncut. Files below the working folder are named from there."""
    text = wrapped(f"Error: {message.replace(f'{Path.cwd()}{os.sep}', '')}", hanging="  ", fold=True)
    click.echo(click.style(text[:6], fg="red", bold=True) + text[6:], err=True)
    if hint:
        click.echo(wrapped(hint, "  ", hanging="  ", fold=True), err=True)


def wrapped(text: str, indent: str = "", *, hanging: str = "", fold: bool = False) -> str:
    """`text` in lines of the terminal's width, broken between words only. `hanging` begins the later lines.

    `fold`: a word that is longer than a line goes on in the next one.
    """
    width = min(shutil.get_terminal_size().columns, 100)
    lines = (
        textwrap.fill(
            line,
            width,
            initial_indent=indent,
            subsequent_indent=hanging,
            break_long_words=fold,
            break_on_hyphens=False,
        )
        for line in text.splitlines()
    )
    return "\n".join(lines)
