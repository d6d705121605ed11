"""`proofport push`: deliver evidence, and account for every record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from proofport.cli import options

if TYPE_CHECKING:
    from proofport.delivery.report import RecordProblem, RunReport
    from proofport.gateway import Input

EPILOG = """Exit codes: 0 everything delivered or unchanged, 1 some records rejected or undelivered, 2 usage,
configuration or mapping, 3 blocked by the vendor, 4 refused by the guard, 130 interrupted."""


@click.command(epilog=EPILOG)
@options.inputs_argument
@click.option("--to", metavar="DEST", multiple=True, required=True, help="A configured destination. Repeatable.")
@options.kind_option
@options.mode_option
@options.source_option
@options.set_option
@click.option("--dry-run", is_flag=True, help="Read, map and check everything, send nothing.")
@options.json_option
@click.option("--problems", metavar="FILE", help="Write every problem to FILE as it occurs, one JSON object a line.")
@click.option("--override-guard", metavar="REASON", help="Go on although the guard refuses; the reason is recorded.")
@click.option("--skip-unchanged", is_flag=True, help="Do not send what the vendor holds with the same body.")
@click.option("--resume", metavar="RUN", help="Go on with an interrupted run over the same inputs.")
@click.option("--delete-gone", is_flag=True, help="Delete at the vendor what a snapshot no longer holds.")
@click.option(
    "--require",
    "require_verified",
    type=click.Choice(["verified"]),
    callback=lambda ctx, parameter, value: value is not None,
    help="What a vendor only queued counts as unknown, until `proofport verify` has seen it.",
)
@click.option("--assume-unique", is_flag=True, help="Do not look for duplicate ids.")
@options.config_option
def command(
    inputs: Sequence[str],
    source: str | None,
    config_path: str | None,
    as_json: bool,
    problems: str | None,
    **how: Any,
) -> int:
    """Deliver evidence to one or more destinations.

    INPUT is a file of NDJSON, JSON or CSV, or - for stdin. SOURCE names the mapping that reads it; without one the
    input holds evidence already.

    \b
      proofport push aws.ec2.instances=instances.json --set region=eu-west-1 \\
          --to one-vendor --to another-vendor --mode snapshot
    """
    import asyncio
    from contextlib import ExitStack

    from proofport.cli.progress import watcher

    if how["override_guard"] is not None and not how["override_guard"].strip():
        raise click.UsageError("--override-guard needs a reason: it stays in the report")
    given = [options.named_input(text, source) for text in inputs]
    begun: list[str] = []
    try:
        with ExitStack() as stack:
            how["on_problem"] = problem_writer(stack.enter_context(open_problems(problems))) if problems else None
            how["on_progress"] = stack.enter_context(watcher())
            report = asyncio.run(_push(given, config_path, on_begin=begun.append, **how))
    except KeyboardInterrupt:
        if not begun or how["dry_run"]:
            raise
        from proofport.cli.interrupted import INTERRUPTED, say_what_stands

        say_what_stands(begun[0], config_path)
        return INTERRUPTED
    show(report, as_json=as_json, problems=problems)
    return int(report.exit_code)


async def _push(given: Sequence[Input], config: str | None, **how: Any) -> RunReport:
    from proofport.cli.connect import connect

    async with connect(config) as gateway:
        return await gateway.push(given, **how)


def open_problems(file: str) -> TextIO:
    """Line buffered: what has happened can be read while the run goes on, and after it was killed."""
    try:
        return Path(file).open("w", encoding="utf-8", buffering=1)
    except OSError as error:
        raise click.UsageError(f"--problems {file} cannot be written: {error.strerror}") from None


def problem_writer(file: TextIO) -> Callable[[str, RecordProblem], None]:
    import json

    def write(destination: str, problem: RecordProblem) -> None:
        file.write(json.dumps({"destination": destination, **problem.as_dict()}, ensure_ascii=False) + "\n")

    return write


def show(report: RunReport, *, as_json: bool, problems: str | None) -> None:
    if as_json:
        import json

        click.echo(json.dumps(report.as_dict(), ensure_ascii=False, indent=2))
        return
    from proofport.cli.report import print_report

    print_report(report, problems_file=problems)
