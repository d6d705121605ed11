"""Serves the relay, and delivers what it accepts, until it is told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from aiohttp import web

from proofport.config.relay import RelaySettings
from proofport.delivery.queue.books import Watch
from proofport.errors import JournalError, UsageError
from proofport.gateway import Gateway
from proofport.logs import get_logger
from proofport.relay.access.auth import refuse_open_door
from proofport.relay.access.connections import CONNECTIONS, Connections
from proofport.relay.access.security import secure
from proofport.relay.api import deliveries, evidence, lanes, mappings, operations, snapshots
from proofport.relay.api.route import Route
from proofport.relay.body.limits import server_options
from proofport.relay.operating.access_log import log_access
from proofport.relay.operating.protocol import Connection
from proofport.relay.problems import ProblemError, answer_problems, response
from proofport.relay.state import RELAY, Relay

ROUTES = (
    *evidence.route,
    *snapshots.route,
    *deliveries.route,
    *deliveries.letters,
    *lanes.route,
    *mappings.route,
    *operations.route,
    *operations.documentation,
)
"""Every route, in the order in which they are documented."""

SWEEP_EVERY = 60.0
"""Seconds between two searches for snapshots that have expired."""

ANSWERING = 1.0
"""Seconds for the last answers to be sent. Whatever has no answer by then is cut off."""

log = get_logger("relay")


@asynccontextmanager
async def observing(gateway: Gateway, host: str, port: int) -> AsyncIterator[tuple[str, Watch]]:
    """Serve health and metrics, and nothing else, while the block runs. Yields the origin, and who counts deliveries.

    Raises ConfigError where other machines could connect without keys, UsageError when it cannot listen.
    """
    settings = gateway.config.relay.model_copy(update={"host": host, "port": port})
    await refuse_open_door(await gateway.journal(), settings, "the worker", f"--listen {port}")
    app = await application(gateway, operations.route)
    runner = web.AppRunner(app, shutdown_timeout=ANSWERING)
    await runner.setup()
    try:
        listener = await _listen(runner, settings, app[CONNECTIONS])
        try:
            yield _origin(listener, host), app[RELAY].metrics
        finally:
            listener.close()
    finally:
        await runner.cleanup()


@asynccontextmanager
async def serving(gateway: Gateway, *, deliver: bool = True) -> AsyncIterator[str]:
    """Serve while the block runs, and yield the origin.

    `deliver`: this process also delivers what is queued.

    Raises ConfigError where other machines could connect without keys, UsageError when it cannot listen.
    """
    settings = gateway.config.relay
    await refuse_open_door(await gateway.journal(), settings)
    app = await application(gateway)
    stop = asyncio.Event()
    relay = app[RELAY]
    runner = web.AppRunner(app, shutdown_timeout=ANSWERING)
    await runner.setup()
    try:
        listener = await _listen(runner, settings, app[CONNECTIONS])
        async with asyncio.TaskGroup() as group:
            background = [group.create_task(_sweep(relay))]
            if deliver:
                background.append(group.create_task(relay.commits.run()))
                group.create_task(gateway.work(stop, grace=settings.stop_seconds, watch=relay.metrics))
            try:
                yield _origin(listener, settings.host)
            finally:
                log.info("stopping", seconds=settings.stop_seconds)
                stop.set()
                for task in background:
                    task.cancel()
                listener.close()
                await asyncio.gather(_end(runner, relay), relay.commits.stop(settings.stop_seconds))
    finally:
        await runner.cleanup()


def _origin(listener: asyncio.Server, host: str) -> str:
    port = listener.sockets[0].getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def _listen(runner: web.AppRunner, settings: RelaySettings, connections: Connections) -> asyncio.Server:
    assert runner.server is not None
    loop = asyncio.get_running_loop()
    options: dict[str, Any] = {"access_log": None, **server_options(settings.limits)}
    accept = partial(Connection, runner.server, loop=loop, connections=connections, **options)
    try:
        return await loop.create_server(accept, settings.host, settings.port, backlog=128)
    except OSError as error:
        raise UsageError(
            f"the relay cannot listen on {settings.host}:{settings.port}: {error.strerror}",
            hint="Choose another port with --port, or 0 for a free one.",
        ) from error


async def _end(runner: web.AppRunner, relay: Relay) -> None:
    """Answer what is in flight, and close the connections."""
    await relay.in_flight.end(relay.settings.stop_seconds)
    await runner.cleanup()


async def _sweep(relay: Relay) -> None:
    while True:
        try:
            if expired := await relay.journal.expire_snapshots():
                log.info("snapshots_expired", count=expired)
        except JournalError as error:
            log.error("journal_unavailable", error=error.message)
        await asyncio.sleep(SWEEP_EVERY)


async def application(gateway: Gateway, routes: Sequence[Route] = ROUTES) -> web.Application:
    """Raises ConfigError; JournalError when the journal cannot be opened."""
    journal = await gateway.journal()
    relay = Relay(gateway, journal)
    outermost = [log_access(relay.metrics), answer_problems, relay.in_flight.middleware]
    app = web.Application(middlewares=outermost, client_max_size=0)
    app[RELAY] = relay
    operations.describe(app, routes)
    open_routes = set()
    for route in routes:
        added = app.router.add_route(route.method, route.path, route.handle, expect_handler=_expect)
        if route.scope == "open":
            open_routes.add(added)
    secure(app, journal, relay.settings, open_routes=open_routes)
    return app


async def _expect(request: web.Request) -> web.Response | None:
    """Answer `Expect` before any middleware runs: with 100, as aiohttp does, or with a problem."""
    expectation = request.headers.get("Expect", "")
    if expectation.lower() != "100-continue":
        return response(ProblemError("expectation-failed", f"found Expect: {expectation!r}, expected 100-continue"))
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0
    return None
