"""Ends at the vendor what is gone from a snapshot's source, once the guard has agreed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from proofport.accounting import Outcome, Status
from proofport.adapter import Batch
from proofport.delivery.lane import Lane
from proofport.delivery.report import Exit

NOTED = 20
"""At most this many that could not be ended are named in the report."""


async def bury(lane: Lane, ids: Sequence[str]) -> int:
    """How many were ended. What could not be is noted, and counts against the run."""
    ended = failed = 0
    for part in _batches(ids, lane.capability.max_records):
        batch = await lane.last.with_bodies(part)
        memory = lane.memory or {}
        outcomes = await lane.patiently(
            lambda batch=batch, memory=memory: lane.adapter.bury(lane.job, memory, batch),  # type: ignore[misc]
            cleared=True,
        )
        good = [each for each, outcome in zip(batch.ids, outcomes, strict=True) if _is_good(outcome)]
        if lane.ledger is not None:
            await lane.ledger.forget(good)
        for record_id, outcome in zip(batch.ids, outcomes, strict=True):
            if not _is_good(outcome):
                failed += 1
                if failed <= NOTED:
                    lane.report.notes.append(f"{record_id} is gone and could not be ended: {outcome.problem}")
        ended += len(good)
    if failed:
        lane.report.exit = lane.report.exit or Exit.INCOMPLETE
        if failed > NOTED:
            lane.report.notes.append(f"{failed - NOTED:,} more could not be ended.")
    return ended


def _is_good(outcome: Outcome) -> bool:
    return outcome.status in (Status.DELIVERED, Status.UNCHANGED)


def _batches(ids: Sequence[str], size: int) -> Iterator[Batch]:
    for start in range(0, len(ids), size):
        some = ids[start : start + size]
        yield Batch(some, [b""] * len(some), range(start, start + len(some)))
