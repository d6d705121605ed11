"""What the log of a command that serves looks like."""

from __future__ import annotations

import logging

import pytest

from proofport.cli.connect import FORMAT, Formatter


@pytest.mark.parametrize("created", [0.0, 1_780_000_000.0, 1_780_000_000.9996, 1_780_000_001.005])
def test_a_line_is_what_the_standard_library_makes_of_it(created: float) -> None:
    record = logging.LogRecord("proofport.relay", logging.INFO, "", 0, "event='%s'", ("stopping",), None)
    record.created, record.msecs = created, (created - int(created)) * 1000
    assert Formatter(FORMAT).format(record) == logging.Formatter(FORMAT).format(record)
