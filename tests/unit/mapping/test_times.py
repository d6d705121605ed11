"""Times as tools write them: every form, the zone of those without one, the time of day of plain dates."""

from __future__ import annotations

from typing import Any

import pytest

from proofport.errors import Rejected
from proofport.mapping import compile_source

from .conftest import Load
from .test_syntax import SOURCE, mistake

NINE = "2026-01-31T09:00:00Z"


def made(load: Load, rule: str, value: Any) -> Any:
    source = compile_source(load(f"{SOURCE}  f: {{path: $.t, {rule}}}\n"))
    return source({"id": "x", "t": value})["f"]


def refused(load: Load, rule: str, value: Any) -> str:
    with pytest.raises(Rejected) as caught:
        made(load, rule, value)
    assert caught.value.problem.field == "f"
    return str(caught.value)


@pytest.mark.parametrize(
    ("beside", "value", "expected"),
    [
        # what needs no word
        ("", "2026-01-31T09:00:00Z", NINE),
        ("", "2026-01-31t09:00:00z", NINE),
        ("", "2026-01-31T10:00:00+0100", NINE),
        ("", "2026-01-31 09:00:00 UTC", NINE),
        ("", "2026-01-31 09:00:00 +0000 UTC", NINE),
        ("", "2026-01-31T09:00:00 Z", NINE),
        ("", "2026-01-31T10:00:00+01:00[Europe/Berlin]", NINE),
        ("", "20260131090000Z", NINE),
        ("", "20260131T090000Z", NINE),
        ("", "20260131090000.5Z", "2026-01-31T09:00:00.500000Z"),
        ("", "2026-01-31T09:00:00.123456789Z", "2026-01-31T09:00:00.123456Z"),
        # numbers since 1970
        ("from: epoch_seconds", 1769850000, NINE),
        ("from: epoch_seconds", 1769850000.0, NINE),
        ("from: epoch_seconds", 1769850000.062, "2026-01-31T09:00:00.062000Z"),
        ("from: epoch_seconds", "1769850000.9999999", "2026-01-31T09:00:00.999999Z"),
        ("from: epoch_seconds", "1769850000", NINE),
        ("from: epoch_seconds", -1, "1969-12-31T23:59:59Z"),
        ("from: epoch_ms", 1769850000062, "2026-01-31T09:00:00.062000Z"),
        ("from: epoch_ms", "1769850000062", "2026-01-31T09:00:00.062000Z"),
        ("from: [iso, epoch_seconds]", "2026-01-31T09:00:00Z", NINE),
        ("from: [iso, epoch_seconds]", 1769850000, NINE),
        ("from: [iso, epoch_ms]", "1769010111200", "2026-01-21T15:41:51.200000Z"),
        # other spellings
        ("from: rfc1123", "Sat, 31 Jan 2026 09:00:00 GMT", NINE),
        ("from: rfc1123", "31 Jan 2026 10:00:00 +0100", NINE),
        ("from: json_date", "/Date(1769850000062)/", "2026-01-31T09:00:00.062000Z"),
        ("from: json_date", "/Date(1769850000000-0530)/", NINE),
        ('from: "%d/%m/%Y %H:%M", zone: UTC', "31/01/2026 09:00", NINE),
        ('from: "%d %b %Y %I:%M %p %z"', "31 Jan 2026 10:00 AM +0100", NINE),
        # a zone for what has none
        ("zone: Europe/Berlin", "2026-01-31 10:00:00", NINE),
        ("zone: Europe/Berlin", "2026-07-31 11:00:00", "2026-07-31T09:00:00Z"),
        ('zone: "-05:00"', "2026-01-31 04:00:00", NINE),
        ("zone: Europe/Berlin", "2026-01-31T09:00:00Z", NINE),
        # a time of day for a plain date
        ('at: "00:00"', "2026-01-31", "2026-01-31T00:00:00Z"),
        ('at: "23:59:59", zone: Europe/Berlin', "2026-01-31", "2026-01-31T22:59:59Z"),
        ('at: "12:00", from: "%d.%m.%Y"', "31.01.2026", "2026-01-31T12:00:00Z"),
        ('at: "00:00"', "2026-01-31T09:00:00Z", NINE),
        ('at: "00:00"', None, None),
    ],
)
def test_a_moment(load: Load, beside: str, value: Any, expected: str | None) -> None:
    assert made(load, f"as: datetime{', ' * bool(beside)}{beside}", value) == expected


@pytest.mark.parametrize(
    ("beside", "value", "expected"),
    [
        ("", "2026-01-31T23:59:00-08:00", "2026-01-31"),
        ("zone: UTC", "2026-01-31T23:59:00-08:00", "2026-02-01"),
        ('from: "%m/%d/%y"', "01/31/26", "2026-01-31"),
        ("from: epoch_seconds", 1769900000, "2026-01-31"),
        ("from: epoch_seconds, zone: Asia/Tokyo", 1769900000, "2026-02-01"),
    ],
)
def test_a_date(load: Load, beside: str, value: Any, expected: str) -> None:
    assert made(load, f"as: date{', ' * bool(beside)}{beside}", value) == expected


@pytest.mark.parametrize(
    ("rule", "value", "words"),
    [
        ("as: datetime", "2026-01-31", 'as: datetime, at: "00:00"}, in UTC unless zone: says otherwise'),
        ("as: datetime", "2026-01-31 09:00:00", "Or name its zone: {as: datetime, zone: Europe/Berlin}."),
        ("as: datetime", 1769850000, "If it counts from 1970, say so: from: epoch_seconds."),
        ("as: datetime", 1769850000000, "say so: from: epoch_ms."),
        ("as: datetime", "1769850000", "say so: from: epoch_seconds."),
        ("as: datetime", "Sat, 31 Jan 2026 09:00:00 GMT", "Say how it is written: from: rfc1123."),
        ("as: datetime", "/Date(1769850000000)/", "Say how it is written: from: json_date."),
        ("as: datetime", "31/01/2026", 'for example from: "%d/%m/%Y", at: "00:00".'),
        ("as: datetime", "31/01/2026 09:00", 'for example from: "%d/%m/%Y".'),
        ("as: datetime", "0000-00-00", "say so once a file: nothing: ['0000-00-00']."),
        ("as: datetime", "Never", "nothing: ['Never']."),
        ("as: datetime, from: epoch_seconds", 1769850000000, "from: epoch_ms."),
        ("as: datetime, from: epoch_seconds", "2026-01-31T09:00:00Z", "expected a date and time as from: says"),
        ("as: datetime, from: epoch_seconds", True, "found true"),
        ("as: datetime", 10**400, "from: epoch_ms"),
        ("as: datetime, from: epoch_seconds", 10**400, "from: epoch_ms"),
        ("as: datetime, from: epoch_seconds", 10**300, "expected a date and time as from: says"),
        ("as: datetime, from: [iso, epoch_seconds]", 1e30, "iso, epoch_seconds"),
        ('as: datetime, from: "%d/%m/%Y", zone: UTC', "31/01/2026", 'at: "00:00"'),
        ("as: datetime", "2026-01-31T24:00:00Z "[:19] + "\0Z", "expected a date and time"),
        ("as: datetime", "2" * 200, "expected a date and time"),
        ("as: datetime", "17690101112000", "without a time zone"),
        ("as: datetime, zone: UTC", "1769010111200", "from: epoch_ms"),
        ("as: date", "31.01.2026", 'for example from: "%d/%m/%Y".'),
        ("as: date", "46053", "a day as Excel counts them"),
        ("as: datetime", 46053, "a day as Excel counts them"),
    ],
)
def test_what_is_refused_names_the_key_that_would_take_it(load: Load, rule: str, value: Any, words: str) -> None:
    assert words in refused(load, rule, value)


@pytest.mark.parametrize(
    ("rule", "place", "words"),
    [
        ("{path: $.a, from: iso}", "5:18", "found 'from' without 'as:'"),
        ("{path: $.a, as: int, from: iso}", "5:27", "found 'from' beside 'as: int', expected it beside as: datetime"),
        ("{path: $.a, as: date, at: '00:00'}", "5:28", "found 'at' beside 'as: date'"),
        ("{path: $.a, as: datetime, from: epoch}", "5:38", "found 'epoch', expected one of iso, epoch_seconds,"),
        ("{path: $.a, as: datetime, from: []}", "5:38", "found an empty list"),
        ("{path: $.a, as: datetime, from: [epoch_ms, epoch_seconds]}", "5:38", "every number fits both"),
        ("{path: $.a, as: datetime, from: '%d/%m'}", "5:38", "one with year, month and day"),
        ("{path: $.a, as: datetime, from: '%d/%m/%Q'}", "5:38", "a format as Python's strptime takes it"),
        ("{path: $.a, as: datetime, from: '%d/%m/%Y %I:%M'}", "5:38", "tells morning from evening"),
        ("{path: $.a, as: datetime, from: '%c'}", "5:38", "which every machine reads differently"),
        ("{path: $.a, as: datetime, from: '%Y-%m-%d %H:%M %Z'}", "5:38", "with zone: beside it, or %z"),
        ("{path: $.a, as: datetime, zone: Europe/Berlni}", "5:38", "Did you mean 'Europe/Berlin'?"),
        ("{path: $.a, as: datetime, zone: '+99:00'}", "5:38", "found '+99:00', expected a time zone"),
        ("{path: $.a, as: datetime, zone: /etc/passwd}", "5:38", "expected a time zone"),
        ("{path: $.a, as: datetime, at: midnight}", "5:36", "found 'midnight', expected a time of day"),
        ("{path: $.a, as: datetime, at: '24:00'}", "5:36", "expected a time of day"),
        ("{path: $.a, as: bool, true: [1], false: [0], unknown: omit, zone: UTC}", "5:66", "'zone' beside 'as: bool'"),
    ],
)
def test_a_wrong_word_is_found_at_load(load: Load, rule: str, place: str, words: str) -> None:
    message = mistake(load, f"{SOURCE}  f: {rule}\n")
    assert message.startswith(f"{place}: ")
    assert words in message
