"""The clock by which lanes wait: when it is set back, what waits is moved with it, and the log says so.

Leases, rests and budgets are moments. A clock that was wrong by an hour and is put right would let all of them wait for
that hour. So a journal notes the latest time that it has seen, and whoever finds that the clock is behind it moves them
by as much. A clock that is set forward lets nothing wait: leases and rests end early, which loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from proofport.journal.contract import since_boot
from proofport.journal.sql.steps import Change, Query, Steps
from proofport.logs import get_logger

BACK = 5.0
"""Seconds by which a clock may run back unnoticed: what waits is late by no more than that."""

NOTE_EVERY = 10.0
"""Seconds after which the latest time is noted again."""

GRACE = 30.0
"""Seconds that whoever lives has to renew a lease that was moved: it may be of before the clock was wrong."""

FORWARD = 60.0
"""Seconds by which a clock is ahead when the log says so."""

log = get_logger("journal")


class Watch:
    """Notices in one process that the clock was set. `timer`: seconds that nobody sets."""

    def __init__(self, timer: Callable[[], float] = since_boot) -> None:
        self._timer = timer
        self._last: tuple[float, float] | None = None
        self._noted: float | None = None

    def is_due(self, now: float, *, only_back: bool = False) -> bool:
        """True when `checked` is to be carried out: the clock went back, or was not noted lately (`only_back`: no)."""
        timer = self._timer()
        by = now - self._last[0] - (timer - self._last[1]) if self._last else 0.0
        self._last = now, timer
        if by > FORWARD:
            log.warning("clock_set_forward", seconds=round(by))
        if self._noted is None or by < -BACK or (not only_back and now > self._noted + NOTE_EVERY):
            self._noted = now
            return True
        return False

    def again(self) -> None:
        """`checked` has failed: it is due again."""
        self._noted = None


def checked(shifts: Mapping[str, object]) -> Steps[float]:
    """Move what waits, if the clock is behind the time that was noted, and note the time.

    Returns the seconds by which it went back, else 0. `shifts`: the names of queries that move, among others.
    """
    rows = yield Query("locked_clock", {})
    by = float(rows[0][0]) if rows else NOTE_EVERY
    if by < -BACK:
        for name in shifts:
            if name.startswith("shift_"):
                yield Change(name, {"by": by, "grace": GRACE})
    elif by < NOTE_EVERY:
        return 0.0
    yield Change("note_clock", {})
    return -min(by, 0.0)


def told(seconds: float) -> None:
    """Log that the clock went back, if it did."""
    if seconds:
        log.warning("clock_set_back", seconds=round(seconds))
