"""Spans of time as people write them (90s, 15m, 26h, 2d), and moments as RFC 3339 has them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BeforeValidator, Field

UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
EXPECTED = "a number with s, m, h or d, such as 26h or 2d"
_SPAN = re.compile(r"([0-9]{1,6})([smhd])")


def seconds_of(text: str) -> float:
    """Raises ValueError for what is no span, and for none at all."""
    span = _SPAN.fullmatch(text.strip())
    if span is None or not int(span[1]):
        raise ValueError(f"expected {EXPECTED}")
    return float(int(span[1]) * UNITS[span[2]])


def in_words(seconds: float) -> str:
    """A span in its two largest units: 3 d 2 h."""
    left = int(max(0.0, seconds))
    parts: list[tuple[int, str]] = []
    for unit, size in UNITS.items():
        count, left = divmod(left, size)
        if count or parts:
            parts.append((count, unit))
    return " ".join(f"{count} {unit}" for count, unit in parts[:2] if count) or "0 s"


def moment(at: float, timespec: str = "seconds") -> str:
    """Seconds since 1970 as a moment in UTC: 2026-01-31T09:00:00Z. `timespec`: as `datetime.isoformat` takes it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


def _seconds(given: object) -> object:
    if isinstance(given, str):
        return seconds_of(given)
    if isinstance(given, float) and given > 0 and given.is_integer():  # it was read before, or a program gives seconds
        return given
    raise ValueError(f"expected {EXPECTED}")


Duration = Annotated[float, BeforeValidator(_seconds), Field(gt=0)]
"""A setting that is written as a span, in seconds."""
