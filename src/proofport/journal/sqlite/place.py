"""The files of an open journal: they must stay the ones that the journal's path names, and undamaged.

A file that is deleted, moved or replaced stays usable for whoever has it open, and nobody else will ever read what is
written to it. So nothing counts as written, or as read, unless the path still names the same files afterwards.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

from proofport.errors import JournalError
from proofport.journal.sqlite.database import BESIDE, connect, explained

LOG_BEGINS = b"\x37\x7f\x06"
"""The first bytes of a log, in either order of bytes: https://www.sqlite.org/fileformat2.html#the_write_ahead_log"""

LOOK_EVERY = 1.0
"""Seconds between two looks at the file as a process that is started now would see it."""

DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

Identity: TypeAlias = tuple[int, int]
"""Device and inode."""


class OpenFiles:
    """Watches the files of a journal that a connection of this process keeps open.

    SQLite removes and replaces none of them as long as there is one such connection.
    """

    def __init__(self, path: Path) -> None:
        """Raises OSError when one of them is not there."""
        self._path = path
        real = path.resolve()  # what a link leads to has its files beside it, not beside the link
        names = [str(path), *(f"{real}{ending}" for ending in BESIDE)]
        self._opened = {name: _identity(name) for name in names}
        self._damage: JournalError | None = None
        self._looked = time.monotonic()
        self._log = os.open(names[1], os.O_RDONLY)  # unlike the others, it carries no locks that closing would drop

    def close(self) -> None:
        os.close(self._log)

    def check(self) -> None:
        """Raises JournalError when they are not the same any more, or when damage was met. Costs three `stat`."""
        if self._damage is not None:
            raise JournalError(self._damage.message, hint=self._damage.hint)
        for name, opened in self._opened.items():
            if _identity(name) != opened:
                raise _gone(name)

    def check_commit(self) -> None:
        """Check after a commit, whose log begins with a header: one that was emptied is a hole up to what was added."""
        self.check()
        begins = os.pread(self._log, len(LOG_BEGINS), 0)
        if begins not in (LOG_BEGINS, b""):  # it is empty where nothing was written since all of it was moved
            raise _gone(f"{self._path}{BESIDE[0]}")

    def look(self) -> None:
        """Check, and now and then read the beginning of the file anew: what a connection has read once, it keeps.

        Raises JournalError, and sqlite3.Error for damage. Other errors are those of this look alone.
        """
        self.check()
        if time.monotonic() - self._looked < LOOK_EVERY:
            return
        self._looked = time.monotonic()
        try:
            with closing(connect(self._path, query_only=True, wait=0.0)) as db:
                db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except sqlite3.Error as error:
            if _is_damage(error):
                raise

    def failed(self, error: sqlite3.Error) -> JournalError:
        """The advice about an error. Damage is remembered: SQLite may spread it with every write that follows."""
        try:
            self.check()  # which may be the cause, and says more
        except JournalError as cause:
            return cause
        advice = explained(error)
        if _is_damage(error):
            self._damage = advice
        return advice


def _is_damage(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in DAMAGE


def _gone(name: str) -> JournalError:
    return JournalError(  # callers of a relay see it: it names no folder
        f"the journal's file {Path(name).name} was deleted, moved, emptied or replaced while it was in use",
        hint="Put it back under its name. If it is gone, stop everything that uses the journal, and put a backup in "
        "its place: `proofport journal restore FILE`.",
    )


def _identity(name: str) -> Identity | None:
    """None for one that is not there, and for a journal that was emptied: whoever opens that removes the log."""
    try:
        found = os.stat(name)  # noqa: PTH116 - a Path costs more than the call
    except OSError:
        return None
    return None if not found.st_size and not name.endswith(BESIDE) else (found.st_dev, found.st_ino)
