"""The embedded journal: one SQLite file that several processes may share. See `proofport.journal.contract`."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from proofport.adapter import Schema
from proofport.errors import JournalError, UsageError
from proofport.journal import scheduler
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
from proofport.journal.snapshots import NewSnapshot, Part, SnapshotState, SnapshotView
from proofport.journal.sqlite import access, lanes, permits, queue, runs, schemas, snapshots
from proofport.journal.sqlite.database import connect, create, explained
from proofport.journal.sqlite.known import KnownSets
from proofport.journal.sqlite.lane_run import SqliteLaneRun
from proofport.journal.sqlite.lanes import Hold
from proofport.journal.sqlite.reader import Reader
from proofport.journal.sqlite.shared import Shared
from proofport.journal.sqlite.writer import Writer


class SqliteJournal:
    """A journal in a file on a local disk. `clock` gives seconds since 1970."""

    durable = True
    """Commits survive a power cut."""

    def __init__(self, path: str | Path, *, clock: Callable[[], float] = time.time) -> None:
        self.path = Path(path)
        self._clock = clock
        self._opened: Shared | None = None

    async def open(self) -> None:
        await asyncio.to_thread(create, self.path, durable=self.durable)
        self._begin()

    def _begin(self) -> None:
        writer, looks = Writer(self.path, durable=self.durable), Reader(self.path)
        self._opened = Shared(
            writer=writer,
            heads=Reader(self.path),
            looks=looks,
            watch=connect(self.path, query_only=True),
            known=KnownSets(self.path, writer, looks),
            news=asyncio.Event(),
            clock=self._clock,
        )

    async def close(self) -> None:
        if self._opened is not None:
            opened, self._opened = self._opened, None
            await opened.close()

    @property
    def _shared(self) -> Shared:
        if self._opened is None:
            raise JournalError("the journal is not open")
        return self._opened

    async def backup(self, path: str | Path) -> None:
        """Copy the journal as it is now, beside running work. Raises UsageError when `path` exists."""
        target = Path(path)
        await asyncio.to_thread(self._copy_to, target)

    def _copy_to(self, target: Path) -> None:
        draft = target.with_name(f".{target.name}.{os.getpid()}")
        if target.exists():
            raise UsageError(f"{target} exists already", hint="Give the backup a path of its own.")
        try:
            os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600))
            with closing(connect(self.path)) as source, closing(sqlite3.connect(draft)) as copy:
                source.backup(copy)
            os.link(draft, target)
        except sqlite3.Error as error:
            raise explained(error) from error
        except OSError as error:
            raise UsageError(f"the backup {target} cannot be written: {error}") from error
        finally:
            draft.unlink(missing_ok=True)

    # ------------------------------------------------------------------ accepting and looking
    async def accept(self, deliveries: Sequence[NewDelivery]) -> list[Accepted]:
        shared, now = self._shared, self._clock()
        accepted = await shared.writer.write(lambda db: queue.accept(db, deliveries, now))
        shared.news.set()
        return accepted

    async def submit(self, deliveries: Sequence[NewDelivery], *, once: Once | None = None) -> Submitted:
        shared, now = self._shared, self._clock()
        submitted = await shared.writer.write(lambda db: queue.submit(db, deliveries, once, now))
        shared.news.set()
        return submitted

    async def find(
        self, chosen: Filter, *, after: int = 0, before: int | None = None, limit: int = 100
    ) -> list[Delivery]:
        return await self._shared.looks.read(lambda db: queue.find(db, chosen, after, before, limit))

    async def replay(self, chosen: Filter, *, as_it_was: bool = False) -> list[Accepted]:
        shared, now = self._shared, self._clock()
        accepted = await shared.writer.write(lambda db: queue.replay(db, chosen, now, as_it_was=as_it_was))
        shared.news.set()
        return accepted

    async def cancel(self, chosen: Filter, reason: str) -> int:
        now = self._clock()
        return await self._shared.writer.write(lambda db: queue.cancel(db, chosen, reason, now))

    async def queued_bytes(self) -> int:
        return await self._shared.looks.read(queue.queued_bytes)

    # ------------------------------------------------------------------ lanes
    async def lanes(self) -> list[LaneView]:
        return await self._shared.looks.read(lanes.views)

    async def resume(self, lane: str) -> bool:
        shared, now = self._shared, self._clock()
        found = await shared.writer.write(lambda db: lanes.resume(db, lane, now))
        shared.news.set()
        return found

    async def claim(self, lane: str | None = None, *, owner: str, lease: float) -> LaneRun | None:
        shared, now = self._shared, self._clock()

        def take(db: sqlite3.Connection) -> Hold | None:
            if lane is None:
                return lanes.claim_any(db, owner, lease, now)
            return lanes.claim_named(db, lane, owner, lease, now)

        claiming = shared.writer.write(take)
        try:
            hold = await asyncio.shield(claiming)
        except asyncio.CancelledError:
            claiming.add_done_callback(lambda done: self._give_back(shared, done))
            raise
        return None if hold is None else SqliteLaneRun(shared, hold, lease)

    def _give_back(self, shared: Shared, claimed: asyncio.Future[Hold | None]) -> None:
        """Whoever claimed a lane has been cancelled meanwhile: nobody would release it."""
        if not claimed.cancelled() and claimed.exception() is None and (hold := claimed.result()) is not None:
            shared.writer.write(lambda db: lanes.release(db, hold, self._clock()))

    async def work(
        self, drain: Callable[[LaneRun], Awaitable[None]], *, owner: str, slots: int, lease: float, stop: asyncio.Event
    ) -> None:
        await scheduler.work(
            lambda: self.claim(owner=owner, lease=lease),
            self._is_due,
            self._shared.news,
            drain,
            slots=slots,
            stop=stop,
        )

    def _is_due(self) -> bool:
        """One look into one index, cheap enough for the event loop."""
        try:
            due = lanes.next_due(self._shared.watch)
        except sqlite3.Error as error:
            raise explained(error) from error
        return due is not None and due <= self._clock()

    # ------------------------------------------------------------------ bulk runs
    async def run(self, run_id: str, destination: str) -> RunView | None:
        return await self._shared.looks.read(lambda db: runs.view(db, run_id, destination))

    async def runs(self, *, lane: str | None = None, limit: int = 20) -> list[RunView]:
        return await self._shared.looks.read(lambda db: runs.views(db, lane, limit))

    async def attempts(self, *, run_id: str | None = None, lane: str | None = None, limit: int = 100) -> list[Attempt]:
        return await self._shared.looks.read(lambda db: runs.attempts(db, run_id, lane, limit))

    # ------------------------------------------------------------------ the last delivered state
    async def known(self, lane: str, kind: str, ids: Sequence[str]) -> list[Known | None]:
        return await self._shared.known.known(lane, kind, ids)

    async def gone(self, lane: str, kind: str, run_id: str, *, after: str = "", limit: int = 500) -> list[str]:
        return await self._shared.known.gone(lane, kind, run_id, after, limit)

    async def known_count(self, lane: str, kind: str) -> int:
        return await self._shared.known.count(lane, kind)

    async def bodies(self, lane: str, kind: str, ids: Sequence[str]) -> list[bytes | None]:
        return await self._shared.known.bodies(lane, kind, ids)

    async def kept(self, lane: str, kind: str, *, after: str = "", limit: int = 500) -> list[Kept]:
        return await self._shared.known.kept(lane, kind, after, limit)

    async def amend(self, run_id: str, destination: str, report: str) -> None:
        await self._shared.writer.write(lambda db: runs.amend(db, run_id, destination, report))

    async def amend_delivery(self, delivery: int, outcome: str) -> None:
        await self._shared.writer.write(lambda db: queue.amend(db, delivery, outcome))

    # ------------------------------------------------------------------ schemas
    async def schemas(self, lane: str) -> list[Schema]:
        return await self._shared.looks.read(lambda db: schemas.of_lane(db, lane))

    async def confirm_schema(self, lane: str, slug: str) -> bool:
        now = self._clock()
        return await self._shared.writer.write(lambda db: schemas.confirm(db, lane, slug, now))

    # ------------------------------------------------------------------ the pacer
    async def permit(self, key: str, *, per_minute: int, burst: int) -> float:
        if per_minute == 0:
            return 0.0
        now = self._clock()
        return await self._shared.writer.write(lambda db: permits.take(db, key, 60 / per_minute, burst, now))

    # ------------------------------------------------------------------ keys of the relay
    async def add_access_key(self, key: AccessKey) -> bool:
        return await self._shared.writer.write(lambda db: access.add(db, key))

    async def access_key(self, prefix: str) -> AccessKey | None:
        return await self._shared.looks.read(lambda db: access.one(db, prefix))

    async def access_keys(self, *, tenant: str | None = None) -> list[AccessKey]:
        return await self._shared.looks.read(lambda db: access.listed(db, tenant))

    async def revoke_access_key(self, prefix: str) -> bool:
        now = self._clock()
        return await self._shared.writer.write(lambda db: access.revoke(db, prefix, now))

    async def note_access(self, used: Mapping[str, float]) -> None:
        await self._shared.writer.write(lambda db: access.note(db, used))

    # ------------------------------------------------------------------ snapshots that come in parts
    async def open_snapshot(self, new: NewSnapshot) -> None:
        now = self._clock()
        await self._shared.writer.write(lambda db: snapshots.open_new(db, new, now))

    async def snapshot(self, snapshot: str) -> SnapshotView | None:
        now = self._clock()
        return await self._shared.looks.read(lambda db: snapshots.view(db, snapshot, now))

    async def snapshots(
        self, *, tenant: str | None = None, state: SnapshotState | None = None, limit: int = 100
    ) -> list[SnapshotView]:
        now = self._clock()
        return await self._shared.looks.read(lambda db: snapshots.views(db, tenant, state, limit, now))

    async def put_part(self, snapshot: str, part: Part) -> bool:
        now = self._clock()
        return await self._shared.writer.write(lambda db: snapshots.put(db, snapshot, part, now))

    async def parts(self, snapshot: str, *, after: str = "", limit: int = 10) -> list[Part]:
        return await self._shared.looks.read(lambda db: snapshots.parts(db, snapshot, after, limit))

    async def move_snapshot(
        self, snapshot: str, before: SnapshotState, after: SnapshotState, *, report: str | None = None
    ) -> bool:
        now = self._clock()
        return await self._shared.writer.write(lambda db: snapshots.move(db, snapshot, before, after, report, now))

    async def expire_snapshots(self) -> int:
        now = self._clock()
        return await self._shared.writer.write(lambda db: snapshots.expire(db, now))
