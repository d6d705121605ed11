"""`proofport worker`, and what the commands that serve share: the signal to stop, the garbage collector."""

from __future__ import annotations

import asyncio
import gc
import signal
from contextlib import AsyncExitStack

import click

import proofport
from proofport.cli.connect import uses_gateway
from proofport.cli.options import start_log
from proofport.cli.output import echo

GC_THRESHOLD = 10_000
LAST_PORT = 65_535
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def stop_signal() -> asyncio.Event:
    """An event that SIGINT (Ctrl-C) or SIGTERM sets. A second signal ends the process at once."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        stopped.set()
        for number in SIGNALS:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    for number in SIGNALS:
        loop.add_signal_handler(number, stop)
    return stopped


def read_keys_on_hangup(gateway: proofport.Gateway) -> None:
    """Read the vendors' keys in files again when SIGHUP comes."""
    if hasattr(signal, "SIGHUP"):
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, gateway.read_keys)


def calm_garbage_collector() -> None:
    """Collect less often, to be called once everything is loaded.

    What is loaded stays, so it need not be visited again. The many objects of one request are freed without the
    collector.
    """
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)


def _address(ctx: click.Context, parameter: click.Parameter, text: str | None) -> tuple[str, int] | None:
    """Parse `[HOST:]PORT`. An IPv6 address stands in brackets."""
    if text is None:
        return None
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit()) or int(port) > LAST_PORT or (":" in host and not host.startswith("[")):
        raise click.BadParameter(f"found {text!r}, expected PORT, HOST:PORT or [IPV6]:PORT", ctx, parameter)
    return host.removeprefix("[").removesuffix("]") or "127.0.0.1", int(port)


@click.command()
@click.option(
    "--slots",
    type=click.IntRange(1, 256),
    default=16,
    show_default=True,
    help="Lanes to deliver to at the same time.",
)
@click.option(
    "--listen",
    metavar="[HOST:]PORT",
    callback=_address,
    help="Serve /healthz, /readyz and /metrics there. Without HOST on this machine only; port 0 takes a free one.",
)
@uses_gateway
async def worker(gateway: proofport.Gateway, slots: int, listen: tuple[str, int] | None) -> int:
    """Deliver what is queued in the journal until stopped.

    Any number of workers may share a journal, on PostgreSQL also from several machines; each lane is delivered by one
    of them at a time. Where several tenants are configured, none of them takes all slots. SIGTERM or Ctrl-C lets the
    worker finish the requests in flight; a second one ends it at once.
    """
    start_log(serving=True)
    stop = stop_signal()
    read_keys_on_hangup(gateway)
    await gateway.journal()
    async with AsyncExitStack() as stack:
        watch = None
        if listen is not None:
            from proofport.relay.serving import observing

            origin, watch = await stack.enter_async_context(observing(gateway, *listen))
            echo(f"listening on {origin}")
        echo("delivering; Ctrl-C stops it", err=True)
        await gateway.work(stop, slots=slots, watch=watch)
    echo("stopped", err=True)
    return 0
