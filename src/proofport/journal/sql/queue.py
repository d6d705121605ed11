"""Accepting deliveries, and looking after those that were accepted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import orjson

from proofport.journal.contract import Accepted, Delivery, Failure, Filter, IdempotencyRecord, NewDelivery, Submitted
from proofport.journal.sql.steps import Many, Part, Query, Row, Steps, Store, Values, shown


class QueuePart(Part):
    async def accept(self, deliveries: Sequence[NewDelivery], *, record: IdempotencyRecord | None = None) -> Submitted:
        return await self._store.accept(deliveries, record)

    async def find(
        self, chosen: Filter, *, after: int = 0, before: int | None = None, limit: int = 100
    ) -> list[Delivery]:
        where, values = _where(chosen)
        page = {"after": after, "before": before, "limit": limit}
        name = "find_after" if before is None else "find_before"
        return [delivery(row) for row in await self._store.rows(name, {**values, **page}, where)]

    async def replay(self, chosen: Filter, *, as_it_was: bool = False) -> list[Accepted]:
        ids = await self._store.write(_replay, self._store, chosen, as_it_was)
        return [Accepted(number, duplicate=False) for number in ids]

    async def cancel(self, chosen: Filter, reason: str) -> int:
        where, values = _where(chosen)
        outcome = orjson.dumps({"reason": reason}).decode()
        return await self._store.change("cancel", {**values, "outcome": outcome}, where)

    async def set_aside(self, chosen: Filter, failure: Failure) -> int:
        where, values = _where(chosen)
        return await self._store.change("set_aside", {**values, **failed(failure)}, where)

    async def waiting_bytes(self) -> dict[str, int]:
        return {tenant: int(size) for tenant, size in await self._store.rows("waiting_bytes", {})}

    async def amend_delivery(self, delivery: int, outcome: str) -> None:
        await self._store.change("amend_delivery", {"id": delivery, "outcome": shown(outcome)})


LARGEST_ID = 2**63 - 1
"""Of a delivery. A database knows no larger number."""


def _where(chosen: Filter) -> tuple[list[str], dict[str, Any]]:
    """The names of the conditions of a filter, with their values."""
    given = {name: value for name, value in asdict(chosen).items() if value is not None}
    if chosen.ids is not None:
        given["ids"] = [each for each in chosen.ids if each <= LARGEST_ID]
    where = [f"is_{chosen.state}" if name == "state" else f"of_{name}" for name in given]
    return where, {name: value if isinstance(value, str | int) else list(value) for name, value in given.items()}


def failed(failure: Failure) -> Values:
    return {"reason": shown(failure.reason), "detail": shown(failure.detail)}


def delivery(row: Row) -> Delivery:
    *common, reason, detail, submission, bodies, breakdowns, receipt = row
    failure = None if reason is None else Failure(reason, detail)
    return Delivery(*[*common, failure, submission, bodies, breakdowns, receipt])


def _replay(store: Store, chosen: Filter, as_it_was: bool) -> Steps[list[int]]:
    """Lanes are locked before their dead deliveries, as everybody does it."""
    where, values = _where(chosen)
    yield Query("lock_lanes_of_dead", values, tuple(where))
    dead = [delivery(row) for row in (yield Query("find_dead", values, tuple(where)))]
    new = [
        NewDelivery(d.lane, d.destination, d.kind, d.mode, d.payload, d.records, d.bodies if as_it_was else None)
        for d in dead
    ]
    ids = yield from store.accepting(new)
    yield Many("replayed", [_replayed(old.id, again) for old, again in zip(dead, ids, strict=True)])
    return ids


def _replayed(old: int, again: int) -> Values:
    return {"id": old, "outcome": orjson.dumps({"replayed_as": again}).decode()}
