"""Holding a lane: claim it, keep its lease alive from the background, and hear at once when it is lost."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from proofport.errors import LaneLost, Retryable
from proofport.journal.contract import Journal, LaneRun

LEASE = 90.0
"""Seconds. Longer than the longest request, so that a healthy owner never loses a lane over one slow call."""

RENEWALS = 3
POLL = 0.5


def new_owner() -> str:
    """Names this process for people: host, process id and a word that tells two runs of one process apart."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"


@asynccontextmanager
async def hold(
    journal: Journal,
    lane: str,
    *,
    patience: float,
    on_wait: Callable[[str], None],
    on_lost: Callable[[LaneLost], None],
    lease: float = LEASE,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[LaneRun]:
    """The lane, for as long as the block runs. Raises Retryable when another process keeps it beyond `patience`."""
    run = await _claim(journal, lane, patience, on_wait, lease, sleep)
    keeper = asyncio.create_task(_renew(run, lease / RENEWALS, on_lost))
    try:
        yield run
    finally:
        keeper.cancel()
        with suppress(asyncio.CancelledError):
            await keeper
        await run.release()


async def _claim(
    journal: Journal,
    lane: str,
    patience: float,
    on_wait: Callable[[str], None],
    lease: float,
    sleep: Callable[[float], Awaitable[None]],
) -> LaneRun:
    owner, waited = new_owner(), 0.0
    while (run := await journal.claim(lane, owner=owner, lease=lease)) is None:
        holder = next((view.owner for view in await journal.lanes() if view.lane == lane), None)
        busy = f"the lane {lane} is held by another process ({holder or 'unknown'})"
        if waited >= patience:
            raise Retryable(busy, hint="Wait for it to end; if it died, its lease runs out within two minutes.")
        on_wait(f"{busy}; waiting")
        await sleep(POLL)
        waited += POLL
    return run


async def _renew(run: LaneRun, every: float, on_lost: Callable[[LaneLost], None]) -> None:
    while True:
        await asyncio.sleep(every)
        try:
            await run.renew()
        except LaneLost as error:
            on_lost(error)
            return
