"""The retry time of a task: how much of it is left, and so how long the next request may take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Self

LONGEST_ATTEMPT = 60.0
LEAST_ATTEMPT = 1.0
"""Seconds that one request may take. The least is for a look at what has become of another, when no time is left."""


class Patience:
    """Counts the time since the vendor's last answer, and all that was waited for before.

    `seconds` 0: nothing is tried again after a pause, and no request is cut short.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._waited = 0.0
        self._since = clock()

    @property
    def left(self) -> float:
        return self.seconds - self._waited - (self._clock() - self._since)

    @property
    def attempt(self) -> float:
        """Seconds that the next request may take."""
        return min(LONGEST_ATTEMPT, max(LEAST_ATTEMPT, self.left)) if self.seconds else LONGEST_ATTEMPT

    def answered(self) -> None:
        """Count from now on: the vendor has given an answer."""
        self._since = self._clock()

    def waited(self, pause: float) -> None:
        """Count the time since the last answer, and a pause."""
        self._waited = self.seconds - self.left + pause
        self._since = self._clock()

    @contextmanager
    def ours(self) -> Iterator[None]:
        """Leave out the time of the block: the vendor has no part in it."""
        began = self._clock()
        try:
            yield
        finally:
            self._since += self._clock() - began

    @contextmanager
    def applied(self) -> Iterator[Self]:
        """Let it apply to all requests of the block."""
        before = _APPLIED.set(self)
        try:
            yield self
        finally:
            _APPLIED.reset(before)


_APPLIED: ContextVar[Patience | None] = ContextVar("patience", default=None)


def current() -> Patience:
    """That which applies to a request. Without one, nobody waits for the vendor any longer than for one request."""
    return _APPLIED.get() or Patience(0)
