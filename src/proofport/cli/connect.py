"""A gateway for a command, with the engine's log where it belongs."""

from __future__ import annotations

import gc
import logging
import os
import time
from functools import lru_cache

from proofport.config import Config
from proofport.gateway import Gateway

GC_THRESHOLD = 10_000
FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


class Formatter(logging.Formatter):
    """Writes the date and time of a second once for all its lines."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        return f"{_time_of(int(record.created))},{int(record.msecs):03}"


@lru_cache(1)
def _time_of(second: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))


def log_to_stderr() -> None:
    """For commands that serve, and give no report. The job engine of a shared journal is silent: what goes wrong in
    it is told once, as an event of the journal, without a traceback of each of its loops.

    Nothing is looked up for a line that it does not show: https://docs.python.org/3/howto/logging.html#optimization
    """
    debugging = bool(os.environ.get("PROOFPORT_DEBUG"))
    handler = logging.StreamHandler()
    handler.setFormatter(Formatter(FORMAT))
    logging.basicConfig(level=logging.DEBUG if debugging else logging.INFO, handlers=[handler])
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    if not debugging:
        logging.getLogger("procrastinate").setLevel(logging.CRITICAL)


def calm_garbage_collector() -> None:
    """For commands that serve, once all is loaded. That stays, and need not be gone through again and again; and a
    request of many records makes thousands of objects that are gone before the collector could find them.
    """
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)


def connect(config: Config | str | None) -> Gateway:
    """A gateway for a configuration, or for the file to read it from. Raises ConfigError.

    stdout is kept for reports. The log is silent, for the report says all that a warning would, unless
    PROOFPORT_DEBUG is set: then all of it goes to stderr.
    """
    if os.environ.get("PROOFPORT_DEBUG"):
        logging.basicConfig(level=logging.DEBUG, format=FORMAT)
    return Gateway(config) if isinstance(config, Config) else Gateway.from_file(config)
