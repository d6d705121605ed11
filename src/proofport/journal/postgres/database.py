"""Where a journal on PostgreSQL is, how it is connected to, and what its errors mean for people."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeAlias

import psycopg
from procrastinate.exceptions import ConnectorException
from psycopg import conninfo, errors
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from proofport.errors import ConfigError, JournalError

Db: TypeAlias = psycopg.AsyncConnection[tuple[Any, ...]]
Pool: TypeAlias = AsyncConnectionPool[Db]

CONNECTIONS = 16
"""Of one process, at most. Statements take about a millisecond, so that a few connections serve many lanes."""

PATIENCE = 10.0
"""Seconds to wait for a connection before a request fails."""

SETTINGS = "SET idle_in_transaction_session_timeout = '5s'"
"""A process that is frozen in the middle of a transaction holds its locks no longer than this."""

DEFAULTS = {
    "application_name": "proofport",
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}


class Place:
    """A database. Its URL may hold a password: neither `str` nor `repr`, nor any error shows it."""

    def __init__(self, url: str) -> None:
        """Raises ConfigError when it is no URL of a database; the hint repeats nothing of it."""
        try:
            given = conninfo.conninfo_to_dict(url)
        except psycopg.ProgrammingError:
            given = {"host": "@"}
        host = str(given.get("host") or "localhost")
        if "@" in host and not host.startswith("@/"):
            raise ConfigError(
                "the journal's URL cannot be read",
                hint="Write postgresql://ROLE@HOST:PORT/DATABASE, "
                "with %40 for @, %2F for / and %3A for : within a password.",
            )
        self.options: dict[str, Any] = {**DEFAULTS, **given}
        self.name = f"postgresql://{host}/{given.get('dbname') or given.get('user') or ''}"

    def __repr__(self) -> str:
        return f"Place({self.name!r})"

    __str__ = __repr__

    def without_secrets(self, text: str) -> str:
        password = str(self.options.get("password") or "")
        return text.replace(password, "…") if password else text

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Db]:
        """A connection of its own. Raises ConfigError when there is none to be had."""
        try:
            db = await psycopg.AsyncConnection.connect(**self.options, autocommit=True)
        except psycopg.Error as error:
            raise ConfigError(
                f"the journal {self.name} cannot be opened: {self.without_secrets(_message(error))}",
                hint="Check that PostgreSQL runs, and the host, role, password and database of `journal:`.",
            ) from None
        async with db:
            yield db

    def pool(self) -> Pool:
        """Connections in autocommit, made when they are needed."""
        return AsyncConnectionPool(
            kwargs=self.options,
            min_size=1,
            max_size=CONNECTIONS,
            timeout=PATIENCE,
            configure=_configure,
            name="journal",
            open=False,
        )


async def _configure(db: Db) -> None:
    await db.set_autocommit(True)
    await db.execute(SETTINGS)


@contextmanager
def explaining() -> Iterator[None]:
    """Turn errors of PostgreSQL, and of the job engine on it, into JournalError."""
    try:
        yield
    except psycopg.Error as error:
        raise explained(error) from error
    except ConnectorException as error:
        raise explained(error) from error.__cause__


def explained(error: Exception) -> JournalError:
    """The advice for a person about an error of the store, also when the job engine has wrapped it."""
    if isinstance(error, ConnectorException) and isinstance(error.__cause__, psycopg.Error):
        error = error.__cause__
    for kind, message, hint in _EXPLANATIONS:
        if isinstance(error, kind):
            return JournalError(f"{message} ({_message(error)})", hint=hint)
    return JournalError(f"the journal cannot be used: {_message(error)}")


def _message(error: Exception) -> str:
    """Without the lines that repeat data or statements."""
    primary = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return primary or str(error).partition("\n")[0] or type(error).__name__


_SCHEMA_HINT = "Run `proofport journal migrate` with this version."
_EXPLANATIONS: tuple[tuple[type[Exception], str, str], ...] = (
    (errors.DiskFull, "PostgreSQL's disk is full", "Make room, then try again. What was acknowledged is kept."),
    (
        errors.InsufficientPrivilege,
        "the journal's role may not do this",
        "Grant it what docs/growing.md lists, once more after every `proofport journal migrate`.",
    ),
    (
        errors.ReadOnlySqlTransaction,
        "this PostgreSQL is read-only",
        "Name the primary server in `journal:`, or add ?target_session_attrs=read-write.",
    ),
    (errors.UndefinedTable, "the journal's tables are missing", _SCHEMA_HINT),
    (errors.UndefinedColumn, "the journal's tables are of another version", _SCHEMA_HINT),
    (errors.UndefinedFunction, "the journal's functions are missing", _SCHEMA_HINT),
    (errors.TooManyConnections, "PostgreSQL has no connection left", "Raise max_connections, or run fewer processes."),
    (
        PoolTimeout,
        "PostgreSQL cannot be reached",
        "Check that it runs and has connections left. What was acknowledged is kept.",
    ),
    (
        psycopg.OperationalError,
        "the connection to PostgreSQL was lost",
        "Check that it runs. What was acknowledged is kept.",
    ),
)
