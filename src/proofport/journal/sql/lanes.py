"""Lanes and their runs: claiming a lane, and looking at both."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace

import orjson

from proofport.errors import JournalError
from proofport.journal.contract import (
    EVERY_RUN,
    NO_PLACES,
    Arrival,
    Attempt,
    BatchDone,
    LaneRun,
    LaneView,
    Places,
    RunFilter,
    RunView,
)
from proofport.journal.sql.lane_run import release
from proofport.journal.sql.steps import Change, Hold, Part, Query, Row, Steps, Store, shown
from proofport.logs import get_logger

log = get_logger("journal")


class LanesPart(Part):
    async def lanes(self) -> list[LaneView]:
        return [LaneView(*row) for row in await self._store.rows("lanes", {})]

    async def resume(self, lane: str) -> bool:
        return await self._store.write(_resume, self._store, lane)

    async def claim(
        self, lane: str | None = None, *, owner: str, lease: float, places: Places = NO_PLACES
    ) -> LaneRun | None:
        store = self._store
        claiming = asyncio.ensure_future(store.write(store.claiming, lane, owner, lease, places))
        try:
            hold = await asyncio.shield(claiming)
        except asyncio.CancelledError:
            await _give_back(store, claiming)
            raise
        if hold is None:
            return None
        if hold.before is not None:
            log.warning("lane_taken_over", lane=hold.lane, epoch=hold.epoch, owner=owner, before=hold.before)
        return self._held(hold, lease)

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


CONDITIONS = {
    "lane": "run_of_lane",
    "run_id": "run_of_id",
    "destination": "run_of_destination",
    "kind": "run_of_kind",
    "mode": "run_of_mode",
    "state": "run_in_state",
    "since": "run_since",
    "failed": "run_failed",
}
"""The condition of each field of a filter of runs."""


class RunsPart(Part):
    async def arrivals(self) -> list[Arrival]:
        return [Arrival(*row) for row in await self._store.rows("arrivals", {})]

    async def run(self, run_id: str, destination: str) -> RunView | None:
        rows = await self._store.rows("run", {"run_id": run_id, "destination": destination})
        if not rows:
            return None
        batches = await self._store.rows("batches", {"run": rows[0][0]})
        intents = {
            batch: bytes(digest) for batch, digest in await self._store.rows("intents_of_run", {"run": rows[0][0]})
        }
        return replace(_run(rows[0]), batches=[BatchDone(*batch) for batch in batches], intents=intents)

    async def runs(self, *, lane: str | None = None, limit: int = 20, chosen: RunFilter = EVERY_RUN) -> list[RunView]:
        values = {"lane": lane, **asdict(chosen)}
        where = [CONDITIONS[name] for name, value in values.items() if value not in (None, False)]
        return [_run(row) for row in await self._store.rows("runs", {**values, "limit": limit}, where)]

    async def last_runs(self) -> list[RunView]:
        return [_run(row) for row in await self._store.rows("last_runs", {})]

    async def attempts(self, *, run_id: str | None = None, lane: str | None = None, limit: int = 100) -> list[Attempt]:
        given = {"attempt_of_run": run_id, "attempt_of_lane": lane}
        values = {"run_id": run_id, "lane": lane, "limit": limit}
        where = [name for name, value in given.items() if value is not None]
        return [Attempt(*row) for row in await self._store.rows("attempts", values, where)]

    async def amend(self, run_id: str, destination: str, report: str) -> None:
        values = {"run_id": run_id, "destination": destination, "report": shown(report)}
        await self._store.change("amend_run", values)


def _run(row: Row) -> RunView:
    _number, *about, memory, started, ended, report, inputs = row
    return RunView(*[*about, orjson.loads(memory), started, ended, report, orjson.loads(inputs)])
