"""Keys of the relay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from proofport.journal.access import AccessKey
from proofport.journal.postgres.shared import Shared

COLUMNS = "prefix, name, tenant, proof, may_read, may_write, created, destinations, kinds, expires, revoked, used"
ADD = (
    f"INSERT INTO access_keys ({COLUMNS}) VALUES (%(prefix)s, %(name)s, %(tenant)s, %(proof)s, %(may_read)s, "
    "%(may_write)s, %(created)s, %(destinations)s, %(kinds)s, %(expires)s, %(revoked)s, %(used)s) "
    "ON CONFLICT DO NOTHING RETURNING 1"
)
ONE = f"SELECT {COLUMNS} FROM access_keys WHERE prefix = %(prefix)s"
LISTED = f"SELECT {COLUMNS} FROM access_keys WHERE tenant = coalesce(%(tenant)s, tenant) ORDER BY number"
REVOKE = (
    "UPDATE access_keys SET revoked = coalesce(revoked, journal_now(%(now)s)) WHERE prefix = %(prefix)s RETURNING 1"
)
NOTE = (
    "UPDATE access_keys SET used = greatest(used, u.at) "
    "FROM unnest(%(prefixes)s::text[], %(times)s::float8[]) AS u (prefix, at) "
    "WHERE access_keys.prefix = u.prefix RETURNING 1"
)


async def add(shared: Shared, key: AccessKey) -> bool:
    values = {
        "prefix": key.prefix,
        "name": key.name,
        "tenant": key.tenant,
        "proof": key.proof,
        "may_read": key.may_read,
        "may_write": key.may_write,
        "created": key.created,
        "destinations": _names(key.destinations),
        "kinds": _names(key.kinds),
        "expires": key.expires,
        "revoked": key.revoked,
        "used": key.used,
    }
    return bool(await shared.rows(ADD, values))


async def one(shared: Shared, prefix: str) -> AccessKey | None:
    rows = await shared.rows(ONE, {"prefix": prefix})
    return _key(rows[0]) if rows else None


async def listed(shared: Shared, tenant: str | None) -> list[AccessKey]:
    return [_key(row) for row in await shared.rows(LISTED, {"tenant": tenant})]


async def revoke(shared: Shared, prefix: str) -> bool:
    return bool(await shared.rows(REVOKE, {"prefix": prefix, "now": shared.now()}))


async def note(shared: Shared, used: Mapping[str, float]) -> None:
    await shared.rows(NOTE, {"prefixes": list(used), "times": list(used.values())})


def _key(row: Sequence[Any]) -> AccessKey:
    return AccessKey(*row)


def _names(names: Sequence[str] | None) -> list[str] | None:
    return None if names is None else list(names)
