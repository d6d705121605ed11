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

from proofport.journal.contract.access import AccessKey as AccessKey
from proofport.journal.contract.access import AccessKeys as AccessKeys
from proofport.journal.contract.erasing import Erasing as Erasing
from proofport.journal.contract.erasing import Standing as Standing
from proofport.journal.contract.lanes import NO_PLACES as NO_PLACES
from proofport.journal.contract.lanes import TAKEN_BYTES as TAKEN_BYTES
from proofport.journal.contract.lanes import TAKEN_RECORDS as TAKEN_RECORDS
from proofport.journal.contract.lanes import LaneRun as LaneRun
from proofport.journal.contract.lanes import Lanes as Lanes
from proofport.journal.contract.lanes import LaneView as LaneView
from proofport.journal.contract.lanes import Places as Places
from proofport.journal.contract.lanes import since_boot as since_boot
from proofport.journal.contract.last_state import IN_DOUBT as IN_DOUBT
from proofport.journal.contract.last_state import NOTHING_SENT as NOTHING_SENT
from proofport.journal.contract.last_state import PERHAPS_OVERWRITTEN as PERHAPS_OVERWRITTEN
from proofport.journal.contract.last_state import Arrival as Arrival
from proofport.journal.contract.last_state import Delivered as Delivered
from proofport.journal.contract.last_state import Intent as Intent
from proofport.journal.contract.last_state import Kept as Kept
from proofport.journal.contract.last_state import Known as Known
from proofport.journal.contract.last_state import LastState as LastState
from proofport.journal.contract.last_state import Left as Left
from proofport.journal.contract.last_state import Sent as Sent
from proofport.journal.contract.last_state import SourceCount as SourceCount
from proofport.journal.contract.last_state import SpellingState as SpellingState
from proofport.journal.contract.notices import Cause as Cause
from proofport.journal.contract.notices import NewCause as NewCause
from proofport.journal.contract.notices import Notice as Notice
from proofport.journal.contract.notices import Notices as Notices
from proofport.journal.contract.queue import Accepted as Accepted
from proofport.journal.contract.queue import Delivery as Delivery
from proofport.journal.contract.queue import Failure as Failure
from proofport.journal.contract.queue import Filter as Filter
from proofport.journal.contract.queue import IdempotencyRecord as IdempotencyRecord
from proofport.journal.contract.queue import NewDelivery as NewDelivery
from proofport.journal.contract.queue import Queue as Queue
from proofport.journal.contract.queue import State as State
from proofport.journal.contract.queue import Submitted as Submitted
from proofport.journal.contract.receipts import Branch as Branch
from proofport.journal.contract.receipts import LogHead as LogHead
from proofport.journal.contract.receipts import NewReceipt as NewReceipt
from proofport.journal.contract.receipts import ReceiptKey as ReceiptKey
from proofport.journal.contract.receipts import Receipts as Receipts
from proofport.journal.contract.receipts import ReceiptView as ReceiptView
from proofport.journal.contract.receipts import Stamp as Stamp
from proofport.journal.contract.receipts import all_receipts as all_receipts
from proofport.journal.contract.registry import Lease as Lease
from proofport.journal.contract.registry import Registry as Registry
from proofport.journal.contract.retention import PRUNABLE as PRUNABLE
from proofport.journal.contract.retention import Holding as Holding
from proofport.journal.contract.retention import JournalSize as JournalSize
from proofport.journal.contract.retention import Prunable as Prunable
from proofport.journal.contract.retention import Pruned as Pruned
from proofport.journal.contract.retention import Retention as Retention
from proofport.journal.contract.runs import ALL as ALL
from proofport.journal.contract.runs import EVERY_RUN as EVERY_RUN
from proofport.journal.contract.runs import Attempt as Attempt
from proofport.journal.contract.runs import BatchDone as BatchDone
from proofport.journal.contract.runs import NewRun as NewRun
from proofport.journal.contract.runs import RunFilter as RunFilter
from proofport.journal.contract.runs import Runs as Runs
from proofport.journal.contract.runs import RunState as RunState
from proofport.journal.contract.runs import RunView as RunView
from proofport.journal.contract.snapshots import Commit as Commit
from proofport.journal.contract.snapshots import NewSnapshot as NewSnapshot
from proofport.journal.contract.snapshots import OtherNumber as OtherNumber
from proofport.journal.contract.snapshots import Part as Part
from proofport.journal.contract.snapshots import Snapshots as Snapshots
from proofport.journal.contract.snapshots import SnapshotState as SnapshotState
from proofport.journal.contract.snapshots import SnapshotView as SnapshotView


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

        `proofport.gateway.upkeep.check` looks into what it holds.
        """
        ...
