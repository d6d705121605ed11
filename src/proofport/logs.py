"""Log events with stable names, through the standard library's logging. Nothing is printed unless the application asks.

ERROR: data is at risk, or an operator must act. WARNING: a failure that was recovered from. INFO: start and end of runs
and lanes. DEBUG: single records. No log holds a body or a secret.
"""

from __future__ import annotations

import logging
from typing import cast

import structlog

ROOT = "proofport"

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
