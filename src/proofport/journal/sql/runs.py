"""Looking at runs and attempts."""

from __future__ import annotations

from dataclasses import replace

import orjson

from proofport.journal.contract import Attempt, BatchDone, RunView
from proofport.journal.sql.steps import Part, Row, shown


class RunsPart(Part):
    async def run(self, run_id: str, destination: str) -> RunView | None:
        rows = await self._store.rows("run", {"run_id": run_id, "destination": destination})
        if not rows:
            return None
        batches = await self._store.rows("batches", {"run": rows[0][0]})
        return replace(_run(rows[0]), batches=[BatchDone(*batch) for batch in batches])

    async def runs(self, *, lane: str | None = None, limit: int = 20) -> list[RunView]:
        where = [] if lane is None else ["run_of_lane"]
        return [_run(row) for row in await self._store.rows("runs", {"lane": lane, "limit": limit}, where)]

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
