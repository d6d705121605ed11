"""The memory of proofport between runs."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import SecretStr

from proofport.errors import ConfigError
from proofport.journal.contract import Journal

POSTGRES = ("postgresql://", "postgres://")
ALMOST_POSTGRES = re.compile(
    r"\s*postgres(ql)?:|.*\b(host|hostaddr|port|dbname|user|password|passfile|service|sslmode)\s*=", re.IGNORECASE
)
"""Begins what a person means as the address of a database and libpq does not read as a URL. It may hold a password."""


def open_journal(where: str | Path | SecretStr) -> Journal:
    """The journal at a path, at a `postgresql://` URL, or `memory:` for one that ends with the process.

    It still has to be opened. Raises ConfigError for a URL of a kind that is not known, and repeats nothing of it but
    its scheme: it may hold a password.
    """
    text = where.get_secret_value() if isinstance(where, SecretStr) else str(where)
    if text.startswith(POSTGRES):
        return _postgres(text)
    if ALMOST_POSTGRES.match(text):
        raise ConfigError(
            "the journal looks like the address of a database, and is no URL of one",
            hint="Write postgresql://ROLE@HOST/DATABASE.",
        )
    if "://" in text:
        kind = text.partition("://")[0]
        raise ConfigError(
            f"a journal cannot be kept at {kind}://",
            hint="Give `journal:` the path of a file on a local disk, or postgresql://ROLE@HOST/DATABASE.",
        )
    from proofport.journal.sqlite import SqliteJournal, TemporaryJournal

    return TemporaryJournal() if text == "memory:" else SqliteJournal(text)


def is_there(where: str | Path | SecretStr) -> bool:
    """False for a journal that opening would make: a file that does not exist yet, or `memory:`."""
    text = where.get_secret_value() if isinstance(where, SecretStr) else str(where)
    return text.startswith(POSTGRES) or Path(text).exists()


@asynccontextmanager
async def opened(journal: Journal) -> AsyncIterator[Journal]:
    """A journal that is open within the block."""
    await journal.open()
    try:
        yield journal
    finally:
        await journal.close()


def _postgres(url: str) -> Journal:
    try:
        from proofport.journal.postgres import PostgresJournal
    except ImportError as error:
        raise ConfigError(
            f"a journal on PostgreSQL needs the package {error.name}", hint="pip install 'proofport[postgres]'"
        ) from None
    return PostgresJournal(url)
