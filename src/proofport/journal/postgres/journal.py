"""The journal that several machines share, in one PostgreSQL database. See `proofport.journal.contract`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from proofport.adapter import Schema
from proofport.errors import JournalError
from proofport.journal.access import AccessKey
from proofport.journal.contract import (
    Accepted,
    Attempt,
    Delivery,
    Filter,
    Kept,
    Known,
    LaneRun,
    LaneView,
    NewDelivery,
    Once,
    RunView,
    Submitted,
)
from proofport.journal.postgres import access, known, lanes, migrations, permits, queue, runs, schemas, snapshots
from proofport.journal.postgres.accept import Answer, Request
from proofport.journal.postgres.accepting import Acceptor
from proofport.journal.postgres.database import Place
from proofport.journal.postgres.lane_run import PostgresLaneRun
from proofport.journal.postgres.lanes import Hold
from proofport.journal.postgres.move import move
from proofport.journal.postgres.shared import Shared
from proofport.journal.postgres.wake import Waker
from proofport.journal.postgres.work import Work
from proofport.journal.snapshots import NewSnapshot, Part, SnapshotState, SnapshotView


@dataclass(frozen=True, slots=True)
class _Opened:
    shared: Shared
    acceptor: Acceptor


class PostgresJournal:
    """A journal in a database. `clock` gives seconds since 1970; without one, the server's clock counts."""

    def __init__(self, url: str, *, clock: Callable[[], float] | None = None) -> None:
        self.place = Place(url)
        self._clock = clock
        self._opened: _Opened | None = None

    async def migrate(self) -> list[str]:
        """Make the tables, or bring them up to date. The names of the scripts that were applied."""
        return await migrations.migrate(self.place)

    async def move_from(self, source: Path, told: Callable[[str, int, int], None]) -> Path:
        """Move the embedded journal in the file `source` here, and rename that; see `proofport.journal.postgres.move`.

        This journal must not be open, nor that one be in use.
        """
        return await move(source, self.place, told)

    async def open(self) -> None:
        async with self.place.connected() as db:
            await migrations.check(db, self.place)
        pool, waker = self.place.pool(), Waker()
        await pool.open()
        await waker.open(pool)
        shared = Shared(pool, waker, self._clock)
        self._opened = _Opened(shared, Acceptor(shared))

    async def close(self) -> None:
        if self._opened is not None:
            opened, self._opened = self._opened, None
            await opened.acceptor.close()
            await opened.shared.pool.close()

    @property
    def _shared(self) -> Shared:
        if self._opened is None:
            raise JournalError("the journal is not open")
        return self._opened.shared

    # ------------------------------------------------------------------ accepting and looking
    async def accept(self, deliveries: Sequence[NewDelivery]) -> list[Accepted]:
        return (await self._accept(Request(deliveries))).accepted

    async def submit(self, deliveries: Sequence[NewDelivery], *, once: Once | None = None) -> Submitted:
        answer = await self._accept(Request(deliveries, submission=True, once=once))
        return Submitted([one.id for one in answer.accepted], answer.first)

    async def _accept(self, request: Request) -> Answer:
        if self._opened is None:
            raise JournalError("the journal is not open")
        return await self._opened.acceptor.accept(request)

    async def find(
        self, chosen: Filter, *, after: int = 0, before: int | None = None, limit: int = 100
    ) -> list[Delivery]:
        return await queue.find(self._shared, chosen, after, before, limit)

    async def replay(self, chosen: Filter, *, as_it_was: bool = False) -> list[Accepted]:
        return await queue.replay(self._shared, chosen, as_it_was=as_it_was)

    async def cancel(self, chosen: Filter, reason: str) -> int:
        return await queue.cancel(self._shared, chosen, reason)

    async def queued_bytes(self) -> int:
        return await queue.queued_bytes(self._shared)

    # ------------------------------------------------------------------ lanes
    async def lanes(self) -> list[LaneView]:
        return await lanes.views(self._shared)

    async def resume(self, lane: str) -> bool:
        return await lanes.resume(self._shared, lane)

    async def claim(self, lane: str | None = None, *, owner: str, lease: float) -> LaneRun | None:
        shared = self._shared
        if lane is None:
            claiming = asyncio.ensure_future(lanes.claim_any(shared, owner, lease))
        else:
            claiming = asyncio.ensure_future(lanes.claim_named(shared, lane, owner, lease))
        try:
            hold = await asyncio.shield(claiming)
        except asyncio.CancelledError:
            await _give_back(shared, claiming)
            raise
        return None if hold is None else PostgresLaneRun(shared, hold, lease)

    async def work(
        self, drain: Callable[[LaneRun], Awaitable[None]], *, owner: str, slots: int, lease: float, stop: asyncio.Event
    ) -> None:
        await Work(self._shared, drain, owner=owner, slots=slots, lease=lease, stop=stop).run()

    # ------------------------------------------------------------------ bulk runs
    async def run(self, run_id: str, destination: str) -> RunView | None:
        return await runs.view(self._shared, run_id, destination)

    async def runs(self, *, lane: str | None = None, limit: int = 20) -> list[RunView]:
        return await runs.views(self._shared, lane, limit)

    async def amend(self, run_id: str, destination: str, report: str) -> None:
        await runs.amend(self._shared, run_id, destination, report)

    async def amend_delivery(self, delivery: int, outcome: str) -> None:
        await queue.amend(self._shared, delivery, outcome)

    async def attempts(self, *, run_id: str | None = None, lane: str | None = None, limit: int = 100) -> list[Attempt]:
        return await runs.attempts(self._shared, run_id, lane, limit)

    # ------------------------------------------------------------------ the last delivered state
    async def known(self, lane: str, kind: str, ids: Sequence[str]) -> list[Known | None]:
        return await known.known(self._shared, lane, kind, ids)

    async def gone(self, lane: str, kind: str, run_id: str, *, after: str = "", limit: int = 500) -> list[str]:
        return await known.gone(self._shared, lane, kind, run_id, after, limit)

    async def known_count(self, lane: str, kind: str) -> int:
        return await known.count(self._shared, lane, kind)

    async def bodies(self, lane: str, kind: str, ids: Sequence[str]) -> list[bytes | None]:
        return await known.bodies(self._shared, lane, kind, ids)

    async def kept(self, lane: str, kind: str, *, after: str = "", limit: int = 500) -> list[Kept]:
        return await known.kept(self._shared, lane, kind, after, limit)

    # ------------------------------------------------------------------ schemas
    async def schemas(self, lane: str) -> list[Schema]:
        return await schemas.of_lane(self._shared, lane)

    async def confirm_schema(self, lane: str, slug: str) -> bool:
        return await schemas.confirm(self._shared, lane, slug)

    # ------------------------------------------------------------------ the pacer
    async def permit(self, key: str, *, per_minute: int, burst: int) -> float:
        return await permits.take(self._shared, key, 60 / per_minute, burst) if per_minute else 0.0

    # ------------------------------------------------------------------ keys of the relay
    async def add_access_key(self, key: AccessKey) -> bool:
        return await access.add(self._shared, key)

    async def access_key(self, prefix: str) -> AccessKey | None:
        return await access.one(self._shared, prefix)

    async def access_keys(self, *, tenant: str | None = None) -> list[AccessKey]:
        return await access.listed(self._shared, tenant)

    async def revoke_access_key(self, prefix: str) -> bool:
        return await access.revoke(self._shared, prefix)

    async def note_access(self, used: Mapping[str, float]) -> None:
        await access.note(self._shared, used)

    # ------------------------------------------------------------------ snapshots that come in parts
    async def open_snapshot(self, new: NewSnapshot) -> None:
        await snapshots.open_new(self._shared, new)

    async def snapshot(self, snapshot: str) -> SnapshotView | None:
        return await snapshots.view(self._shared, snapshot)

    async def snapshots(
        self, *, tenant: str | None = None, state: SnapshotState | None = None, limit: int = 100
    ) -> list[SnapshotView]:
        return await snapshots.views(self._shared, tenant, state, limit)

    async def put_part(self, snapshot: str, part: Part) -> bool:
        return await snapshots.put(self._shared, snapshot, part)

    async def parts(self, snapshot: str, *, after: str = "", limit: int = 10) -> list[Part]:
        return await snapshots.parts(self._shared, snapshot, after, limit)

    async def move_snapshot(
        self, snapshot: str, before: SnapshotState, after: SnapshotState, *, report: str | None = None
    ) -> bool:
        return await snapshots.move(self._shared, snapshot, before, after, report)

    async def expire_snapshots(self) -> int:
        return await snapshots.expire(self._shared)


async def _give_back(shared: Shared, claiming: asyncio.Future[Hold | None]) -> None:
    """Whoever claimed a lane has been cancelled meanwhile: nobody would release it."""
    try:
        hold = await claiming
    except JournalError:
        return
    if hold is not None:
        await lanes.release(shared, hold)
