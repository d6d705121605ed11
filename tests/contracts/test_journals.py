"""The journals that come with proofport, held to the contract that every journal is held to."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from uuid import uuid4

import pytest
from tests.journal_contract import JournalContract, SharedJournalContract

from proofport.journal.contract import Journal
from proofport.journal.sqlite import SqliteJournal


class TestSqlite(JournalContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def new_journal(self, clock: Callable[[], float]) -> Journal:
        return SqliteJournal(self.folder / f"{uuid4().hex}.sqlite3", clock=clock)


class TestSqliteShared(SharedJournalContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def shared_url(self) -> str:
        return str(self.folder / "journal.sqlite3")

    def end_leases(self) -> bool:
        with closing(sqlite3.connect(self.shared_url(), timeout=0)) as db, suppress(sqlite3.OperationalError), db:
            return db.execute("UPDATE lanes SET lease_until = 0, due = 0 WHERE owner IS NOT NULL").rowcount > 0
        return False
