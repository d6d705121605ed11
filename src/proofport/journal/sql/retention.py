"""Measuring what the journal holds, and dropping what is old."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from proofport.journal.contract.retention import Holding, Prunable, Pruned
from proofport.journal.sql.steps import Change, Many, Part, Query, Row, Steps, Values

QUERIES: dict[Prunable, tuple[str, str, Sequence[str]]] = {
    "deliveries": ("window_deliveries", "old_deliveries", ["prune_records", "prune_deliveries"]),
    "attempts": ("window_attempts", "old_attempts", ["prune_attempts"]),
    "runs": ("window_runs", "old_runs", ["prune_batches"]),
    "snapshots": ("window_snapshots", "old_snapshots", ["prune_parts", "prune_snapshots"]),
    "lists of plain ids": ("window_receipts", "old_plain_ids", ["prune_plain_ids"]),
}
"""Queries for the end of a window and for what is old in it, and the statements that drop it."""


class RetentionPart(Part):
    async def holdings(self) -> list[Holding]:
        return [Holding(what, rows, int(size or 0)) for what, rows, size in await self._store.rows("holdings", {})]

    async def prune(
        self, what: Prunable, *, before: float, after: int = 0, limit: int = 500, dry_run: bool = False
    ) -> Pruned:
        [(last,)] = await self._store.rows(QUERIES[what][0], {"after": after, "limit": limit})
        if last is None:
            return Pruned((), None)
        window = {"after": after, "last": last, "before": before}
        dropped = await self._store.write(_prune, what, window, dry_run)
        return Pruned([each for each in dropped if each.rows], last)


def _prune(what: Prunable, window: Values, dry_run: bool) -> Steps[list[Holding]]:
    rows = yield Query(QUERIES[what][1], window)
    if not rows:
        return []
    ids = {"ids": [number for number, *_ in rows]}
    dropped = [Holding(what, len(rows), sum(size for _, size, *_ in rows))]
    if what == "deliveries":
        dropped.append(Holding("answers to repeated submissions", *(yield Query("old_records", ids))[0]))
    elif what == "runs":
        [*_, (count, size)] = yield Query("old_batches", ids)
        kept = sum(len(counts_of(report) or "") for *_, report in rows)
        dropped = [Holding("reports", len(rows), dropped[0].bytes - kept), Holding("batches of runs", count, int(size))]
    if not dry_run:
        yield from _drop(what, ids, rows)
    return dropped


def _drop(what: Prunable, ids: Values, rows: Sequence[Row]) -> Steps[None]:
    for name in QUERIES[what][2]:
        yield Change(name, ids)
    if what == "runs":
        yield Many("prune_run", [{"number": number, "report": counts_of(report)} for number, _, report in rows])


def counts_of(report: str | None) -> str | None:
    """A report without all that names a record: its words, numbers, and tables of numbers."""
    if report is None:
        return None
    try:
        found = orjson.loads(report)
    except ValueError:
        return None
    return orjson.dumps({key: value for key, value in found.items() if _is_count(value)}).decode()


def _is_count(value: object) -> bool:
    if isinstance(value, dict):
        return all(isinstance(each, int) for each in value.values())
    return not isinstance(value, list)
