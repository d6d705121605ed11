"""How often somebody may come: GCRA, one number for each who does (https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm).

In the memory of one process: two relays on one journal each allow the whole rate, and a restart forgets it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

KEPT = 10_000


class Rates:
    """`per_minute` in the long run (0: no limit), `burst` at once. `clock`: seconds that never go back."""

    def __init__(self, per_minute: int, burst: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval = 60 / per_minute if per_minute else 0.0
        self._tolerance = self._interval * (burst - 1)
        self._clock = clock
        self._due: dict[str, float] = {}

    def take(self, who: str) -> float:
        """0: go. Else the seconds to wait, and nothing was taken."""
        if not self._interval:
            return 0.0
        now = self._clock()
        due = max(self._due.get(who, now), now)
        if due - now > self._tolerance:
            return due - now - self._tolerance
        if len(self._due) >= KEPT:
            # Who is due now is as good as new. Whoever would still be too many is forgotten: memory has an end.
            self._due = {each: at for each, at in self._due.items() if at > now}
            if len(self._due) >= KEPT:
                self._due.clear()
        self._due[who] = due + self._interval
        return 0.0
