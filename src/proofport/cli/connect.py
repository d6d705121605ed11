"""A gateway for a command, with the engine's log where it belongs."""

from __future__ import annotations

import logging
import os
import sys

import structlog

from proofport.config import Config
from proofport.gateway import Gateway


def connect(config: Config | str | None) -> Gateway:
    """A gateway for a configuration, or for the file to read it from. Raises ConfigError.

    stdout is kept for reports. The log is silent, for the report says all that a warning would, unless
    PROOFPORT_DEBUG is set: then all of it goes to stderr.
    """
    level = logging.DEBUG if os.environ.get("PROOFPORT_DEBUG") else logging.CRITICAL
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    return Gateway(config) if isinstance(config, Config) else Gateway.from_file(config)
