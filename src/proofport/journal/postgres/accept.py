"""Accepting deliveries, those of many requests in one transaction.

A commit costs the same whether it holds one request or hundreds, so whatever is asked while one commit runs goes into
the next one together. Lanes stay locked to its end, so that the ids of a lane become visible in their order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from psycopg import errors

from proofport.errors import JournalError
from proofport.journal.contract import IdempotencyRecord, NewDelivery, Submitted
from proofport.journal.sql.steps import Change, Query, Steps, Store, Wake

LARGEST_GROUP = 512
TRIES = 5
"""Of a transaction that PostgreSQL ended because two waited for each other: for lanes and keys in another order."""


class KeyTaken(Exception):
    """Somebody else has submitted under the same key meanwhile. The next try finds it."""


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """Deliveries that are accepted together, as one submission."""

    deliveries: Sequence[NewDelivery]
    record: IdempotencyRecord | None
    future: asyncio.Future[Submitted]

    @property
    def key(self) -> Hashable:
        """The request itself, where it has no key."""
        return (self.record.tenant, self.record.key) if self.record is not None else self


def submitting(requests: Sequence[Request]) -> Steps[list[Submitted]]:
    """Accept the requests in the order given, but for those whose key is known. Raises KeyTaken."""
    known = yield from _known(requests)
    fresh: dict[Hashable, Request] = {}
    for request in requests:
        if request.key not in known:
            fresh.setdefault(request.key, request)
    added = iter((yield from accepting([(new, n) for n, each in enumerate(fresh.values()) for new in each.deliveries])))
    ids = {request: [next(added) for _ in request.deliveries] for request in fresh.values()}
    yield from _register({ids[each][0]: each.record for each in fresh.values() if each.record is not None})
    if len(ids) < len(requests):
        known = yield from _known(requests)
    return [Submitted(ids[each]) if each in ids else known[each.key] for each in requests]


def accepting(deliveries: Sequence[tuple[NewDelivery, int | None]]) -> Steps[list[int]]:
    """Add deliveries, each with the number of its submission in the group, and wake those of their lanes that sleep."""
    if not deliveries:
        return []
    lanes = yield from _locked({new.lane for new, _ in deliveries})
    values = {
        "numbers": [lanes[new.lane][0] for new, _ in deliveries],
        "destinations": [new.destination for new, _ in deliveries],
        "kinds": [new.kind for new, _ in deliveries],
        "modes": [new.mode for new, _ in deliveries],
        "payloads": [new.payload for new, _ in deliveries],
        "records": [new.records for new, _ in deliveries],
        "bodies": [new.bodies for new, _ in deliveries],
        "groups": [group for _, group in deliveries],
    }
    ids = [number for (number,) in (yield Query("add_deliveries", values))]
    if asleep := [number for number, sleeps in lanes.values() if sleeps]:
        for lane, delay in (yield Query("wake_lanes", {"numbers": asleep})):
            yield Wake(lane, delay)
    return sorted(ids)


def _known(requests: Iterable[Request]) -> Steps[dict[Hashable, Submitted]]:
    """Earlier submissions under the keys of these requests."""
    records = [request.record for request in requests if request.record is not None]
    if not records:
        return {}
    values = {"tenants": [each.tenant for each in records], "keys": [each.key for each in records]}
    return {
        (tenant, key): Submitted(ids, IdempotencyRecord(tenant, key, digest, answer))
        for tenant, key, digest, answer, ids in (yield Query("idempotency_records", values))
    }


def _locked(names: set[str]) -> Steps[dict[str, tuple[int, bool]]]:
    """The number of each lane, and whether it sleeps. Nobody else accepts for them until the end."""
    rows = yield Query("lock_lanes", {"lanes": list(names)})
    if len(rows) < len(names):
        yield Change("make_lanes", {"names": list(names - {lane for lane, *_ in rows})})
        rows = yield Query("lock_lanes", {"lanes": list(names)})
    return {lane: (number, sleeps) for lane, number, sleeps in rows}


def _register(records: dict[int, IdempotencyRecord]) -> Steps[None]:
    values = {
        "tenants": [each.tenant for each in records.values()],
        "keys": [each.key for each in records.values()],
        "digests": [each.digest for each in records.values()],
        "answers": [each.answer for each in records.values()],
        "submissions": list(records),
    }
    if records and (yield Change("add_idempotency_records", values)) < len(records):
        raise KeyTaken


class Acceptor:
    """Does what it is asked in the order it was asked, and answers when it is durable."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[Request] = []
        self._working: asyncio.Task[None] | None = None

    def accept(self, deliveries: Sequence[NewDelivery], record: IdempotencyRecord | None) -> asyncio.Future[Submitted]:
        future: asyncio.Future[Submitted] = asyncio.get_running_loop().create_future()
        if not deliveries:
            future.set_result(Submitted([]))
            return future
        self._waiting.append(Request(deliveries, record, future))
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work(), name="journal-acceptor")
        return future

    async def close(self) -> None:
        """Finish what was asked before."""
        if self._working is not None:
            await self._working

    async def _work(self) -> None:
        while self._waiting:
            sizes = accumulate(len(request.deliveries) for request in self._waiting)
            count = sum(size <= LARGEST_GROUP for size in sizes) or 1
            group, self._waiting = self._waiting[:count], self._waiting[count:]
            await self._commit(group)

    async def _commit(self, group: list[Request]) -> None:
        """A group in which a request fails is halved until that one stands alone: it takes nothing from the others."""
        try:
            answers = await self._submit(group)
        except Exception as error:
            middle = 0 if isinstance(error.__cause__, errors.OperationalError) else len(group) // 2
            if middle:
                await self._commit(group[:middle])
                await self._commit(group[middle:])
                return
            for request in group:
                if not request.future.done():
                    request.future.set_exception(error)
        else:
            for request, answer in zip(group, answers, strict=True):
                if not request.future.done():  # whoever asked has been cancelled
                    request.future.set_result(answer)

    async def _submit(self, group: list[Request]) -> list[Submitted]:
        for _ in range(TRIES - 1):
            try:
                return await self._store.write(submitting, group)
            except KeyTaken:
                continue
            except JournalError as error:
                if not isinstance(error.__cause__, errors.DeadlockDetected):
                    raise
        return await self._store.write(submitting, group)
