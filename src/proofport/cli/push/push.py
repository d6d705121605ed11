"""`proofport push`: deliver evidence, and account for every record."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proofport.cli import options
from proofport.cli.connect import with_gateway
from proofport.cli.output import INTERRUPTED, Unwritten, echo, say, show, show_json
from proofport.cli.push.progress import watcher
from proofport.errors import ProofportError

if TYPE_CHECKING:
    from proofport.delivery.report.report import RecordProblem
    from proofport.gateway import Gateway
    from proofport.journal.contract import RunView
    from proofport.sources import Format

EPILOG = """Exit codes: 0 everything delivered or unchanged, 1 some records rejected or undelivered, 2 usage,
configuration or mapping, 3 blocked by the vendor, 4 refused by the guard, 130 interrupted."""


@click.command(epilog=EPILOG)
@options.inputs
@options.to_option
@options.reading
@click.option("--dry-run", is_flag=True, help="Read, map and check everything, send nothing.")
@options.json_option
@click.option("--problems", metavar="FILE", help="Write every problem to FILE as it occurs, one JSON object a line.")
@click.option("--override-guard", metavar="REASON", help="Go on although the guard refuses; the reason is recorded.")
@click.option("--skip-unchanged", is_flag=True, help="Do not send a record that the vendor has with the same body.")
@click.option("--resume", metavar="RUN", help="Continue an interrupted run over the same inputs.")
@options.without_option
@options.max_input_age_option
@click.option("--delete-gone", is_flag=True, help="Delete at the vendor the records that are gone from a snapshot.")
@click.option(
    "--require",
    "require_verified",
    type=click.Choice(["verified"]),
    callback=lambda ctx, parameter, value: value is not None,
    help="Count a record that a vendor only queued as unknown, until `proofport verify` finds it.",
)
@click.option("--assume-unique", is_flag=True, help="Do not look for duplicate ids.")
@options.config_option
def push(
    inputs: Sequence[str],
    source: str | None,
    input_format: Format | None,
    expect_records: Sequence[int],
    last_line_whole: bool,
    config_path: str | None,
    as_json: bool,
    problems: str | None,
    **how: Any,
) -> int:
    """Deliver evidence to one or more destinations.

    INPUT is a file of NDJSON, JSON, CSV, Excel, Parquet or YAML, or - for stdin. SOURCE names the mapping that reads
    it; without one the input must already be evidence. python:MODULE:FUNCTION reads what a function gives.

    \b
      proofport push aws.ec2.instances=instances.json --set region=eu-west-1 \\
          --to one-vendor --to another-vendor --mode snapshot
    """
    if how["override_guard"] is not None and not how["override_guard"].strip():
        raise click.UsageError("--override-guard needs a reason: it stays in the report")
    given = options.named_inputs(inputs, source, input_format, expect_records, last_line_whole)
    begun: list[str] = []
    try:
        with ExitStack() as stack:
            how["on_problem"] = stack.enter_context(_problems_to(problems)) if problems else None
            how["on_progress"] = stack.enter_context(watcher())
            report = with_gateway(config_path, lambda gateway: gateway.push(given, on_begin=begun.append, **how))
    except KeyboardInterrupt:
        if not begun or how["dry_run"]:
            raise
        return _explain_interruption(begun[0], config_path)
    from proofport.cli.push.report import print_report, verdict

    try:
        if as_json:
            show_json(report.as_dict())
        else:
            print_report(report, problems_file=problems)
    except Unwritten as error:
        say(f"{error.message}. Run {report.run_id} has ended. {verdict(report)}")
        return int(report.exit_code) or 1
    return int(report.exit_code)


@contextmanager
def _problems_to(path: str) -> Iterator[Callable[[str, RecordProblem], None]]:
    """Open the file line buffered, so that it can be read during the run and is complete if the run is killed.

    Where it cannot be written any more, the run goes on without it, and says so once.
    """
    try:
        file = Path(path).open("w", encoding="utf-8", buffering=1)  # noqa: SIM115 - closed below
    except OSError as error:
        raise click.UsageError(f"--problems {path} cannot be written: {error.strerror}") from None

    failed = False

    def write(destination: str, problem: RecordProblem) -> None:
        nonlocal failed
        if failed:
            return
        try:
            file.write(json.dumps({"destination": destination, **problem.as_dict()}, ensure_ascii=False) + "\n")
        except OSError as error:
            failed = True
            say(f"--problems {path} cannot be written: {error.strerror}. The run goes on without it.")

    try:
        yield write
    finally:
        with suppress(OSError):
            file.close()


def _explain_interruption(run_id: str, config: str | None) -> int:
    """Write to stderr how far the run came at each destination, and how to continue. Returns the exit code."""
    echo("Interrupted.", err=True)
    with suppress(ProofportError):
        for line in with_gateway(config, lambda gateway: _progress_of(run_id, gateway)):
            show(line, "  ", err=True)
    return INTERRUPTED


async def _progress_of(run_id: str, gateway: Gateway) -> list[str]:
    journal = await gateway.journal()
    begun = [run for run in await journal.runs() if run.run_id == run_id]
    if not begun:
        return ["Nothing was sent."]
    whole = [await journal.run(run_id, run.destination) for run in begun if run.state == "open"]
    lines = [_progress_at_destination(run, gateway) for run in whole if run is not None]
    if not lines:
        return [f"The run had already ended: `proofport status {run_id}` shows the result."]
    return [*lines, f"Push the same inputs with --resume {run_id} to continue, or without it to start again."]


def _progress_at_destination(run: RunView, gateway: Gateway) -> str:
    from proofport.adapter import Stages

    resource = gateway.config.adapter(run.destination).resource(run.kind)
    records = f"{sum(batch.records for batch in run.batches):,} records"
    if run.mode == "snapshot" and isinstance(resource, Stages):
        return (
            f"{run.destination}: {records} are known to be staged, and wait there. The live set is unchanged, unless "
            "the new set was being completed at this moment."
        )
    return f"{run.destination}: {records} have an outcome. Records in flight may have arrived; they are sent again."
