"""The embedded journal, on SQLite."""

from __future__ import annotations

from proofport.journal.sqlite.journal import SqliteJournal
from proofport.journal.sqlite.temporary import TemporaryJournal

__all__ = ["SqliteJournal", "TemporaryJournal"]
