"""`proofport worker` delivers what is queued; `proofport resume` releases a parked lane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from proofport.cli.connect import uses_gateway
from proofport.errors import UsageError

if TYPE_CHECKING:
    from proofport.gateway import Gateway


@click.command()
@click.option(
    "--slots",
    type=click.IntRange(1, 256),
    default=8,
    show_default=True,
    help="Lanes to deliver to at the same time.",
)
@uses_gateway
async def worker(gateway: Gateway, slots: int) -> int:
    """Deliver what is queued in the journal until stopped.

    Any number of workers may share a journal, on PostgreSQL also from several machines; each lane is delivered by one
    of them at a time. SIGTERM or Ctrl-C lets the worker finish the requests in flight; a second one ends it at once.
    """
    from proofport.cli.service import log_to_stderr, stop_signal

    log_to_stderr()
    stop = stop_signal()
    await gateway.journal()
    click.echo("delivering; Ctrl-C stops it", err=True)
    await gateway.work(stop, slots=slots)
    click.echo("stopped", err=True)
    return 0


@click.command()
@click.argument("lane")
@uses_gateway
async def resume(gateway: Gateway, lane: str) -> int:
    """Release a parked or waiting LANE at once, after the reason for parking it has been mended.

    Exit codes: 0 released, 2 there is no such lane.
    """
    if not await (await gateway.journal()).resume(lane):
        raise UsageError(f"the journal knows no lane named {lane}", hint="`proofport status` lists the lanes.")
    click.echo(f"{lane} goes on.")
    return 0
