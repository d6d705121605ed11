"""Log events with stable names, through the standard library's logging. Nothing is printed unless the application asks.

ERROR: data is at risk, or an operator must act. WARNING: a failure that was recovered from. INFO: start and end of runs
and lanes. DEBUG: single records. No log holds a body or a secret.
"""

from __future__ import annotations

import logging
import os
from typing import cast

import structlog

ROOT = "proofport"
FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
"""The form of a line on stderr."""

logging.getLogger(ROOT).addHandler(logging.NullHandler())


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger below `proofport`. An event is its name and fields, rendered as `event key=value …`."""
    proxy = structlog.wrap_logger(
        logging.getLogger(f"{ROOT}.{name}"),
        wrapper_class=structlog.stdlib.BoundLogger,
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.processors.KeyValueRenderer(key_order=["event"], drop_missing=True),
        ],
    )
    return cast(structlog.stdlib.BoundLogger, proxy.bind())  # without it the proxy binds again at every event


def log_to_stderr(*, serving: bool = False) -> None:
    """Send a command's log to stderr: with PROOFPORT_DEBUG the whole log, else only that of a command that serves.

    Other commands give a report, which says all that a warning would say. The job engine of a shared journal stays
    silent, too: the journal logs each of its errors once, without a traceback.
    """
    if os.environ.get("PROOFPORT_DEBUG"):
        logging.basicConfig(level=logging.DEBUG, format=FORMAT)
    elif serving:
        logging.basicConfig(level=logging.INFO, format=FORMAT)
        logging.getLogger("procrastinate").setLevel(logging.CRITICAL)
