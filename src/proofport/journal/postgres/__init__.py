"""The journal that several machines share, on PostgreSQL."""

from __future__ import annotations

import logging

from proofport.journal.postgres.journal import PostgresJournal

__all__ = ["PostgresJournal"]

for _name in ("procrastinate", "psycopg"):  # silent unless the application listens, as our own log is
    logging.getLogger(_name).addHandler(logging.NullHandler())
