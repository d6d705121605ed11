"""The root command: the other commands are imported when they are called, their one-line help stands here."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from proofport import __version__

COMMANDS = {
    "demo": "See what proofport does: a tour on this machine, nothing leaves it.",
    "init": "Write a configuration file.",
    "doctor": "Check the configuration, credentials and vendor objects.",
    "push": "Deliver evidence.",
    "plan": "Show what a push would add, change and make disappear.",
    "preview": "Show one record as every destination would receive it.",
    "mapping": "List, check and test mapping files.",
    "emulate": "Run the local emulators of the vendors.",
    "provision": "Find or make the vendor objects that evidence is delivered to.",
    "call": "Carry out one of a vendor's own operations.",
    "schema": "Show the schemas vendors made, and confirm that one is defined.",
    "verify": "Read back what was delivered, and compare.",
    "relay": "Accept evidence over HTTP, and deliver it.",
    "status": "Show lanes, runs and attempts.",
    "resume": "Let a parked lane go on.",
    "dead-letter": "List, show, replay and drop what could not be delivered.",
    "journal": "Look after the durable state.",
    "worker": "Deliver what is queued, without an HTTP endpoint.",
    "key": "Make, list and revoke the keys of the relay.",
}
INTERRUPTED = 130


class LazyGroup(click.Group):
    """Commands live in modules of their own names, as `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"proofport.cli.{cmd_name.replace('-', '_')}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, n=1)
            raise click.UsageError(f"{error.message} Did you mean {near[0]!r}?", ctx) if near else error from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="proofport %(version)s")
def root() -> None:
    """Carry compliance evidence into the systems auditors read.

    One command reads what your tools print, and delivers it to every vendor in that vendor's own form.
    New here? Run `proofport demo`.
    """


def run(arguments: Sequence[str]) -> int:
    """Run one command line. Returns the exit code; what went wrong stands on stderr, in words."""
    try:
        code = root.main(list(arguments), prog_name="proofport", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away; Python would complain again when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        from proofport.cli.failures import explain

        return explain(error)
