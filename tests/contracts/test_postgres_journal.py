"""The journal on PostgreSQL, held to the contract that every journal is held to."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.journal_contract import JournalContract, SharedJournalContract
from tests.support.postgres import Database

from proofport.journal.contract import Journal
from proofport.journal.postgres import PostgresJournal


class TestPostgres(JournalContract):
    examples = 10

    @pytest.fixture(autouse=True)
    def _database(self, postgres: Database) -> None:
        self.database = postgres

    def new_journal(self, clock: Callable[[], float]) -> Journal:
        return PostgresJournal(self.database.empty(), clock=clock)


class TestPostgresShared(SharedJournalContract):
    @pytest.fixture(autouse=True)
    def _database(self, postgres: Database) -> None:
        self.database = postgres

    def shared_url(self) -> str:
        return self.database.empty()
