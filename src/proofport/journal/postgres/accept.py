"""Accepting deliveries, those of many requests in one transaction.

A commit costs the same whether it holds one request or hundreds, so whatever is asked while one commit runs goes into
the next one together. A group in which a request fails is halved until that one stands alone: it takes nothing from the
others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from psycopg import errors

from proofport.errors import JournalError
from proofport.journal.contract import IdempotencyRecord, NewDelivery, Submitted
from proofport.journal.sql.steps import Change, Query, Steps, Wake

LARGEST_GROUP = 512
TRIES = 5
"""Of a transaction that PostgreSQL ended because two waited for each other: for lanes and keys in another order."""

Key: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Request:
    """What is accepted together, as one submission."""

    deliveries: Sequence[NewDelivery]
    record: IdempotencyRecord | None

    @property
    def key(self) -> Key | None:
        return (self.record.tenant, self.record.key) if self.record is not None else None


def submitting(requests: Sequence[Request]) -> Steps[list[Submitted]]:
    """In the order given, within lanes that stay locked: so ids of a lane become visible in their order."""
    known = yield from _known(requests)
    fresh = _first_of_each_key(requests, known)
    ids: dict[int, list[int]] = {}
    if fresh:
        lanes = yield from _locked({new.lane for request in fresh.values() for new in request.deliveries})
        ids = yield from _new_ids(fresh)
        ids = yield from _registered(fresh, ids)
        rows = [(new, number, ids[n][0]) for n in ids for new, number in zip(fresh[n].deliveries, ids[n], strict=True)]
        yield from _inserted(rows, lanes)
    if len(ids) < len(requests):
        known = yield from _known(requests)
    return [Submitted(ids[n]) if n in ids else known[request.key] for n, request in enumerate(requests)]


def accepting(deliveries: Sequence[NewDelivery]) -> Steps[list[int]]:
    """Deliveries that are no submission."""
    if not deliveries:
        return []
    lanes = yield from _locked({new.lane for new in deliveries})
    ids = [int(number) for (number,) in (yield Query("next_ids", {"count": len(deliveries)}))]
    yield from _inserted([(new, number, None) for new, number in zip(deliveries, ids, strict=True)], lanes)
    return ids


def _known(requests: Iterable[Request]) -> Steps[dict[Key | None, Submitted]]:
    """What was submitted before under the keys of these requests."""
    keys = [request.key for request in requests if request.key is not None]
    if not keys:
        return {}
    rows = yield Query("idempotency_records", {"tenants": [key[0] for key in keys], "keys": [key[1] for key in keys]})
    return {
        (tenant, key): Submitted(ids, IdempotencyRecord(tenant, key, digest, answer))
        for tenant, key, digest, answer, ids in rows
    }


def _first_of_each_key(requests: Sequence[Request], known: Mapping[Key | None, Submitted]) -> dict[int, Request]:
    """Those to be accepted, by their place."""
    fresh, taken = {}, set(known)
    for place, request in enumerate(requests):
        if request.key not in taken:
            fresh[place] = request
        if request.key is not None:
            taken.add(request.key)
    return fresh


def _locked(names: set[str]) -> Steps[dict[str, tuple[int, bool]]]:
    """The number of each lane, and whether it sleeps. Nobody else accepts for them until the end."""
    rows = yield Query("lock_lanes", {"lanes": list(names)})
    if len(rows) < len(names):
        yield Change("make_lanes", {"names": list(names - {lane for lane, *_ in rows})})
        rows = yield Query("lock_lanes", {"lanes": list(names)})
    return {lane: (number, sleeps) for lane, number, sleeps in rows}


def _new_ids(fresh: Mapping[int, Request]) -> Steps[dict[int, list[int]]]:
    rows = yield Query("next_ids", {"count": sum(len(request.deliveries) for request in fresh.values())})
    ids = (number for (number,) in rows)
    return {place: [next(ids) for _ in request.deliveries] for place, request in fresh.items()}


def _registered(fresh: Mapping[int, Request], ids: dict[int, list[int]]) -> Steps[dict[int, list[int]]]:
    """Without those whose key somebody else has registered meanwhile."""
    records = {ids[place][0]: request.record for place, request in fresh.items() if request.record is not None}
    if not records:
        return ids
    values = {
        "tenants": [each.tenant for each in records.values()],
        "keys": [each.key for each in records.values()],
        "digests": [each.digest for each in records.values()],
        "answers": [each.answer for each in records.values()],
        "submissions": list(records),
    }
    ours = {number for (number,) in (yield Query("add_idempotency_records", values))}
    return {place: some for place, some in ids.items() if some[0] not in records or some[0] in ours}


def _inserted(
    rows: Sequence[tuple[NewDelivery, int, int | None]], lanes: Mapping[str, tuple[int, bool]]
) -> Steps[None]:
    """Add them, and wake those of their lanes that sleep."""
    if not rows:
        return
    values: dict[str, list[Any]] = {
        "ids": [number for _, number, _ in rows],
        "numbers": [lanes[new.lane][0] for new, _, _ in rows],
        "destinations": [new.destination for new, _, _ in rows],
        "kinds": [new.kind for new, _, _ in rows],
        "modes": [new.mode for new, _, _ in rows],
        "payloads": [new.payload for new, _, _ in rows],
        "records": [new.records for new, _, _ in rows],
        "submissions": [submission for _, _, submission in rows],
        "bodies": [new.bodies for new, _, _ in rows],
    }
    yield Change("add_deliveries", values)
    asleep = {lanes[new.lane][0] for new, _, _ in rows if lanes[new.lane][1]}
    if asleep:
        for lane, delay in (yield Query("wake_lanes", {"numbers": list(asleep)})):
            yield Wake(lane, delay)


# ------------------------------------------------------------------ many at once
@dataclass(frozen=True, slots=True)
class _Waiting:
    request: Request
    future: asyncio.Future[Submitted]


class Transactions(Protocol):
    async def write(
        self, steps: Callable[[Sequence[Request]], Steps[list[Submitted]]], given: Sequence[Request], /
    ) -> list[Submitted]: ...


class Acceptor:
    """Does what it is asked in the order it was asked, and answers when it is durable."""

    def __init__(self, store: Transactions) -> None:
        self._store = store
        self._waiting: list[_Waiting] = []
        self._news = asyncio.Event()
        self._closing = False
        self._task = asyncio.create_task(self._run(), name="journal-acceptor")

    def accept(self, deliveries: Sequence[NewDelivery], record: IdempotencyRecord | None) -> asyncio.Future[Submitted]:
        future: asyncio.Future[Submitted] = asyncio.get_running_loop().create_future()
        if self._closing:
            future.set_exception(JournalError("the journal is closed"))
        elif not deliveries:
            future.set_result(Submitted([]))
        else:
            self._waiting.append(_Waiting(Request(deliveries, record), future))
            self._news.set()
        return future

    async def close(self) -> None:
        """Finish what was asked before."""
        self._closing = True
        self._news.set()
        await self._task

    async def _run(self) -> None:
        while self._waiting or not self._closing:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                await self._commit(self._next_group())

    def _next_group(self) -> list[_Waiting]:
        count, size = 0, 0
        for waiting in self._waiting:
            size += len(waiting.request.deliveries)
            if count and size > LARGEST_GROUP:
                break
            count += 1
        group, self._waiting = self._waiting[:count], self._waiting[count:]
        return group

    async def _commit(self, group: list[_Waiting]) -> None:
        try:
            answers = await self._submit([waiting.request for waiting in group])
        except JournalError as error:
            await self._fail(group, error, whole=isinstance(error.__cause__, errors.OperationalError))
        except Exception as error:
            await self._fail(group, error)
        else:
            for waiting, answer in zip(group, answers, strict=True):
                if not waiting.future.done():  # whoever asked has been cancelled
                    waiting.future.set_result(answer)

    async def _submit(self, requests: Sequence[Request]) -> list[Submitted]:
        for left in reversed(range(TRIES)):
            try:
                return await self._store.write(submitting, requests)
            except JournalError as error:
                if not left or not isinstance(error.__cause__, errors.DeadlockDetected):
                    raise
        raise AssertionError("unreachable")

    async def _fail(self, group: list[_Waiting], error: Exception, *, whole: bool = False) -> None:
        """Nothing of the group was done. Find out whom it was for: the others get another chance, in their order."""
        if len(group) > 1 and not whole:
            middle = len(group) // 2
            await self._commit(group[:middle])
            await self._commit(group[middle:])
            return
        for waiting in group:
            if not waiting.future.done():
                waiting.future.set_exception(error)
