"""Events with stable names, through the standard library's logging: silent unless the application listens.

ERROR: data is at risk or an operator is needed. WARNING: recovered. INFO: start and end of runs and lanes.
DEBUG: single records. A log never holds a body or a secret.
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
    return cast(structlog.stdlib.BoundLogger, proxy.bind())  # without bind() the proxy would do it at every event
