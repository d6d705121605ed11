"""Working on lanes: claim the next one when a slot is free, drain it, give it back."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Protocol

from proofport.errors import JournalError, LaneLost
from proofport.journal.contract import LaneRun, Places
from proofport.logs import get_logger

POLL = 0.05
"""Seconds between two looks for what has become due, or was accepted by another process."""

PAUSE = 1.0
"""Seconds after which a journal that could not be used is tried again."""

Drain = Callable[[LaneRun], Awaitable[None]]
IsDue = Callable[[Sequence[str]], Awaitable[bool]]

log = get_logger("journal")


class Claim(Protocol):
    def __call__(self, *, places: Places) -> Awaitable[LaneRun | None]: ...


class Slots:
    """The lanes that one process drains at a time, and whose they are.

    `shared`: a tenant gets one more only while it has fewer than are free. One alone gets half, and what is free is for
    those who come: a vendor that hangs holds up the lanes of its own tenant.
    """

    def __init__(self, count: int, *, shared: bool) -> None:
        self._free = count
        self._shared = shared
        self._held = Counter[str]()
        self._given_back = asyncio.Event()

    @property
    def places(self) -> Places:
        full = [tenant for tenant, held in self._held.items() if held >= self._free] if self._shared else []
        return Places(dict(self._held), full)

    @property
    def any_free(self) -> bool:
        return self._free > 0

    def may_take(self, tenant: str) -> bool:
        return self.any_free and tenant not in self.places.full

    async def free(self) -> None:
        """Return when one is free."""
        while not self.any_free:
            self._given_back.clear()
            await self._given_back.wait()

    def take(self, tenant: str) -> None:
        self._free -= 1
        self._held[tenant] += 1

    def give_back(self, tenant: str, news: asyncio.Event, _: object = None) -> None:
        """One more is free, and perhaps a tenant is full no more."""
        self._free += 1
        self._held[tenant] -= 1
        self._held += Counter()  # drops who holds none
        self._given_back.set()
        news.set()


async def work(
    claim: Claim,
    is_due: IsDue,
    news: asyncio.Event,
    drain: Drain,
    slots: Slots,
    stop: asyncio.Event,
    *,
    poll: float | None = None,
) -> None:
    """Drain lanes until `stop` is set. `is_due` is cheap: it is asked at every `news` and poll, `claim` only then."""
    stopping = asyncio.create_task(_ring_at(stop, news))
    try:
        async with asyncio.TaskGroup() as drains:
            while not stop.is_set():
                await slots.free()
                lane = await _next(claim, is_due, news, slots, stop, POLL if poll is None else poll)
                if lane is not None:
                    slots.take(lane.tenant)
                    draining = drains.create_task(drained(drain, lane))
                    draining.add_done_callback(partial(slots.give_back, lane.tenant, news))
    finally:
        stopping.cancel()


async def _next(
    claim: Claim, is_due: IsDue, news: asyncio.Event, slots: Slots, stop: asyncio.Event, poll: float
) -> LaneRun | None:
    """The next lane to drain, when there is one. None: it is time to stop."""
    while not stop.is_set():
        news.clear()
        wait, places = poll, slots.places
        try:
            if await is_due(places.full) and (lane := await claim(places=places)) is not None:
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

    A drain that breaks down keeps its lane: nobody is helped when it breaks down again at once. Where the journal was
    to blame, nothing that waits there is.
    """
    try:
        await drain(lane)
        await lane.release()
    except LaneLost as error:
        log.warning("lane_lost", lane=lane.lane, epoch=lane.epoch, error=error.message)
    except JournalError as error:
        log.error("journal_unavailable", lane=lane.lane, error=error.message)
        with suppress(JournalError, LaneLost):
            await lane.excuse()
    except asyncio.CancelledError:
        await lane.release()
        raise
    except Exception:
        log.exception("drain_failed", lane=lane.lane, epoch=lane.epoch)
