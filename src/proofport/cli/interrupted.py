"""What stands after Ctrl-C in the middle of a push: what is safe, and how to go on."""

from __future__ import annotations

import asyncio

import click

from proofport.adapter import Stages
from proofport.cli.app import INTERRUPTED as INTERRUPTED
from proofport.cli.connect import connect
from proofport.cli.failures import wrapped
from proofport.errors import ProofportError
from proofport.gateway import Gateway
from proofport.journal.contract import RunView


def say_what_stands(run_id: str, config: str | None) -> None:
    """On stderr, of each destination that the run had begun to deliver to."""
    click.echo("Interrupted.", err=True)
    try:
        lines = asyncio.run(_what_stands(run_id, config))
    except ProofportError:
        return
    for line in lines:
        click.echo(wrapped(line, "  ", hanging="  ", fold=True), err=True)


async def _what_stands(run_id: str, config: str | None) -> list[str]:
    async with connect(config) as gateway:
        journal = await gateway.journal()
        begun = [run for run in await journal.runs() if run.run_id == run_id]
        if not begun:
            return ["Nothing was sent."]
        whole = [await journal.run(run_id, run.destination) for run in begun if run.state == "open"]
        lines = [_of(run, gateway) for run in whole if run is not None]
    if not lines:
        return [f"It had come to its end: `proofport status {run_id}` shows how."]
    return [*lines, f"Push the same inputs with --resume {run_id} to go on, or without it to begin again."]


def _of(run: RunView, gateway: Gateway) -> str:
    resource = gateway.config.adapter(run.destination).resource(run.kind)
    records = f"{sum(batch.records for batch in run.batches):,} records"
    if run.mode == "snapshot" and isinstance(resource, Stages):
        return (
            f"{run.destination}: {records} are known to be staged, and wait there. What was live is untouched, "
            "unless the set was being completed at this very moment."
        )
    return f"{run.destination}: {records} have their outcome. What was on its way may have arrived; it is sent again."
