"""Prunes a journal: by command, and again and again in a relay or a worker, once for all that share the journal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from proofport.config.configuration import Retention
from proofport.delivery.lane.lease import new_owner
from proofport.errors import JournalError
from proofport.journal.contract import PRUNABLE, Holding, Journal
from proofport.logs import get_logger

LEASE = "retention"
"""The name of the lease that whoever prunes on schedule takes, and keeps until the next time."""

TRY_AGAIN = 300.0
"""Seconds until the lease is asked for again, where another process has it, or after an error."""

log = get_logger("retention")


async def pruned(
    journal: Journal,
    older_than: float,
    *,
    dry_run: bool = False,
    stop: Callable[[], bool] = lambda: False,
) -> list[Holding]:
    """Drop what has ended more than `older_than` seconds ago, and give the space back. What went, by its sort.

    It goes window by window, each a short transaction, so that it may be stopped and killed at any time. `dry_run`:
    only count it.
    """
    before, dropped = time.time() - older_than, dict[str, Holding]()
    if not dry_run:
        await journal.expire_snapshots()
    for what in PRUNABLE:
        after: int | None = 0
        while after is not None and not stop():
            window = await journal.prune(what, before=before, after=after, dry_run=dry_run)
            after = window.after
            for each in window.dropped:
                so_far = dropped.get(each.what, Holding(each.what, 0, 0))
                dropped[each.what] = Holding(each.what, so_far.rows + each.rows, so_far.bytes + each.bytes)
    while not dry_run and not stop() and await journal.give_space_back():
        pass
    return list(dropped.values())


@asynccontextmanager
async def keeping_pruned(journal: Journal, settings: Retention | None) -> AsyncIterator[None]:
    """Prune while the block runs, if that is wanted. At its end, a window that was begun is brought to its end."""
    if settings is None:
        yield
        return
    stop = asyncio.Event()
    pruning = asyncio.create_task(_keep_pruned(journal, settings, stop, new_owner()))
    try:
        yield
    finally:
        stop.set()
        await pruning


async def _keep_pruned(journal: Journal, settings: Retention, stop: asyncio.Event, owner: str) -> None:
    """Prune once in every period, in one of the processes that share the journal.

    Whoever has the lease of the period prunes in it, and keeps the lease until the period ends.
    """
    while not stop.is_set():
        pause = TRY_AGAIN
        try:
            held = await journal.take_lease(LEASE, owner=owner, lease=settings.every)
            if held.owner == owner:
                pause = settings.every
                dropped = await pruned(journal, settings.older_than, stop=stop.is_set)
                log.info("journal_pruned", rows=sum(each.rows for each in dropped))
                if stop.is_set():  # another process goes on
                    await journal.give_back_lease(LEASE, owner=owner)
        except JournalError as error:
            pause = TRY_AGAIN
            log.error("pruning_failed", error=error.message)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)
