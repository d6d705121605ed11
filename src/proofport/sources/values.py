"""Values of Python as JSON has them: what a database, a spreadsheet or a program holds in a row."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from uuid import UUID

from proofport.errors import Problem
from proofport.sources.reader import Malformed

_AS_THEY_ARE = {str, int, bool, type(None)}
_AS_TEXT = (UUID, IPv4Address, IPv6Address, timedelta)


def record_of(row: Mapping[Any, Any]) -> dict[str, Any] | Malformed:
    """A row as a record. Times become ISO 8601; one without a zone has none then, either.

    Malformed where a value has no form in JSON that says the same.
    """
    try:
        return {_name(name): plain(value) for name, value in row.items()}
    except Unwritable as error:
        names = (name for name, value in row.items() if not _is_plain(value))
        found = Problem(str(error), "a value that JSON has", field=str(next(names, "")) or None, hint=error.hint)
        return Malformed(found, {str(name): plain(value) for name, value in row.items() if _is_plain(value)})


class Unwritable(ValueError):
    """A value has no form in JSON that says the same."""

    hint = "Convert it at the source, or leave it out."


def plain(value: Any) -> Any:
    """A value as JSON has it. Raises Unwritable."""
    if value.__class__ in _AS_THEY_ARE:
        return value
    match value:
        case float():
            return _finite(value)
        case Decimal():
            return _number(value)
        case Enum():
            return plain(value.value)
        case str():
            return str(value)
        case int():
            return int(value)
        case datetime() | date() | time():
            return value.isoformat()
        case Mapping():
            return {_name(name): plain(each) for name, each in value.items()}
        case list() | tuple():
            return [plain(each) for each in value]
    if isinstance(value, _AS_TEXT):
        return str(value)
    raise Unwritable(f"a value of the type {type(value).__name__}")


def _is_plain(value: Any) -> bool:
    try:
        plain(value)
    except Unwritable:
        return False
    return True


def _name(name: Any) -> str:
    if not isinstance(name, str):
        raise Unwritable(f"a key of the type {type(name).__name__}")
    return name


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise Unwritable(f"the number {value}")
    return value


def _number(value: Decimal) -> int | float:
    if not value.is_finite():
        raise Unwritable(f"the number {value}")
    if value == value.to_integral_value():
        return int(value)
    number = float(value)
    if Decimal(repr(number)) != value:
        raise Unwritable(f"the number {value}, which has more digits than a number of JSON keeps")
    return number
