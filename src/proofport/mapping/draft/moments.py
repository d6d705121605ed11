"""How the times of a column are written, in the words of `as: datetime`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from proofport.mapping.compile.times import Read, read
from proofport.mapping.draft.values import number_shape
from proofport.mapping.language.nodes import Times

DATES = ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%Y/%m/%d", "%d %b %Y", "%d-%b-%Y", "%b %d, %Y", "%B %d, %Y")
CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", ", %H:%M", ", %I:%M %p")
FORMS = ("iso", "rfc1123", "json_date", *(date + clock for date in DATES for clock in CLOCKS))
MOST_FORMS = 3
SECONDS, MILLISECONDS = (3e8, 4.2e9), (3e11, 4.2e12)
"""Counts since 1970 that are times of the years 1979 to 2103."""


def how_written(values: Sequence[Any]) -> tuple[dict[str, Any], list[str]] | None:
    """The keys beside `path:` for a column of times, and its doubts. None where some value is no time."""
    forms = _forms(values)
    if forms is None:
        return None
    found = [read(Times(forms), value) for value in values]
    rule: dict[str, Any] = {"as": "datetime"}
    if forms != ("iso",):
        rule["from"] = list(forms) if len(forms) > 1 else forms[0]
    doubts = [f"day and month may be the other way round: {other}" for form in forms for other in _turned(form, values)]
    if any(isinstance(moment, datetime) and moment.tzinfo is None for moment in found):
        rule["zone"] = "UTC"
        doubts.append("the times are written without a zone; is it UTC?")
    if any(moment is not None and not isinstance(moment, datetime) for moment in found):
        rule["at"] = "00:00"
        doubts.append("dates without a time of day become the beginning of the day, in UTC")
    return rule, doubts


def _forms(values: Sequence[Any]) -> tuple[str, ...] | None:
    """The fewest forms that read all values."""
    if not values or not all(isinstance(value, str | int | float) for value in values):
        return None
    numbers = [value for value in values if number_shape([value])]
    counted = _counting(numbers)
    if counted is None and not all(isinstance(value, str) for value in numbers):
        return None
    left = [value for value in values if counted is None or value not in numbers]
    chosen: list[str] = []
    while left:
        best = max(FORMS, key=lambda form: sum(_reads(form, value) is not None for value in left))
        rest = [value for value in left if _reads(best, value) is None]
        if len(rest) == len(left) or len(chosen) == MOST_FORMS:
            return None
        chosen.append(best)
        left = rest
    return (*chosen, counted) if counted is not None else tuple(chosen)


def _counting(numbers: Sequence[Any]) -> str | None:
    """`epoch_seconds` or `epoch_ms`, if all numbers are of one."""
    for form, (first, last) in (("epoch_seconds", SECONDS), ("epoch_ms", MILLISECONDS)):
        if numbers and all(first < float(value) < last for value in numbers):
            return form
    return None


def _reads(form: str, value: Any) -> Read:
    return read(Times((form,)), value) if isinstance(value, str) else None


def _turned(form: str, values: Sequence[Any]) -> list[str]:
    """The form with day and month the other way round, if it reads the same values."""
    other = form.replace("%d/%m", "%m/%d", 1) if "%d/%m" in form else form.replace("%m/%d", "%d/%m", 1)
    if other == form:
        return []
    mine = [value for value in values if _reads(form, value) is not None]
    return [other] if all(_reads(other, value) is not None for value in mine) else []
