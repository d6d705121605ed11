"""Keys of the relay. Every function works within the caller's transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from proofport.journal.access import AccessKey

COLUMNS = "prefix, name, tenant, proof, may_read, may_write, created, destinations, kinds, expires, revoked, used"


def add(db: sqlite3.Connection, key: AccessKey) -> bool:
    values = (
        key.prefix,
        key.name,
        key.tenant,
        key.proof,
        key.may_read,
        key.may_write,
        key.created,
        _text(key.destinations),
        _text(key.kinds),
        key.expires,
        key.revoked,
        key.used,
    )
    query = f"INSERT INTO access_keys ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
    return bool(db.execute(f"{query} ON CONFLICT DO NOTHING", values).rowcount)


def one(db: sqlite3.Connection, prefix: str) -> AccessKey | None:
    row = db.execute(f"SELECT {COLUMNS} FROM access_keys WHERE prefix = ?", (prefix,)).fetchone()  # noqa: S608
    return None if row is None else _key(row)


def listed(db: sqlite3.Connection, tenant: str | None) -> list[AccessKey]:
    query = f"SELECT {COLUMNS} FROM access_keys WHERE tenant = ifnull(?, tenant) ORDER BY number"  # noqa: S608
    return [_key(row) for row in db.execute(query, (tenant,))]


def revoke(db: sqlite3.Connection, prefix: str, now: float) -> bool:
    return bool(
        db.execute("UPDATE access_keys SET revoked = ifnull(revoked, ?) WHERE prefix = ?", (now, prefix)).rowcount
    )


def note(db: sqlite3.Connection, used: Mapping[str, float]) -> None:
    query = "UPDATE access_keys SET used = max(ifnull(used, 0), ?) WHERE prefix = ?"
    db.executemany(query, ((at, prefix) for prefix, at in used.items()))


def _key(row: Sequence[Any]) -> AccessKey:
    prefix, name, tenant, proof, may_read, may_write, created, destinations, kinds, *times = row
    return AccessKey(
        prefix,
        name,
        tenant,
        proof,
        bool(may_read),
        bool(may_write),
        created,
        _names(destinations),
        _names(kinds),
        *times,
    )


def _text(names: Sequence[str] | None) -> str | None:
    return None if names is None else orjson.dumps(list(names)).decode()


def _names(text: str | None) -> list[str] | None:
    return None if text is None else list(orjson.loads(text))
