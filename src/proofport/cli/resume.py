"""`proofport resume`: let a parked lane go on."""

from __future__ import annotations

import click

from proofport.cli import options


@click.command()
@click.argument("lane")
@options.config_option
def command(lane: str, config_path: str | None) -> int:
    """Let a parked or resting LANE go on at once, after what it was parked for has been mended.

    Exit codes: 0 it goes on, 2 there is no such lane.
    """
    import asyncio

    from proofport.cli.connect import connect

    async def go_on() -> bool:
        async with connect(config_path) as gateway:
            return await (await gateway.journal()).resume(lane)

    if not asyncio.run(go_on()):
        click.echo(f"The journal knows no lane named {lane}; `proofport status` lists them.", err=True)
        return 2
    click.echo(f"{lane} goes on.")
    return 0
