"""The tables of the journal and of its job engine: made and brought up to date by command, checked at every start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

import psycopg
from procrastinate.schema import SchemaManager
from psycopg import errors

from proofport.errors import ConfigError
from proofport.journal.copying import AWAY, UNFINISHED
from proofport.journal.postgres.database import Db, Place, explaining

OURS: Sequence[str] = ("schema.sql", *(f"schema_{version}.sql" for version in range(2, 10)))
"""In the order in which they are applied."""

ENGINE = "procrastinate/"
LOCK = 0x70706A31
NOTED = "SELECT counted FROM moved WHERE lane = %s"
SCRIPTS = "CREATE TABLE IF NOT EXISTS journal_scripts (name TEXT PRIMARY KEY, applied TIMESTAMPTZ DEFAULT now())"


def _engine_scripts() -> Mapping[str, Path]:
    """The job engine's migrations: https://procrastinate.readthedocs.io/en/stable/howto/production/migrations.html"""
    folder = Path(SchemaManager.get_migrations_path())
    return {ENGINE + path.name: path for path in sorted(folder.glob("*.sql"))}


def wanted() -> list[str]:
    """Every script that this version needs to have been applied."""
    return [*OURS, *_engine_scripts()]


async def migrate(place: Place) -> list[str]:
    """Apply what is missing, all of it or nothing. The scripts that were applied now. Raises ConfigError."""
    async with place.connected() as db:
        with explaining():
            async with db.transaction():
                await db.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
                await db.execute(SCRIPTS)
                applied = await _applied(db)
                _refuse_newer(applied, place)
                missing = [name for name in wanted() if name not in applied]
                await _apply(db, missing, place)
                await db.cursor().executemany(
                    "INSERT INTO journal_scripts (name) VALUES (%s)", [(name,) for name in missing]
                )
    return missing


async def _apply(db: Db, missing: Sequence[str], place: Place) -> None:
    """Where none of the engine's scripts has been applied, its whole schema stands for all of them."""
    ours, engine = files(__package__), _engine_scripts()
    try:
        for name in (name for name in OURS if name in missing):
            await db.execute((ours / name).read_bytes())
        if set(engine) <= set(missing):
            await db.execute(SchemaManager.get_schema().encode())
        else:
            for name in (name for name in engine if name in missing):
                await db.execute(engine[name].read_bytes())
    except (errors.DuplicateTable, errors.DuplicateObject, errors.DuplicateFunction) as error:
        raise ConfigError(
            f"{place.name} holds something else already ({error.diag.message_primary})",
            hint="Give the journal a database of its own.",
        ) from None


async def check(db: Db, place: Place) -> None:
    """Raises ConfigError unless the tables are those of this version, and no move into them is unfinished."""
    with explaining():
        try:
            applied = await _applied(db)
        except errors.UndefinedTable:
            raise ConfigError(
                f"there is no journal in {place.name} yet", hint="Make it with `proofport journal migrate`."
            ) from None
        _refuse_newer(applied, place)
        if missing := [name for name in wanted() if name not in applied]:
            raise ConfigError(
                f"the journal {place.name} is older than this proofport (it lacks {', '.join(missing)})",
                hint="Stop everything that uses it, and run `proofport journal migrate`.",
            )
        if away := await (await db.execute(NOTED, (AWAY,))).fetchone():
            raise ConfigError(
                f"the journal {place.name} was moved to {bytes(away[0]).decode()}",
                hint="Name that in `journal:`.",
            )
        if await (await db.execute(NOTED, (UNFINISHED,))).fetchone():
            raise ConfigError(
                f"a journal is being moved into {place.name}, and that has not come to its end",
                hint="Run the same `proofport journal migrate --from` again.",
            )


async def _applied(db: psycopg.AsyncConnection[tuple[object, ...]]) -> set[str]:
    return {str(name) for (name,) in await (await db.execute("SELECT name FROM journal_scripts")).fetchall()}


def _refuse_newer(applied: set[str], place: Place) -> None:
    if unknown := sorted(applied - set(wanted())):
        raise ConfigError(
            f"the journal {place.name} was made by a newer proofport (it has {', '.join(unknown)})",
            hint="Upgrade proofport and procrastinate to what made it.",
        )
