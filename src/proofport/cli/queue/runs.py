"""`proofport runs`: the history of runs, the latest first."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import click

from proofport.cli import options
from proofport.cli.connect import uses_gateway
from proofport.cli.output import show_result, wrapped
from proofport.cli.queue.shown import heading, is_leased, result, run_as_json

if TYPE_CHECKING:
    from proofport.gateway import Gateway
    from proofport.journal.contract import RunState

STATES = ("running", "interrupted", "complete", "ended", "failed")


class Since(options.Span):
    """A moment: so long ago, or a day in UTC."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            return datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()
        except ValueError:
            return time.time() - super().convert(value, param, ctx)


@click.command()
@click.option("--to", "destination", metavar="DEST", help="Only those to this destination.")
@click.option("--kind", metavar="KIND", help="Only those of this kind.")
@click.option("--mode", type=click.Choice(options.MODES), help="Only those in this mode.")
@click.option(
    "--state",
    type=click.Choice(STATES),
    help="Only those. complete: all was delivered. ended: not all. failed: with another exit code than 0.",
)
@click.option("--since", metavar="WHEN", type=Since(), help="Only those begun since: 26h, 7d or 2030-01-31 (UTC).")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="At most so many.")
@options.json_option
@uses_gateway
async def runs(gateway: Gateway, state: str | None, limit: int, as_json: bool, **chosen: Any) -> int:
    """List runs, the latest first.

    Exit codes: 0 listed, 2 a wrong option. `proofport status RUN` shows one run with its attempts.
    """
    from proofport.journal.contract import ALL, RunFilter

    journal = await gateway.journal()
    is_open = state in ("running", "interrupted")
    kept = "open" if is_open else None if state == "failed" else state
    wanted = RunFilter(**chosen, state=cast("RunState | None", kept), failed=state == "failed")
    lanes = {lane.lane: lane for lane in await journal.lanes()}
    found = await journal.runs(limit=ALL if is_open else limit, chosen=wanted)
    if is_open:
        found = [run for run in found if is_leased(lanes.get(run.lane)) == (state == "running")][:limit]
    shown = [await run_as_json(journal, run, lanes) for run in found]
    show_result(shown, _lines(shown), as_json=as_json)
    return 0


def _lines(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for run in found:
        yield wrapped(heading(run), hanging="  ")
        yield wrapped(result(run), "    ", hanging="      ")
    if not found:
        yield "There is no such run."
