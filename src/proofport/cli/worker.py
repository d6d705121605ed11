"""`proofport worker`: deliver what is queued, without an HTTP endpoint."""

from __future__ import annotations

import click

from proofport.cli import options


@click.command()
@click.option(
    "--slots",
    type=click.IntRange(1, 256),
    default=8,
    show_default=True,
    help="Lanes to deliver to at the same time.",
)
@options.config_option
def command(slots: int, config_path: str | None) -> int:
    """Deliver what is queued in the journal until it is told to stop.

    Any number of workers may share a journal, on PostgreSQL also from several machines; each lane is delivered by one
    of them at a time. SIGTERM and Ctrl-C let it end what is on its way first; a second one ends it at once.
    """
    import asyncio

    from proofport.cli.connect import connect
    from proofport.cli.service import log_to_stderr
    from proofport.cli.stopping import stop_signal

    log_to_stderr()

    async def work() -> None:
        stop = stop_signal()
        async with connect(config_path) as gateway:
            await gateway.journal()
            click.echo("delivering; Ctrl-C stops it", err=True)
            await gateway.work(stop, slots=slots)

    asyncio.run(work())
    click.echo("stopped", err=True)
    return 0
