"""`proofport worker`, and what the commands that serve share: the signal to stop, the garbage collector."""

from __future__ import annotations

import asyncio
import gc
import signal

import click

import proofport
from proofport.cli.connect import uses_gateway
from proofport.cli.output import echo

GC_THRESHOLD = 10_000
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


def calm_garbage_collector() -> None:
    """Collect less often, to be called once everything is loaded.

    What is loaded stays, so it need not be visited again. The many objects of one request are freed without the
    collector.
    """
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)


@click.command()
@click.option(
    "--slots",
    type=click.IntRange(1, 256),
    default=16,
    show_default=True,
    help="Lanes to deliver to at the same time.",
)
@uses_gateway
async def worker(gateway: proofport.Gateway, slots: int) -> int:
    """Deliver what is queued in the journal until stopped.

    Any number of workers may share a journal, on PostgreSQL also from several machines; each lane is delivered by one
    of them at a time. Where several tenants are configured, none of them takes all slots. SIGTERM or Ctrl-C lets the
    worker finish the requests in flight; a second one ends it at once.
    """
    from proofport.logs import log_to_stderr

    log_to_stderr(serving=True)
    stop = stop_signal()
    await gateway.journal()
    echo("delivering; Ctrl-C stops it", err=True)
    await gateway.work(stop, slots=slots)
    echo("stopped", err=True)
    return 0
