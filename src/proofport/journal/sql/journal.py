"""A journal in a database: all of its parts, over one store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from typing import Generic, TypeVar

from proofport.errors import JournalError
from proofport.journal import scheduler
from proofport.journal.contract import LaneRun
from proofport.journal.sql.access import AccessPart
from proofport.journal.sql.erasing import ErasingPart
from proofport.journal.sql.intents import IntentsPart
from proofport.journal.sql.lanes import LanesPart, RunsPart
from proofport.journal.sql.last_state import LastStatePart
from proofport.journal.sql.notices import NoticesPart
from proofport.journal.sql.queue import QueuePart
from proofport.journal.sql.receipts import ReceiptsPart
from proofport.journal.sql.registry import RegistryPart
from proofport.journal.sql.retention import RetentionPart
from proofport.journal.sql.snapshots import SnapshotsPart
from proofport.journal.sql.steps import Store

S = TypeVar("S", bound=Store)


class SqlJournal(
    QueuePart,
    LanesPart,
    RunsPart,
    LastStatePart,
    IntentsPart,
    ReceiptsPart,
    RegistryPart,
    RetentionPart,
    SnapshotsPart,
    AccessPart,
    ErasingPart,
    NoticesPart,
    Generic[S],
):
    _opened: S | None = None
    #: Seconds between two looks for what has become due, or was accepted by another process.
    _poll = scheduler.POLL

    async def close(self) -> None:
        if self._opened is not None:
            store, self._opened = self._opened, None
            await store.close()

    @property
    def _store(self) -> S:
        if self._opened is None:
            raise JournalError("the journal is not open")
        return self._opened

    async def work(
        self,
        drain: Callable[[LaneRun], Awaitable[None]],
        *,
        owner: str,
        slots: int,
        lease: float,
        stop: asyncio.Event,
        shared: bool = False,
    ) -> None:
        store, taken = self._store, scheduler.Slots(slots, shared=shared)
        claim = partial(self.claim, owner=owner, lease=lease)
        async with self._hearing(owner, lease, stop):
            await scheduler.work(claim, store.is_due, store.news, drain, taken, stop, poll=self._poll)

    def _hearing(self, owner: str, lease: float, stop: asyncio.Event) -> AbstractAsyncContextManager[object]:
        """Within the block, the store's `news` are set by other processes as well, where they can be."""
        return nullcontext()
