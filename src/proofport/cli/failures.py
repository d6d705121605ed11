"""Errors for people: one block on stderr that says what happened and what to do, and the exit code."""

from __future__ import annotations

import os
from pathlib import Path

import click

from proofport.cli.output import wrapped
from proofport.errors import Blocked, GuardRefused, ProofportError, UsageError

INTERRUPTED = 130
"""The exit code after Ctrl-C. The other codes are those of a run (`proofport.delivery.report.Exit`)."""


def explain(error: Exception) -> int:
    """Write an error to stderr. Returns the exit code; 1 where no other applies."""
    if os.environ.get("PROOFPORT_DEBUG"):
        import traceback

        click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    if not isinstance(error, ProofportError):
        say(
            f"{type(error).__name__}: {error}".rstrip(": "),
            "This is a bug in proofport. Run the command again with PROOFPORT_DEBUG=1 and report the output "
            "(remove anything private first).",
        )
        return 1
    say(error.message, error.hint)
    from proofport.delivery.report import Exit

    codes = {UsageError: Exit.USAGE, Blocked: Exit.BLOCKED, GuardRefused: Exit.GUARD}
    return int(next((code for kind, code in codes.items() if isinstance(error, kind)), Exit.INCOMPLETE))


def say(message: str, hint: str | None = None) -> None:
    """Write one error to stderr, wrapped and uncut. Paths in the working folder are shown relative to it."""
    text = wrapped(f"Error: {message.replace(f'{Path.cwd()}{os.sep}', '')}", hanging="  ")
    click.echo(click.style(text[:6], fg="red", bold=True) + text[6:], err=True)
    if hint:
        click.echo(wrapped(hint, "  "), err=True)
