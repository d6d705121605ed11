"""Holding a lane: claim it, keep its lease alive from the background, and hear at once when it is lost."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

from proofport.errors import JournalError, LaneLost, ProofportError, Retryable
from proofport.journal.contract import Journal, LaneRun, since_boot
from proofport.logs import get_logger
from proofport.wire import Call

RENEWALS = 3
POLL = 0.5

log = get_logger("delivery")


def new_owner() -> str:
    """Names this process for people: host, process id and a word that tells two runs of one process apart."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"


class Holder:
    """A held lane. `permit`, asked before every call to the vendor, raises LaneLost when another process has it."""

    def __init__(self, run: LaneRun, lease: float, clock: Callable[[], float] = since_boot) -> None:
        self.run = run
        self._lease = lease
        self._clock = clock
        self._renewed = clock()

    async def confirm(self) -> None:
        """Ask the journal whether the lane is still ours, and extend the lease."""
        asked = self._clock()
        await self.run.renew()
        self._renewed = asked

    async def permit(self, call: Call, *, surely: bool = False) -> None:
        """Ask the journal before every call that destroys, or may (`surely`). Before another write, ask it when the
        lease may have run out meanwhile, as in a process that was frozen."""
        writes = call.method != "GET"
        stale = self._clock() - self._renewed > self._lease / 2
        if call.destructive or (writes and (surely or stale)):
            await self.confirm()


@asynccontextmanager
async def hold(
    journal: Journal,
    lane: str,
    *,
    retry_seconds: float,
    on_wait: Callable[[str], None],
    on_lost: Callable[[ProofportError], None],
    lease: float,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[Holder]:
    """The lane, for as long as the block runs. Raises Retryable when another process keeps it for too long."""
    owner, waited = new_owner(), 0.0
    while (run := await journal.claim(lane, owner=owner, lease=lease)) is None:
        other = next((view.owner for view in await journal.lanes() if view.lane == lane), None)
        busy = f"the lane {lane} is held by another process ({other or 'unknown'})"
        if waited >= retry_seconds:
            raise Retryable(busy, hint=f"Wait for it to end; if it died, the lane is free {lease:.0f} seconds later.")
        on_wait(f"{busy}; waiting")
        await sleep(POLL)
        waited += POLL
    holder = Holder(run, lease)
    try:
        async with renewing(holder.confirm, lease, on_lost, lane=lane):
            yield holder
    finally:
        try:
            await run.release()
        except JournalError as error:  # the lease runs out; what the block has to say is not lost for it
            log.warning("lane_not_released", lane=lane, error=error.message)


@asynccontextmanager
async def renewing(
    renew: Callable[[], Awaitable[None]], lease: float, on_lost: Callable[[ProofportError], None], **held: str
) -> AsyncIterator[None]:
    """Renew a lease while the block runs, until it is lost. `held` names in logs what it is for."""

    async def keep() -> None:
        while True:
            await asyncio.sleep(lease / RENEWALS)
            try:
                await renew()
            except LaneLost as error:
                on_lost(error)
                return
            except JournalError as error:
                log.warning("lease_not_renewed", **held, error=error.message)

    async with alongside(keep()):
        yield


@asynccontextmanager
async def alongside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do `work` while the block runs, and no longer."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
