"""The journal on PostgreSQL, held to the contract that every journal is held to."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from tests.journal_contract import JournalContract, SharedJournalContract
from tests.support.postgres import Database

from proofport.journal.contract import Journal
from proofport.journal.postgres import PostgresJournal

OTHERS = "SELECT state FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
"""What the other connections do: one that is idle in a transaction may keep others from writing."""


class TestPostgres(JournalContract):
    examples = 2

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
        self.url = self.database.empty()
        return self.url

    def end_leases(self) -> bool:
        """The job engine goes by the signs of life of its workers."""
        with psycopg.connect(self.url, autocommit=True) as db:
            while (states := [state for (state,) in db.execute(OTHERS)]).count("active"):
                pass
            if any(state != "idle" for state in states):
                return False
            db.execute("UPDATE procrastinate_workers SET last_heartbeat = 'epoch'")
            return db.execute("UPDATE lane_runs SET lease_until = 0 WHERE owner IS NOT NULL").rowcount > 0
