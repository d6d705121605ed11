"""What can never be is found by `mapping check`: constants, conversions, keys and tests of other values."""

from __future__ import annotations

import pytest

from proofport.errors import MappingError
from proofport.mapping import MappingFile, MappingLibrary, check_possible

from .conftest import Load

SOURCE = "mapping: sources/t\nto: {evidence: device}\nfields:\n  id: $.id\n  "
VENDOR = "mapping: v/d\nfrom: device\nto: {vendor: v, body: d}\nfields:\n  id: $.id\n  "


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("platform: {value: Windows}", "platform: found 'Windows', expected one of macos, windows"),
        ("platform: {path: $.os, table: {w: windoes}, unknown: omit}", "Did you mean 'windows'?"),
        ("platform: {path: $.os, default: mac}", "found 'mac', expected one of macos"),
        ("platform: {first_of: [$.os, {value: mac}]}", "found 'mac', expected one of macos"),
        ("disk_encrypted: {value: 'yes'}", "found 'yes', expected a valid boolean"),
        ("disk_encrypted: {path: $.e, as: string}", "a rule that gives string, expected a valid boolean"),
        ("disk_encrypted: {template: '{$.e}'}", "a rule that gives string, expected a valid boolean"),
        ("owner_id: {path: $.o, as: bool}", "a rule that gives bool, expected a valid integer"),
        ("platform: {path: $.os, as: int}", "a rule that gives int"),
        ("name: {path: $.n, as: int}", "a rule that gives int, expected text"),
        ("enrolled_at: {path: $.e, as: date}", "a rule that gives date, expected a date and time with its time zone"),
        ("applications: {path: '$.a[*]', each: {fields: {name: $.n, version: {value: 7}}}}", "found 7, expected text"),
    ],
)
def test_what_a_kind_can_never_take(load: Load, rule: str, words: str) -> None:
    with pytest.raises(MappingError) as caught:
        check_possible(load(SOURCE + rule + "\n"))
    assert words in caught.value.message
    assert "m.yaml:5:" in caught.value.message


@pytest.mark.parametrize(
    "rule",
    [
        "platform: {value: windows}",
        "platform: {path: $.os, as: string}",
        "enrolled_at: {path: $.e, as: datetime}",
        "owner_id: {path: $.o, as: int}",
        "disk_encrypted: {path: $.e, as: bool, if_null: false}",
        "disk_encrypted: {path: $.e, if_null: null}",
        "platform: {first_of: [$.os, {value: mac}], table: {mac: macos}, unknown: reject}",
        "serial_number: {template: 'x{$.n}'}",
    ],
)
def test_what_it_can_take(load: Load, rule: str) -> None:
    check_possible(load(SOURCE + rule + "\n"))


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("os: {path: $.platform, table: {win: W}, unknown: omit}", "a key of its table: found 'win'"),
        ("os: {path: $.name, when: {path: $.platform, is: iOS}}", "a value of $.platform: found 'iOS'"),
        ("os: {first_of: [{path: $.name, when: {path: $.platform, is: iOS}}, $.id]}", "Did you mean 'ios'?"),
        ("os: $.name\nskip: [{when: {path: $.platform, in: [ios, ipad]}, reason: x}]", "found 'ipad'"),
    ],
)
def test_what_evidence_never_says(load: Load, rule: str, words: str) -> None:
    with pytest.raises(MappingError) as caught:
        check_possible(load(VENDOR + rule + "\n"))
    assert words in caught.value.message


def test_the_built_in_ones_are_possible() -> None:
    library = MappingLibrary()
    for name in library.names():
        check_possible(library.find(name))


def test_a_file_keeps_working_in_a_push(load: Load) -> None:
    """What is found here may be about records that never come: it is a word of the check, not of the push."""
    assert isinstance(load(SOURCE + "platform: {value: Windows}\n"), MappingFile)
