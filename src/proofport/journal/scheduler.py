"""Working on lanes: claim the next one when a slot is free, drain it, give it back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from proofport.errors import JournalError, LaneLost
from proofport.journal.contract import LaneRun
from proofport.logs import get_logger

POLL = 0.05
"""Seconds between two looks for what has become due, or was accepted by another process."""

PAUSE = 1.0
"""Seconds after which a journal that could not be used is tried again."""

Claim = Callable[[], Awaitable[LaneRun | None]]
Drain = Callable[[LaneRun], Awaitable[None]]

log = get_logger("journal")


async def work(
    claim: Claim,
    is_due: Callable[[], Awaitable[bool]],
    news: asyncio.Event,
    drain: Drain,
    *,
    slots: int,
    stop: asyncio.Event,
) -> None:
    """Drain lanes until `stop` is set. `is_due` is cheap: it is asked at every `news` and poll, `claim` only then."""
    free = asyncio.Semaphore(slots)
    stopping = asyncio.create_task(_ring_at(stop, news))
    try:
        async with asyncio.TaskGroup() as drains:
            while not stop.is_set():
                await free.acquire()
                lane = await _next(claim, is_due, news, stop)
                if lane is not None:
                    drains.create_task(drained(drain, lane)).add_done_callback(lambda _: free.release())
    finally:
        stopping.cancel()


async def _next(
    claim: Claim, is_due: Callable[[], Awaitable[bool]], news: asyncio.Event, stop: asyncio.Event
) -> LaneRun | None:
    """The next lane to drain, when there is one. None: it is time to stop."""
    while not stop.is_set():
        news.clear()
        wait = POLL
        try:
            if await is_due() and (lane := await claim()) is not None:
                return lane
        except JournalError as error:
            log.error("journal_unavailable", error=error.message)
            wait = PAUSE
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await news.wait()
    return None


async def _ring_at(stop: asyncio.Event, news: asyncio.Event) -> None:
    await stop.wait()
    news.set()


async def drained(drain: Drain, lane: LaneRun) -> None:
    """Drain a lane and give it back.

    A drain that breaks down keeps its lane: nobody is helped when it breaks down again at once.
    """
    try:
        await drain(lane)
        await lane.release()
    except LaneLost as error:
        log.warning("lane_lost", lane=lane.lane, epoch=lane.epoch, error=error.message)
    except JournalError as error:
        log.error("journal_unavailable", lane=lane.lane, error=error.message)
    except asyncio.CancelledError:
        await lane.release()
        raise
    except Exception:
        log.exception("drain_failed", lane=lane.lane, epoch=lane.epoch)
