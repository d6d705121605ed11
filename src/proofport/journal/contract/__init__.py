"""The seam between delivery and durable state. Every journal passes the suite in `tests/journal_contract`.

A journal keeps two kinds of work in lanes. Queued deliveries carry their evidence and are drained in order by whoever
holds the lane. Runs keep their evidence in the user's files: the journal holds positions, digests and outcomes.
A lane has one writer at a time: a `LaneRun` with a lease and a fencing epoch. Every write of a `LaneRun` raises
`LaneLost` once another owner has taken the lane over, so that a process that was frozen can do no harm when it wakes.
A lease that has run out is still good as long as nobody else has claimed the lane.
All times are seconds since 1970. Every method raises JournalError when the store cannot be read or written.
"""

from __future__ import annotations

from typing import Protocol

from proofport.journal.contract.access import AccessKey, AccessKeys
from proofport.journal.contract.erasing import Erasing, Standing
from proofport.journal.contract.lanes import NO_PLACES, TAKEN_RECORDS, LaneRun, Lanes, LaneView, Places, since_boot
from proofport.journal.contract.last_state import (
    IN_DOUBT,
    NOTHING_SENT,
    PERHAPS_OVERWRITTEN,
    Arrival,
    Delivered,
    Intent,
    Kept,
    Known,
    LastState,
    Left,
    Sent,
    SourceCount,
    SpellingState,
)
from proofport.journal.contract.notices import Cause, NewCause, Notice, Notices
from proofport.journal.contract.queue import (
    Accepted,
    Delivery,
    Failure,
    Filter,
    IdempotencyRecord,
    NewDelivery,
    Queue,
    State,
    Submitted,
)
from proofport.journal.contract.receipts import (
    Branch,
    LogHead,
    NewReceipt,
    ReceiptKey,
    Receipts,
    ReceiptView,
    all_receipts,
)
from proofport.journal.contract.registry import Lease, Registry
from proofport.journal.contract.retention import PRUNABLE, Holding, JournalSize, Prunable, Pruned, Retention
from proofport.journal.contract.runs import (
    ALL,
    EVERY_RUN,
    Attempt,
    BatchDone,
    NewRun,
    RunFilter,
    Runs,
    RunState,
    RunView,
)
from proofport.journal.contract.snapshots import (
    Commit,
    NewSnapshot,
    Part,
    Snapshots,
    SnapshotState,
    SnapshotView,
)

__all__ = [
    "ALL",
    "EVERY_RUN",
    "IN_DOUBT",
    "NOTHING_SENT",
    "NO_PLACES",
    "PERHAPS_OVERWRITTEN",
    "PRUNABLE",
    "TAKEN_RECORDS",
    "Accepted",
    "AccessKey",
    "AccessKeys",
    "Arrival",
    "Attempt",
    "BatchDone",
    "Branch",
    "Cause",
    "Commit",
    "Delivered",
    "Delivery",
    "Erasing",
    "Failure",
    "Filter",
    "Holding",
    "IdempotencyRecord",
    "Intent",
    "Journal",
    "JournalSize",
    "Kept",
    "Known",
    "LaneRun",
    "LaneView",
    "Lanes",
    "LastState",
    "Lease",
    "Left",
    "LogHead",
    "NewCause",
    "NewDelivery",
    "NewReceipt",
    "NewRun",
    "NewSnapshot",
    "Notice",
    "Notices",
    "Part",
    "Places",
    "Prunable",
    "Pruned",
    "Queue",
    "ReceiptKey",
    "ReceiptView",
    "Receipts",
    "Registry",
    "Retention",
    "RunFilter",
    "RunState",
    "RunView",
    "Runs",
    "Sent",
    "SnapshotState",
    "SnapshotView",
    "Snapshots",
    "SourceCount",
    "SpellingState",
    "Standing",
    "State",
    "Submitted",
    "all_receipts",
    "since_boot",
]


class Journal(
    Queue, Lanes, Runs, LastState, Registry, Snapshots, AccessKeys, Receipts, Notices, Retention, Erasing, Protocol
):
    """All of it, in one place."""

    async def open(self) -> None:
        """Raises ConfigError when the place cannot hold a journal, or holds something else."""
        ...

    async def close(self) -> None:
        """Whatever was asked before is brought to its end first."""
        ...

    async def damage(self) -> list[str]:
        """Sentences for what the store itself finds wrong with all that it holds. The journal may be closed.

        `proofport.gateway.check` looks into what it holds.
        """
        ...
