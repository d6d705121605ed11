"""Serves the relay, and delivers what it accepts, until it is told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from proofport.errors import JournalError, UsageError
from proofport.gateway import Gateway
from proofport.logs import get_logger
from proofport.relay.access_log import Tell, tell_log
from proofport.relay.application import application
from proofport.relay.auth import refuse_open_door
from proofport.relay.limits import server_options
from proofport.relay.protocol import Runner
from proofport.relay.state import RELAY, Relay

SWEEP_EVERY = 60.0
"""Seconds between two looks for snapshots whose time is over."""

ANSWERING = 1.0
"""Seconds in which the last answers must have been sent; what has no answer by then is cut off."""

log = get_logger("relay")


@asynccontextmanager
async def serving(gateway: Gateway, *, deliver: bool = True, tell: Tell = tell_log) -> AsyncIterator[str]:
    """Serve while the block runs, and yield the origin.

    `deliver`: this process delivers what is queued, too. `tell`: gets the line of each request, the log if not given.

    Raises ConfigError where it would be open to others without keys, UsageError when it cannot listen.
    """
    settings = gateway.config.relay
    await refuse_open_door(await gateway.journal(), settings)
    app = await application(gateway, tell=tell)
    stop = asyncio.Event()
    relay = app[RELAY]
    runner = Runner(app, access_log=None, shutdown_timeout=ANSWERING, **server_options(settings.limits))
    await runner.setup()
    try:
        await _listen(runner, settings.host, settings.port)
        async with asyncio.TaskGroup() as group:
            sweeping = group.create_task(_sweep(relay))
            if deliver:
                await relay.committer.resume()
                group.create_task(gateway.work(stop, grace=settings.stop_seconds, watch=relay.metrics))
            port = runner.addresses[0][1]
            try:
                yield f"http://[{settings.host}]:{port}" if ":" in settings.host else f"http://{settings.host}:{port}"
            finally:
                log.info("stopping", seconds=settings.stop_seconds)
                stop.set()
                sweeping.cancel()
                await asyncio.gather(_end(runner, relay), relay.committer.stop(settings.stop_seconds))
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise UsageError(
            f"the relay cannot listen on {host}:{port}: {error.strerror}",
            hint="Choose another port with --port, or 0 for a free one.",
        ) from error


async def _end(runner: web.AppRunner, relay: Relay) -> None:
    """Listen no more, answer what is in flight, and close the connections."""
    for site in list(runner.sites):
        await site.stop()
    await relay.in_flight.end(relay.settings.stop_seconds)
    await runner.cleanup()


async def _sweep(relay: Relay) -> None:
    while True:
        try:
            if expired := await (await relay.gateway.journal()).expire_snapshots():
                log.info("snapshots_expired", count=expired)
        except JournalError as error:
            log.error("journal_unavailable", error=error.message)
        await asyncio.sleep(SWEEP_EVERY)
