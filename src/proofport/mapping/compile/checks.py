"""Quick checks that generated code calls: is a value canonical?"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from proofport.evidence import BETWEEN, format_timestamp

LEAST, MOST = -(2**63), 2**64 - 1
"""The integers that can be sent: JSON encoders and the vendors' databases stop at 64 bits."""
DEEPEST = 50
"""JSON that is nested deeper is left to the model."""


def timestamp(value: Any) -> str | None:
    """The canonical spelling of an aware time in ISO 8601; None for anything else."""
    try:
        moment = datetime.fromisoformat(value)
        # The two usual spellings are cut from the text, because formatting a datetime costs as much as the rest of a
        # record. Some Pythons read 24:00 as midnight of the next day.
        if moment.tzinfo is UTC and (moment.hour or value[11] == "0"):
            text: str = value
            marks = text[4::3]
            if marks == "--T::Z" and len(text) == 20:
                return text
            if marks == "--T::+:":
                return text[:19] + "Z"
        if moment.tzinfo is None or "\0" in value or not BETWEEN.intersection(value[7:11]):
            return None  # after a NUL nothing is read, and any character is taken between date and time
        return format_timestamp(moment)
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


def is_text(value: Any) -> bool:
    """True for text that UTF-8 can carry: no lone surrogates."""
    if value.__class__ is not str:
        return False
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_scalar(value: Any) -> bool:
    return value.__class__ is not list and value.__class__ is not dict and is_json(value)


def is_json(value: Any, depth: int = 0) -> bool:
    """True for JSON as the encoder writes it, if it is not nested so deep that a model might refuse it."""
    kind = value.__class__
    if kind is str:
        return is_text(value)
    if kind is bool or value is None:
        return True
    if kind is int:
        return bool(LEAST <= value <= MOST)
    if kind is float:
        return math.isfinite(value)
    if depth >= DEEPEST or (kind is not dict and kind is not list):
        return False
    # Loops, because a generator costs as much again.
    for item in value if kind is list else value.values():
        if not ((item.__class__ is str and item.isascii()) or is_json(item, depth + 1)):
            return False
    for name in value if kind is dict else ():  # noqa: SIM110
        if not ((name.__class__ is str and name.isascii()) or is_text(name)):
            return False
    return True
