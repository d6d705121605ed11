"""Looks for damage in a journal's file: quickly whenever it is opened, and in all of it when a person asks.

https://www.sqlite.org/pragma.html#pragma_integrity_check
"""

from __future__ import annotations

import sqlite3

from proofport.journal.sql.queries import load

SMALL = ("lanes", "sets", "source_names", "adapter_memory", "leases", "permits", "access_keys", "moved")
"""Tables that stay small, and that most processes read. `quick_look` reads all of them."""

NUMBERED = {"deliveries": "id", "runs": "number", "sent": "turn", "attempts": "number", "snapshots": "number"}
"""Tables that grow. `quick_look` reads the way to the first and to the last row of each."""

MOST_FOUND = 100
UNFIT = ("asleep", "unfit_sent", "unfit_run", "unfit_memory")
SQL = load(__package__, ["integrity", "lanes"])


def quick_look(db: sqlite3.Connection) -> str | None:
    """The first damage that is found without reading the whole file. None: none was found.

    Whoever reads the schema has found already that the header is one, and that the file is as long as it says.
    """
    there = {name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    for table in SMALL:
        if table in there:
            [(found,), *_] = db.execute(f"PRAGMA quick_check({table})").fetchall()
            if found != "ok":
                return _worded(found)
    for table, column in NUMBERED.items():
        if table in there:
            for end in ("min", "max"):  # both in one query would read all of it
                db.execute(f"SELECT {end}({column}) FROM {table}").fetchone()  # noqa: S608 - our own names
    return None


def structural_damage(db: sqlite3.Connection) -> list[str]:
    """Damage to the file itself: pages, indexes, and rows that others refer to. At most MOST_FOUND."""
    try:
        found = [_worded(text) for (text,) in db.execute(f"PRAGMA integrity_check({MOST_FOUND})")]
        if found != ["ok"]:
            return found
        missing = db.execute("PRAGMA foreign_key_check").fetchmany(MOST_FOUND)
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return [f"row {row} of {table} refers to a row of {parent} that is not there" for table, row, parent, _ in missing]


def unfit_rows(db: sqlite3.Connection) -> list[str]:
    """Rows that no version has written so, in a file without damage whose tables are those of this version."""
    return [text for name in UNFIT for (text,) in db.execute(SQL[name]).fetchmany(MOST_FOUND)]


def _worded(text: str) -> str:
    """One line, without the heading that SQLite gives to what it found."""
    return " ".join(text.removeprefix("*** in database main ***\n").split())
