"""Looks at what waits to be delivered, and refuses evidence while there is too much of it, or no room to keep it."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from proofport.config.relay import Overload
from proofport.gateway import Gateway
from proofport.journal.contract import LaneView
from proofport.logs import get_logger
from proofport.relay.problems import ProblemError

LOOK_EVERY = 1.0
"""Seconds for which one look answers everybody."""

SHARE = 20
"""Looking at a long queue counts all of it: it takes at most one part in SHARE of the time."""

RETRY_AFTER = 30
"""Seconds after which a refused caller may try again."""

log = get_logger("relay")


@dataclass(frozen=True, slots=True)
class View:
    """One look at the backlog."""

    lanes: Sequence[LaneView]
    #: Of the disk with the journal; None where the journal is on another machine, or in memory.
    free_bytes: int | None
    #: When it was taken, in seconds since 1970.
    at: float
    #: The size of all that waits; None where it has no limit, because counting it is slow.
    queued_bytes: int | None = None

    @property
    def deliveries(self) -> int:
        return sum(lane.queued for lane in self.lanes)

    @property
    def parked(self) -> int:
        return sum(lane.parked is not None for lane in self.lanes)

    @property
    def age(self) -> float:
        """Seconds that the oldest delivery has waited; parked lanes, which wait for a person, are left out."""
        return max((self.age_of(lane) for lane in self.lanes if lane.parked is None), default=0.0)

    def age_of(self, lane: LaneView) -> float:
        return 0.0 if lane.oldest is None else max(0.0, self.at - lane.oldest)


class Backlog:
    """`look` is cheap enough for every request. `timer`: seconds that never go back."""

    def __init__(self, gateway: Gateway, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._gateway = gateway
        self._timer = timer
        self._looking = asyncio.Lock()
        self._view: View | None = None
        self._good_until = 0.0

    async def look(self) -> View:
        """Raises JournalError."""
        async with self._looking:
            started = self._timer()
            if self._view is None or started >= self._good_until:
                journal = await self._gateway.journal()
                size = await journal.queued_bytes() if self._gateway.config.relay.overload.bytes else None
                self._view = View(await journal.lanes(), self._free_bytes(), time.time(), size)
                ended = self._timer()
                self._good_until = ended + max(LOOK_EVERY, SHARE * (ended - started))
            return self._view

    def _free_bytes(self) -> int | None:
        place = self._gateway.config.journal
        if not isinstance(place, Path):
            return None
        try:
            return shutil.disk_usage(place.parent).free
        except OSError:
            return None


class Backpressure:
    """Refuses evidence, and nothing else: other requests look, or make the queue shorter."""

    def __init__(self, backlog: Backlog, limits: Overload) -> None:
        self._backlog = backlog
        self._limits = limits
        self._reason: str | None = None

    async def admit(self) -> None:
        """Log when refusing begins and when it ends. Raises ProblemError (overloaded), JournalError."""
        before, self._reason = self._reason, self.excess(await self._backlog.look())
        if self._reason is None:
            if before is not None:
                log.info("overload_over")
            return
        if before is None:
            log.error("overloaded", reason=self._reason)
        detail = f"the relay takes no more evidence for now; try again after {RETRY_AFTER} s"
        raise ProblemError("overloaded", detail, headers={"Retry-After": str(RETRY_AFTER)})

    def excess(self, view: View) -> str | None:
        """The limit that is exceeded, in words for the log: they tell about all tenants."""
        limits = self._limits
        if limits.deliveries and view.deliveries >= limits.deliveries:
            return f"{view.deliveries:,} deliveries wait, at most {limits.deliveries:,} may"
        if limits.bytes and (view.queued_bytes or 0) >= limits.bytes:
            return f"{view.queued_bytes:,} bytes wait, at most {limits.bytes:,} may"
        if limits.age_seconds and view.age >= limits.age_seconds:
            return f"the oldest delivery has waited for {view.age:,.0f} s, at most {limits.age_seconds:,.0f} may pass"
        if view.free_bytes is not None and view.free_bytes < limits.free_bytes:
            return f"{view.free_bytes:,} bytes of the journal's disk are free, at least {limits.free_bytes:,} must be"
        return None
