"""The message after Ctrl-C during a push: what was delivered, and how to continue."""

from __future__ import annotations

import click

from proofport.cli.connect import with_gateway
from proofport.cli.failures import INTERRUPTED as INTERRUPTED
from proofport.cli.output import show
from proofport.errors import ProofportError
from proofport.gateway import Gateway
from proofport.journal.contract import RunView


def explain_interruption(run_id: str, config: str | None) -> None:
    """Write to stderr how far the run came at each destination."""
    click.echo("Interrupted.", err=True)
    try:
        lines = with_gateway(config, lambda gateway: _explanation(run_id, gateway))
    except ProofportError:
        return
    for line in lines:
        show(line, "  ", err=True)


async def _explanation(run_id: str, gateway: Gateway) -> list[str]:
    journal = await gateway.journal()
    begun = [run for run in await journal.runs() if run.run_id == run_id]
    if not begun:
        return ["Nothing was sent."]
    whole = [await journal.run(run_id, run.destination) for run in begun if run.state == "open"]
    lines = [_destination(run, gateway) for run in whole if run is not None]
    if not lines:
        return [f"The run had already ended: `proofport status {run_id}` shows the result."]
    return [*lines, f"Push the same inputs with --resume {run_id} to continue, or without it to start again."]


def _destination(run: RunView, gateway: Gateway) -> str:
    capability = gateway.config.adapter(run.destination).capability(run.kind, run.mode)
    records = f"{sum(batch.records for batch in run.batches):,} records"
    if run.mode == "snapshot" and capability.staged:
        return (
            f"{run.destination}: {records} are staged and wait there. The live set is unchanged, unless the new set "
            "was being completed at this moment."
        )
    return f"{run.destination}: {records} have an outcome. Records in flight may have arrived; they are sent again."
