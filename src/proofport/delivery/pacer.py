"""The request budget of a vendor's host: evenly spaced permits with a small burst (GCRA)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

BURST = 10


class Pacer:
    """Spaces requests to one host. `per_minute` 0 lets everything through."""

    def __init__(self, per_minute: int, *, clock: Callable[[], float] | None = None) -> None:
        self._interval = 60 / per_minute if per_minute else 0.0
        self._clock = clock or asyncio.get_running_loop().time
        self._next = 0.0

    def permit(self) -> float:
        """Take a permit; the seconds to wait before using it."""
        now = self._clock()
        self._next = max(self._next, now - self._interval * (BURST - 1))
        wait = max(0.0, self._next - now)
        self._next += self._interval
        return wait
