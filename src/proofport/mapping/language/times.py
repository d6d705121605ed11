"""`from:`, `zone:` and `at:` beside `as: datetime` and `as: date`: how a time is written where it is read."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, available_timezones

from proofport.mapping.language.nodes import Times
from proofport.text.wording import did_you_mean, listing
from proofport.text.yaml_nodes import Items, Keys, Node, text_of

WORDS = ("iso", "epoch_seconds", "epoch_ms", "rfc1123", "json_date")
OF_TIMES = ("from", "zone", "at")
FORM = f'one of {listing(WORDS)}, or a format such as "%d/%m/%Y"'
_OFFSET = re.compile(r"([+-])(\d\d):([0-5]\d)")
_SAMPLE = datetime(2026, 1, 31, 21, tzinfo=UTC)
_MACHINES_OWN = ("%c", "%x", "%X", "%Z")


def times(keys: Keys, to: str) -> Times:
    """The keys beside `as: datetime`, or `as: date`."""
    if to not in ("date", "datetime"):
        keys.refuse(OF_TIMES, f"beside 'as: {to}'", "it beside as: datetime or as: date")
    if to == "date":
        keys.refuse(("at",), "beside 'as: date'", "it beside as: datetime: a date has no time of day")
    return Times(
        forms=keys.read("from", _forms, ("iso",)),
        zone=keys.read("zone", _zone, None),
        at=keys.read("at", _time_of_day, None),
    )


def _forms(node: Node) -> tuple[str, ...]:
    nodes = node.items if isinstance(node, Items) else (node,)
    if not nodes:
        raise node.at.error("an empty list", FORM)
    forms = tuple(map(_form, nodes))
    if {"epoch_seconds", "epoch_ms"} <= set(forms):
        raise node.at.error("epoch_seconds beside epoch_ms", "one of the two: every number fits both")
    return forms


def _form(node: Node) -> str:
    text = text_of(node, FORM)
    if text in WORDS:
        return text
    if "%" not in text:
        raise node.at.error(repr(text), FORM, hint=did_you_mean(text, WORDS))
    for directive in _MACHINES_OWN:
        if directive in text.replace("%%", ""):
            hint = "Write the word itself, with zone: beside it, or %z for an offset." if directive == "%Z" else None
            raise node.at.error(f"{directive}, which every machine reads differently", "other directives", hint=hint)
    try:
        read = datetime.strptime(_SAMPLE.strftime(text), text)  # noqa: DTZ007  # only its date is looked at
    except (ValueError, re.error) as error:
        raise node.at.error(repr(text), f"a format as Python's strptime takes it ({error})") from None
    if read.date() != _SAMPLE.date():
        raise node.at.error(f"the format {text!r}", "one with year, month and day: %Y, %m or %b, %d")
    if has_time(text) and read.hour != _SAMPLE.hour:
        raise node.at.error(f"the format {text!r}", "one that tells morning from evening: %H, or %I with %p")
    return text


def has_time(form: str) -> bool:
    """True if a format has a time of day. Without one it is of a plain date."""
    return any(directive in form for directive in ("%H", "%I"))


def _zone(node: Node) -> tzinfo:
    expected = 'a time zone: Europe/Berlin, UTC, or an offset in quotes: "+01:00"'
    name = text_of(node, expected)
    if found := _OFFSET.fullmatch(name):
        offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
        if offset < timedelta(days=1):
            return timezone(-offset if found[1] == "-" else offset)
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        known = available_timezones()
        hint = did_you_mean(name, known) if known else "This system has no time zones: pip install tzdata."
        raise node.at.error(repr(name), expected, hint=hint) from None


def _time_of_day(node: Node) -> time:
    expected = 'a time of day in quotes: "00:00"'
    text = text_of(node, expected)
    if not re.fullmatch(r"\d\d:\d\d(:\d\d)?", text):
        raise node.at.error(repr(text), expected)
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise node.at.error(repr(text), expected) from None
