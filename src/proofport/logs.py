"""Log events with stable names, through the standard library's logging. Nothing is printed unless the application asks.

ERROR: data is at risk, or an operator must act. WARNING: a failure that was recovered from. INFO: start and end of runs
and lanes. DEBUG: single records. No log holds a body or a secret.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TypeAlias, cast

import structlog

ROOT = "proofport"
FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
"""The form of a line on stderr."""

FIELDS = "proofport_fields"
"""The attribute of a log record that holds the fields of its event."""

LINES, SECONDS = 60, 60.0
"""So many lines in so many seconds are what strangers may cause."""

LaneNames: TypeAlias = Callable[[str], tuple[str | None, str | None]]
"""The configured destination and kind of a lane. None where there is none, or several share it."""

_names: ContextVar[LaneNames | None] = ContextVar("proofport_lane_names", default=None)

logging.getLogger(ROOT).addHandler(logging.NullHandler())


def name_lanes(names: LaneNames) -> None:
    """Let what this task and its children log about a lane say which destination and kind it is for."""
    _names.set(names)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger below `proofport`. An event is its name and fields, rendered as `event key=value …`."""
    proxy = structlog.wrap_logger(
        logging.getLogger(f"{ROOT}.{name}"),
        wrapper_class=structlog.stdlib.BoundLogger,
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            _named,
            _rendered,
        ],
    )
    return cast(structlog.stdlib.BoundLogger, proxy.bind())  # without it the proxy binds again at every event


def _named(logger: object, name: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """An event about a lane, with the names that this has in the configuration."""
    names = _names.get()
    if names is None or "lane" not in event or "destination" in event:
        return event
    destination, kind = names(event["lane"])
    told = {"destination": destination, "kind": kind}
    return {**event, **{each: value for each, value in told.items() if value is not None and each not in event}}


_as_text = structlog.processors.KeyValueRenderer(key_order=["event"], drop_missing=True)


def _rendered(logger: object, name: str, event: structlog.types.EventDict) -> tuple[tuple[str], dict[str, Any]]:
    """An event as text, with its fields beside it for a log in JSON."""
    fields = dict(event)  # rendering takes fields out
    return (_as_text(logger, name, event),), {"extra": {FIELDS: fields}}


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, event, and the fields of the event."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields = getattr(record, FIELDS, None) or {"event": record.getMessage()}
        line = {"time": at, "level": record.levelname.lower(), "logger": record.name, **fields}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def log_to_stderr(*, serving: bool = False, level: str | None = None, as_json: bool = False) -> None:
    """Send a command's log to stderr: with PROOFPORT_DEBUG the whole log, else only that of a command that serves.

    `level`: what to log in any command, such as `warning`. `as_json`: one JSON object a line.

    Other commands give a report, which says all that a warning would say. The job engine of a shared journal stays
    silent, too: the journal logs each of its errors once, without a traceback.
    """
    wanted = "debug" if os.environ.get("PROOFPORT_DEBUG") else level or ("info" if serving else None)
    if wanted is None:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if as_json else logging.Formatter(FORMAT))
    logging.basicConfig(level=wanted.upper(), handlers=[handler])
    if wanted != "debug":
        logging.getLogger("procrastinate").setLevel(logging.CRITICAL)


class Seldom:
    """Keeps what strangers cause out of the log when there is too much of it, so that they cannot fill the disk.

    It allows LINES in SECONDS, and counts the rest. `clock`: seconds that never go back.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends = 0.0
        self._said = 0
        self._unsaid = 0

    def turn(self) -> int | None:
        """How many lines were left out since the last one, or None where this one is to be left out, too."""
        now = self._clock()
        if now >= self._ends:
            self._ends, self._said = now + SECONDS, 0
        if self._said >= LINES:
            self._unsaid += 1
            return None
        self._said += 1
        unsaid, self._unsaid = self._unsaid, 0
        return unsaid
