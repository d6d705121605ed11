"""Dates and times in all the forms that tools write, to the one spelling of each that evidence has."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import ROUND_FLOOR, Decimal
from email.utils import parsedate_to_datetime
from typing import Any, TypeAlias

from proofport.evidence import format_timestamp, read_moment
from proofport.mapping.language.nodes import Conversion, Times
from proofport.mapping.language.times import has_time
from proofport.text.wording import DATE_HINT, ZONE_HINT, describe, listing, reject

Read: TypeAlias = "datetime | date | None"
"""The result of reading a value in a form: a plain date, a date and time, or None where the value has another form."""

LONGEST = 100
"""Characters of a time."""
PLAIN = Times()
"""`as: datetime` with nothing beside it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE = len("2026-01-31")
_DAY_OF_EXCEL = re.compile(r"[2-7][0-9]{4}(\.[0-9]+)?")
"""From 1954 to 2119."""
_NUMBER = re.compile(r"-?[0-9]{1,17}(\.[0-9]{0,30})?")
_LOOSE_ISO = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)[Tt ]?(\d\d):?(\d\d):?(\d\d)([.,]\d+)? ?(?:(UTC|GMT|[Zz])|([+-]\d\d(?::?\d\d)?)(?: UTC)?)?"
    r"(?:\[[\w/+-]+\])?",
    re.ASCII,
)
_LIKE_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_RFC1123 = re.compile(r"(?:[A-Za-z]{3}, )?\d{1,2} [A-Za-z]{3} \d{4} \d\d:\d\d(?::\d\d)? (?:GMT|UTC|Z|[+-]\d{4})")
_JSON_DATE = re.compile(r"/Date\((-?\d{1,17})([+-]\d{4})?\)/", re.ASCII)
_MILLISECONDS_FROM = 100_000_000_000
"""A number from here on would be a second after the year 5000, so it counts milliseconds."""


def as_datetime(times: Times, value: Any, field: str) -> str:
    """RFC 3339 in UTC."""
    found = read(times, value)
    if found is None:
        raise reject(
            field, describe(value), _expected(times, "a date and time", "T09:00:00Z"), _hint(value, times, "datetime")
        )
    if not isinstance(found, datetime):
        if times.at is None:
            raise reject(field, f"the date {describe(value)}", "a date and time with its time zone", DATE_HINT)
        found = datetime.combine(found, times.at, times.zone or UTC)
    elif found.tzinfo is None:
        if times.zone is None:
            hint = f"{ZONE_HINT} Or name its zone: {{as: datetime, zone: Europe/Berlin}}."
            raise reject(field, f"{describe(value)} without a time zone", "a date and time with its time zone", hint)
        found = found.replace(tzinfo=times.zone)
    try:
        return format_timestamp(found)
    except OverflowError:
        raise reject(field, describe(str(found)), "a time between the years 1 and 9999") from None


def as_date(times: Times, value: Any, field: str) -> str:
    """`YYYY-MM-DD`; of a date and time, the date as it is written, or that in the zone which is named."""
    found = read(times, value)
    if found is None:
        raise reject(field, describe(value), _expected(times, "a date", ""), _hint(value, times, "date"))
    if isinstance(found, datetime):
        try:
            moved = found.astimezone(times.zone) if times.zone is not None and found.tzinfo is not None else found
        except OverflowError:
            raise reject(field, describe(str(found)), "a time between the years 1 and 9999") from None
        found = moved.date()
    return found.isoformat()


def read(times: Times, value: Any) -> Read:
    """A value by the first form that it has."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, str) and len(value) > LONGEST:
        return None
    for form in times.forms:
        try:
            found = _READERS[form](value) if form in _READERS else _by_format(form, value)
        except (ValueError, OverflowError):
            continue
        if found is not None:
            return found
    return None


def _iso(value: Any) -> Read:
    if not isinstance(value, str) or (value.isdigit() and len(value) not in (8, 14)):
        return None
    if len(value) <= _DATE:
        return date.fromisoformat(value)
    try:
        return read_moment(value)
    except ValueError:
        parts = _LOOSE_ISO.fullmatch(value)
    if parts is None:
        return None
    year, month, day, hour, minute, second, fraction, utc, offset = parts.groups(default="")
    return datetime.fromisoformat(
        f"{year}-{month}-{day}T{hour}:{minute}:{second}{fraction}{'+00:00' if utc else offset}"
    )


def _rfc1123(value: Any) -> Read:
    if not isinstance(value, str) or not _RFC1123.fullmatch(value):
        return None
    found = parsedate_to_datetime(value)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)  # of -0000 nobody knows the place


def _json_date(value: Any) -> Read:
    found = _JSON_DATE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    moment = _EPOCH + timedelta(milliseconds=int(found[1]))
    if offset := found[2]:
        return moment.astimezone(timezone(timedelta(hours=int(offset[:3]), minutes=int(offset[0] + offset[3:]))))
    return moment


def _epoch(value: Any, microseconds: int) -> Read:
    """A count since 1970, as a number or as text of one. Its fraction counts to the microsecond."""
    if isinstance(value, str):
        number = Decimal(value) if _NUMBER.fullmatch(value) else None
    elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        number = Decimal(repr(value)) if abs(value) < 10**17 else None
    else:
        number = None
    if number is None:
        return None
    return _EPOCH + timedelta(microseconds=int((number * microseconds).to_integral_value(ROUND_FLOOR)))


def _by_format(form: str, value: Any) -> Read:
    if not isinstance(value, str):
        return None
    found = datetime.strptime(value, form)  # noqa: DTZ007  # `zone:` is for those without one
    return found if has_time(form) else found.date()


_READERS: dict[str, Callable[[Any], Read]] = {
    "iso": _iso,
    "epoch_seconds": lambda value: _epoch(value, 1_000_000),
    "epoch_ms": lambda value: _epoch(value, 1_000),
    "rfc1123": _rfc1123,
    "json_date": _json_date,
}


# ------------------------------------------------------------------ messages
def _expected(times: Times, what: str, rest: str) -> str:
    if times.forms == PLAIN.forms:
        return f"{what} in ISO 8601, for example 2026-01-31{rest}"
    return f"{what} as from: says: {listing(times.forms)}"


def _hint(value: Any, times: Times, to: Conversion) -> str | None:
    """The key that would make the rule accept a value. None for what no calendar has."""
    if isinstance(value, str) and not any(each in value for each in "123456789"):
        return f"If it stands for nothing, say so once a file: nothing: [{value!r}]."
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if (number or isinstance(value, str)) and _DAY_OF_EXCEL.fullmatch(str(value)):
        return "If it is a day as Excel counts them, format its cells as dates in Excel, and save the file again."
    if number or (isinstance(value, str) and _NUMBER.fullmatch(value) and len(value) > _DATE - 1):
        return f"If it counts from 1970, say so: from: {_unit(value if number else float(value))}."
    for form in _READERS if isinstance(value, str) else ():
        if form not in times.forms and read(Times((form,)), value) is not None:
            return f"Say how it is written: from: {form}."
    if not isinstance(value, str) or _LIKE_ISO.match(value):
        return None
    at = ', at: "00:00"' if ":" not in value and to == "datetime" and times.at is None else ""
    return f'Say how it is written, for example from: "%d/%m/%Y"{at}.'


def _unit(number: float) -> str:
    return "epoch_ms" if abs(number) >= _MILLISECONDS_FROM else "epoch_seconds"
