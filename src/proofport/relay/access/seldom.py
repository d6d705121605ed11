"""Keeps what strangers cause out of the log when there is too much of it, so that they cannot fill the disk."""

from __future__ import annotations

import time
from collections.abc import Callable

LINES, SECONDS = 60, 60.0
"""So many lines in so many seconds."""


class Seldom:
    """Allows LINES in SECONDS, and counts the rest. `clock`: seconds that never go back."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends = 0.0
        self._said = 0
        self._unsaid = 0

    def turn(self) -> int | None:
        """How many lines were left out since the last one, or None where this one is to be left out, too."""
        now = self._clock()
        if now >= self._ends:
            self._ends, self._said = now + SECONDS, 0
        if self._said >= LINES:
            self._unsaid += 1
            return None
        self._said += 1
        unsaid, self._unsaid = self._unsaid, 0
        return unsaid
