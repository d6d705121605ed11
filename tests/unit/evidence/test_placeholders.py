"""A value that stands for nothing is no serial number and no address; a real one stays as it was written."""

from __future__ import annotations

from typing import Any

import pytest

from proofport.adapter import Mode
from proofport.evidence import Device
from proofport.evidence.placeholders import is_placeholder
from proofport.mapping.compile.evidence import compile_kind

NOTHING = [
    "",
    "   ",
    "-",
    "0",
    "0000000",
    "1",
    "XXXXXXXX",
    "To Be Filled By O.E.M.",
    "to be filled by oem",
    "System Serial Number",
    "Default string",
    "None",
    "n/a",
    "Not Specified",
    "123456789",
    "00:00:00:00:00:00",
    "FF-FF-FF-FF-FF-FF",
    "0A-00-27-00-00-00",
]
REAL = ["C02XYZ", "5CD1234ABC", "PF-0001", "1000", "aa:bb:cc:dd:ee:01", "VMware-56 4d 2f f4 23 f3", "nonesuch", "ÄÄÖ-1"]


@pytest.mark.parametrize("text", NOTHING)
def test_what_stands_for_nothing(text: str) -> None:
    assert is_placeholder(text)


@pytest.mark.parametrize("text", REAL)
def test_what_is_somebodys(text: str) -> None:
    assert not is_placeholder(text)


@pytest.mark.parametrize("text", NOTHING)
@pytest.mark.parametrize("mode", ["upsert", "patch"])
def test_a_device_leaves_it_out_and_does_not_say_null(text: str, mode: Mode) -> None:
    """In a patch, null would take away what the vendor has."""
    given: dict[str, Any] = {"id": "d", "name": "", "serial_number": text, "mac_address": text, "disk_encrypted": None}
    expected = {"id": "d", "name": "", "disk_encrypted": None}
    assert compile_kind("device", mode)(given) == expected
    assert Device(**given).neutral() == expected


@pytest.mark.parametrize("text", REAL)
def test_a_device_keeps_what_is_its_own_as_it_was_written(text: str) -> None:
    given = {"id": "d", "serial_number": f" {text}", "mac_address": None}
    assert compile_kind("device")(given) == given
