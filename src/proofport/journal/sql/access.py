"""Keys of the relay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import orjson

from proofport.journal.contract import AccessKey
from proofport.journal.sql.steps import Many, Part, Row, Steps


class AccessPart(Part):
    async def add_access_key(self, key: AccessKey) -> bool:
        values = {**asdict(key), "destinations": _list(key.destinations), "kinds": _list(key.kinds)}
        return bool(await self._store.change("add_access_key", values))

    async def access_key(self, prefix: str) -> AccessKey | None:
        rows = await self._store.rows("access_key", {"prefix": prefix})
        return _key(rows[0]) if rows else None

    async def access_keys(self, *, tenant: str | None = None) -> list[AccessKey]:
        return [_key(row) for row in await self._store.rows("access_keys", {"tenant": tenant})]

    async def revoke_access_key(self, prefix: str) -> bool:
        return bool(await self._store.change("revoke_access_key", {"prefix": prefix}))

    async def note_access(self, used: Mapping[str, float]) -> None:
        await self._store.write(_note, used)


def _note(used: Mapping[str, float]) -> Steps[None]:
    yield Many("note_access", ({"prefix": prefix, "at": used[prefix]} for prefix in sorted(used)))


def _key(row: Row) -> AccessKey:
    prefix, name, tenant, proof, may_read, may_write, created, destinations, kinds, *rest = row
    may = bool(may_read), bool(may_write)
    return AccessKey(prefix, name, tenant, proof, *may, created, names(destinations), names(kinds), *rest)


def _list(names: Sequence[str] | None) -> list[str] | None:
    return None if names is None else list(names)


def names(value: str | list[str] | None) -> list[str] | None:
    """A list of names as a query gives it: JSON, or a list already."""
    return orjson.loads(value) if isinstance(value, str) else value
