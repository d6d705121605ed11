"""A journal that ends with its process, for dry runs, tests and trying things out."""

from __future__ import annotations

import shutil
import tempfile
import time
import weakref
from collections.abc import Callable
from pathlib import Path

from proofport.journal.sqlite.journal import SqliteJournal


class TemporaryJournal(SqliteJournal):
    """A journal in a temporary file, removed when it is closed or when the process ends. Commits wait for no disk."""

    durable = False

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="proofport-"))
        self._remove = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        super().__init__(self._folder / "journal.sqlite3", clock=clock)

    async def close(self) -> None:
        """End the journal: nothing of it can be read any more."""
        await super().close()
        self._remove()
