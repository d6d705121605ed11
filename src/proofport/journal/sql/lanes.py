"""Lanes: claiming them, and looking at them."""

from __future__ import annotations

import asyncio

from proofport.errors import JournalError
from proofport.journal.contract import LaneRun, LaneView
from proofport.journal.sql.lane_run import release
from proofport.journal.sql.steps import Change, Hold, Part, Query, Steps, Store


class LanesPart(Part):
    async def lanes(self) -> list[LaneView]:
        return [LaneView(*row) for row in await self._store.rows("lanes", {})]

    async def resume(self, lane: str) -> bool:
        return await self._store.write(_resume, self._store, lane)

    async def claim(self, lane: str | None = None, *, owner: str, lease: float) -> LaneRun | None:
        store = self._store
        claiming = asyncio.ensure_future(store.write(store.claiming, lane, owner, lease))
        try:
            hold = await asyncio.shield(claiming)
        except asyncio.CancelledError:
            await _give_back(store, claiming)
            raise
        return None if hold is None else self._held(hold, lease)

    def _held(self, hold: Hold, lease: float) -> LaneRun:
        """The right to write to a lane that was claimed."""
        raise NotImplementedError


async def _give_back(store: Store, claiming: asyncio.Future[Hold | None]) -> None:
    """Release the lane: whoever claimed it has been cancelled meanwhile."""
    try:
        hold = await claiming
    except JournalError:
        return
    if hold is not None:
        await store.write(release, store, hold)


def _resume(store: Store, lane: str) -> Steps[bool]:
    rows = yield Query("locked_lane", {"lane": lane})
    if not rows:
        return False
    yield Change("resume_lane", {"number": rows[0][0]})
    yield from store.scheduling(rows[0][0], lane)
    return True
