"""Adapter memory, request budgets and leases of names."""

from __future__ import annotations

import orjson
from pydantic import JsonValue

from proofport.journal.contract import Lease
from proofport.journal.sql.steps import Change, Part, Query, Steps, number_of

WANTED_SECONDS = 5.0
"""A wish for a lease counts so long after it was last said. Giving the lease back counts as saying it."""


class RegistryPart(Part):
    async def adapter_memory(self, lane: str) -> dict[str, JsonValue]:
        rows = await self._store.rows("adapter_memory", {"lane": lane})
        return {key: orjson.loads(value) for key, value in rows}

    async def keep_adapter_memory(self, lane: str, key: str, value: JsonValue, *, before: JsonValue | None) -> bool:
        return await self._store.write(_keep, lane, key, value, before)

    async def permit(self, key: str, *, per_minute: int, burst: int) -> float:
        """Evenly spaced permits after a small burst (GCRA)."""
        if per_minute == 0:
            return 0.0
        return await self._store.write(_permit, {"key": key, "interval": 60 / per_minute, "burst": burst})

    async def take_lease(self, name: str, *, owner: str, lease: float) -> Lease:
        return await self._store.write(_take, name, owner, lease)

    async def give_back_lease(self, name: str, *, owner: str) -> None:
        values = {"name": name, "owner": owner, "fresh": WANTED_SECONDS}
        await self._store.change("give_back_lease", values)


def _keep(lane: str, key: str, value: JsonValue, before: JsonValue | None) -> Steps[bool]:
    values = {"number": (yield from number_of(lane)), "key": key, "value": orjson.dumps(value).decode()}
    if before is None:
        return bool((yield Change("add_adapter_memory", values)))
    rows = yield Query("locked_adapter_memory", values)
    if not rows or orjson.loads(rows[0][0]) != before:
        return False
    yield Change("change_adapter_memory", values)
    return True


def _permit(values: dict[str, object]) -> Steps[float]:
    yield Change("take_permit", values)
    [(wait,)] = yield Query("wait_of_permit", values)
    return float(wait)


def _take(name: str, owner: str, lease: float) -> Steps[Lease]:
    values = {"name": name, "owner": owner, "lease": lease}
    yield Change("make_lease", values)
    [(now, holder, until, wanted_by, wanted_at)] = yield Query("locked_lease", values)
    other = wanted_by if wanted_by != owner and wanted_at > now - WANTED_SECONDS else None
    if holder not in (None, owner) and until > now:
        if other is None:
            yield Change("want_lease", values)
        return Lease(holder, until, wanted=True)
    if holder != owner and other is not None:
        return Lease(other, wanted_at + WANTED_SECONDS, wanted=True)
    yield Change("take_lease", {**values, "wanted_by": other})
    return Lease(owner, now + lease, wanted=other is not None)
