"""What waits to be delivered, and how much room there is for more: looked at now and then, for whoever asks."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from proofport.gateway import Gateway
from proofport.journal.contract import LaneView

LOOK_EVERY = 1.0
"""Seconds for which one look answers everybody."""

SHARE = 20
"""A look at a long queue counts all of it: looking takes at most one part in so many of the time."""


@dataclass(frozen=True, slots=True)
class View:
    """One look. `free_bytes`: of the disk with the journal; None where it is on another machine, or in memory.

    `queued_bytes`: the size of what waits; None where it is not limited, for it is dear to count.
    """

    lanes: Sequence[LaneView]
    free_bytes: int | None
    at: float
    queued_bytes: int | None = None

    @property
    def deliveries(self) -> int:
        return sum(lane.queued for lane in self.lanes)

    @property
    def parked(self) -> int:
        return sum(lane.parked is not None for lane in self.lanes)

    @property
    def age(self) -> float:
        """Seconds that the oldest delivery has waited in a lane that is not parked: who waits there is told by that."""
        return max((self.age_of(lane) for lane in self.lanes if lane.parked is None), default=0.0)

    def age_of(self, lane: LaneView) -> float:
        return 0.0 if lane.oldest is None else max(0.0, self.at - lane.oldest)


class Backlog:
    """`look` is cheap to ask for at every request. `timer`: seconds that never go back."""

    def __init__(self, gateway: Gateway, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._gateway = gateway
        self._timer = timer
        self._looking = asyncio.Lock()
        self._view: View | None = None
        self._good_until = 0.0

    async def look(self) -> View:
        """Raises JournalError."""
        if self._view is not None and self._timer() < self._good_until:
            return self._view
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
