"""The embedded journal, on SQLite."""

from __future__ import annotations

from proofport.journal.sqlite.journal import SqliteJournal, TemporaryJournal

__all__ = ["SqliteJournal", "TemporaryJournal"]
