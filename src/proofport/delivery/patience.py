"""Waiting for a vendor that gives no usable answer: again after each pause, for as long as there is patience."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import TypeVar

from proofport.errors import ProofportError, Retryable
from proofport.logs import get_logger

T = TypeVar("T")
LONGEST_PAUSE = 60.0
log = get_logger("delivery")

Tell = Callable[[str | None], None]
"""Gets a sentence about what is waited for, every second, and None when that is over."""


async def patiently(
    attempt: Callable[[], Awaitable[T]],
    patience: float,
    tell: Tell,
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> T:
    """What `attempt` gives, made anew after each pause. Raises its error when it is final, or patience (seconds) ends.

    An error is marked `lost` when any of the attempts may have taken effect.
    """
    waited, number, lost = 0.0, 0, False
    while True:
        try:
            result = await attempt()
        except ProofportError as error:
            lost = error.lost = error.lost or lost
            if not isinstance(error, Retryable):
                raise
            pause = error.after or min(2.0 ** min(number, 6), LONGEST_PAUSE)
            if waited + pause > patience:
                raise
            log.warning("vendor_waited_for", seconds=round(pause, 1), error=error.message)
            await _count_down(pause, error, tell, sleep)
            waited, number = waited + pause, number + 1
        else:
            tell(None)
            return result


async def _count_down(seconds: float, error: Retryable, tell: Tell, sleep: Callable[[float], Awaitable[None]]) -> None:
    while seconds > 0:
        tell(f"{error.message}; goes on in {math.ceil(seconds)} s")
        await sleep(min(1.0, seconds))
        seconds -= 1.0
