"""The root command. Other commands are imported when they run, so their one-line help is listed here."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import StringIO
from pathlib import Path

import click

from proofport import __version__
from proofport.cli.options import log_options, with_log_options

#: Each command: the module that defines a function of its name, and its help.
COMMANDS = {
    "demo": ("demo", "See what proofport does: a tour on this machine, nothing leaves it."),
    "init": ("vendor.init", "Write a configuration file."),
    "doctor": ("vendor.doctor", "Check the configuration, credentials and vendor objects."),
    "push": ("push.push", "Deliver evidence."),
    "plan": ("push.plan", "Show what a push would add and change, and what would be gone."),
    "preview": ("push.preview", "Show one record as every destination would receive it."),
    "mapping": ("mapping", "List, show, draft, check and test mapping files."),
    "emulate": ("vendor.emulate", "Run the local emulators of the vendors."),
    "provision": ("vendor.provision", "Find or make the vendor objects that evidence is delivered to."),
    "call": ("vendor.call", "Run one of a vendor's own operations."),
    "schema": ("vendor.schema", "Show the schemas that vendors made, and confirm that one is defined."),
    "verify": ("push.verify", "Read back what was delivered, and compare."),
    "relay": ("relay", "Accept evidence over HTTP, and deliver it."),
    "status": ("queue.status", "Show lanes, runs and attempts."),
    "runs": ("queue.runs", "List past and present runs."),
    "resume": ("queue.status", "Release a parked lane."),
    "dead-letter": ("queue.dead_letter", "List, show, replay and drop deliveries that failed."),
    "journal": ("queue.journal", "Check, measure, prune, back up, restore, rebuild and move the journal."),
    "worker": ("service", "Deliver what is queued, without an HTTP endpoint."),
    "receipt": ("receipt", "List, show, export and verify signed receipts of runs."),
    "portability": ("portability", "Show what of a kind of evidence arrives at each destination."),
    "explain": ("explain", "Show where each field of a delivered record comes from."),
    "key": ("relay", "Make, list and revoke the keys of the relay."),
}


class LazyGroup(click.Group):
    """Imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"proofport.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return with_log_options(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    commands=[click.Command(name) for name in COMMANDS],
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, message="proofport %(version)s")
def root() -> None:
    """Carry compliance evidence into the systems auditors read.

    One command reads the output of your tools, and delivers it to every vendor in that vendor's own form.
    New here? Run `proofport demo`.
    """


root.params += log_options(hidden=False)


def run(arguments: Sequence[str]) -> int:
    """Run one command line. Returns the exit code, and writes errors to stderr in plain words."""
    _open_what_is_closed()
    try:
        code = root.main(list(arguments), prog_name="proofport", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        from proofport.cli.output import echo, plain

        if isinstance(error, click.NoSuchOption) and error.ctx is not None and error.ctx.parent is None:
            command = next((each for each in arguments if each in COMMANDS), "COMMAND")
            hint = f"Write an option of a command after it: proofport {command} {error.option_name} …"
            error = click.UsageError(f"{error.message} {hint}", error.ctx)
        error.show(shown := StringIO())
        echo(plain(shown.getvalue().rstrip()), err=True)
        return 2
    except (click.Abort, KeyboardInterrupt):
        from proofport.cli.output import INTERRUPTED, echo

        echo("Interrupted.", err=True)
        return INTERRUPTED
    except Exception as error:
        from proofport.cli.output import explain

        return explain(error)


def _open_what_is_closed() -> None:
    """Send to nowhere what is written to a stdout or stderr that is closed. Else the next file takes its number."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - to the end of the process
