"""What the commands that serve have in common: their log, and a calm garbage collector."""

from __future__ import annotations

import gc
import logging
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache

from proofport.cli.connect import FORMAT

GC_THRESHOLD = 10_000


def log_to_stderr() -> None:
    """For commands that serve, and give no report. The job engine of a shared journal is silent: what goes wrong in
    it is told once, as an event of the journal, without a traceback of each of its loops.
    """
    debugging = bool(os.environ.get("PROOFPORT_DEBUG"))
    logging.basicConfig(level=logging.DEBUG if debugging else logging.INFO, format=FORMAT)
    if not debugging:
        logging.getLogger("procrastinate").setLevel(logging.CRITICAL)


def lines_to_stderr(name: str) -> Callable[[int, str], None]:
    """Writes lines as the logger of this name would, at a third of the price: for what each request has to pay.

    To be called once the log is set up. A stderr that is closed, full or none at all is no reason to fail.
    """
    least = logging.getLogger(name).getEffectiveLevel()
    template = FORMAT % {"asctime": "%s,%03d", "levelname": "%s", "name": name, "message": "%s\n"}

    def write(level: int, line: str) -> None:
        if level >= least and sys.stderr is not None:
            now = time.time()
            with suppress(OSError, ValueError):
                sys.stderr.write(template % (_second(int(now)), now % 1 * 1000, logging.getLevelName(level), line))

    return write


@lru_cache(1)
def _second(second: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))


def calm_garbage_collector() -> None:
    """For commands that serve, once all is loaded. That stays, and need not be gone through again and again; and a
    request of many records makes thousands of objects that are gone before the collector could find them.
    """
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
