"""`proofport relay`: accept evidence over HTTP, and deliver it in the same process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from proofport.cli import options

if TYPE_CHECKING:
    from proofport.gateway import Gateway


@click.command()
@click.option("--host", help="Where to listen. [default: `relay.host` of the configuration, else 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="0 takes a free one. [default: `relay.port`, else 8080]")
@options.config_option
def relay(host: str | None, port: int | None, config_path: str | None) -> int:
    """Accept evidence over HTTP, and deliver it.

    Everything is durable in the journal before it is answered. http://HOST:PORT/docs describes the API.
    """
    from proofport.cli.connect import with_gateway
    from proofport.cli.service import calm_garbage_collector, log_to_stderr, stop_signal
    from proofport.config import Config
    from proofport.relay.serving import serving

    async def serve(gateway: Gateway) -> None:
        stopped = stop_signal()
        async with serving(gateway) as origin:
            click.echo(f"listening on {origin}")
            calm_garbage_collector()
            await stopped.wait()

    log_to_stderr()
    config = Config.load(config_path)
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = config.relay.model_copy(update=given)
    with_gateway(config.model_copy(update={"relay": settings}), serve)
    return 0
