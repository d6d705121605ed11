"""A gateway for a command, with the engine's log where it belongs."""

from __future__ import annotations

import logging
import os

from proofport.config import Config
from proofport.gateway import Gateway

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def connect(config: Config | str | None) -> Gateway:
    """A gateway for a configuration, or for the file to read it from. Raises ConfigError.

    stdout is kept for reports. The log is silent, for the report says all that a warning would, unless
    PROOFPORT_DEBUG is set: then all of it goes to stderr.
    """
    if os.environ.get("PROOFPORT_DEBUG"):
        logging.basicConfig(level=logging.DEBUG, format=FORMAT)
    return Gateway(config) if isinstance(config, Config) else Gateway.from_file(config)
