"""What the tests of a journal stand on: the hook, a clock that moves when told to, and short words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable

import pytest
from tests.support.clock import Clock

from proofport.adapter import Mode
from proofport.journal.contract import Filter, Journal, LaneRun, LaneView, NewDelivery, State

KIND = "cloud_resource"
LEASE = 60.0


class JournalTests(ABC):
    """The hook, and the fixtures made from it."""

    @abstractmethod
    def new_journal(self, clock: Callable[[], float]) -> Journal:
        """An empty journal of its own, not opened yet."""

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    async def journal(self, clock: Clock) -> AsyncIterator[Journal]:
        journal = self.new_journal(clock)
        await journal.open()
        yield journal
        await journal.close()


def new(lane: str = "a", text: str = "x", *, mode: Mode = "upsert") -> NewDelivery:
    return NewDelivery(lane, "somewhere", KIND, mode, b'[{"id":"%b"}]' % text.encode(), 1)


async def fill(journal: Journal, lane: str, count: int = 1) -> list[int]:
    """Queue deliveries; their ids."""
    return list((await journal.accept([new(lane) for _ in range(count)])).ids)


async def claim(journal: Journal, lane: str | None = None, *, owner: str = "me", lease: float = LEASE) -> LaneRun:
    run = await journal.claim(lane, owner=owner, lease=lease)
    assert run is not None
    return run


async def view(journal: Journal, lane: str) -> LaneView:
    return next(view for view in await journal.lanes() if view.lane == lane)


async def ids(journal: Journal, state: State | None = None, lane: str | None = None) -> list[int]:
    return [delivery.id for delivery in await journal.find(Filter(lane=lane, state=state), limit=10_000)]


async def heads(run: LaneRun, n: int = 100) -> list[int]:
    return [delivery.id for delivery in await run.take(n)]
