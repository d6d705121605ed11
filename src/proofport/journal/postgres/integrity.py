"""Looks for damage in a journal in a database: reads every row of every table, as far as a client can.

A page that was changed on the disk is noticed when it is read, if the server has data checksums. Indexes are for a tool
of its own: https://www.postgresql.org/docs/current/app-pgamcheck.html
"""

from __future__ import annotations

import psycopg

from proofport.journal.copying import OF_A_LANE, OF_THE_JOURNAL
from proofport.journal.postgres import migrations
from proofport.journal.postgres.database import Place, explained
from proofport.journal.postgres.store import SQL

TABLES = [*(table.name for table in (*OF_A_LANE, *OF_THE_JOURNAL)), "leases"]
READ = "SELECT max(md5(t::text)) FROM {table} t"
"""The text of a row needs all of its values, also those that are kept beside the table."""


async def damage(place: Place) -> list[str]:
    """A sentence for each table that cannot be read, and for each lane that nobody would work on.

    Raises ConfigError when there is no connection, or no journal of this version.
    """
    found = []
    async with place.connected() as db:
        await migrations.check(db, place)
        for table in TABLES:
            try:
                await db.execute(READ.format(table=table).encode())
            except psycopg.Error as error:
                found.append(f"the table {table} cannot be read: {explained(error).message}")
        if not found:
            found = [text for (text,) in await (await db.execute(SQL["asleep"].encode())).fetchall()]
    return found
