"""What the log of a command that serves looks like."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator

import pytest

from proofport.cli.service import FORMAT, lines_to_stderr

NAME = "proofport.relay.access"


@pytest.fixture(autouse=True)
def level() -> Iterator[None]:
    logger = logging.getLogger(NAME)
    logger.setLevel(logging.INFO)
    yield
    logger.setLevel(logging.NOTSET)


@pytest.mark.parametrize("created", [0.0, 1_780_000_000.0, 1_780_000_000.9996, 1_780_000_001.005])
def test_a_line_is_what_the_standard_library_makes_of_it(
    created: float, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    record = logging.LogRecord(NAME, logging.INFO, "", 0, "event='100 %'", None, None)
    record.created, record.msecs = created, int((created - int(created)) * 1000) + 0.0
    monkeypatch.setattr(time, "time", lambda: created)
    lines_to_stderr(NAME)(logging.INFO, "event='100 %'")
    assert capsys.readouterr().err == logging.Formatter(FORMAT).format(record) + "\n"


def test_what_is_below_the_level_of_its_logger_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    lines_to_stderr(NAME)(logging.DEBUG, "event='request'")
    assert capsys.readouterr().err == ""


def test_there_may_be_no_stderr_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    lines_to_stderr(NAME)(logging.INFO, "event='request'")


@pytest.mark.parametrize("error", [BrokenPipeError(), ValueError("I/O operation on closed file")])
def test_nobody_fails_because_the_line_cannot_be_written(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(text: str) -> int:
        raise error

    monkeypatch.setattr(sys.stderr, "write", write)
    lines_to_stderr(NAME)(logging.INFO, "event='request'")
