"""The request for one run, and what is told while it goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from proofport.adapter import Mode
from proofport.delivery.reading.decoder import Decoder
from proofport.delivery.report.report import RecordProblem
from proofport.delivery.snapshot.guard import Terms
from proofport.delivery.target import Target
from proofport.delivery.witness import Witness
from proofport.http.sender import Sender
from proofport.journal.contract import Journal
from proofport.sources import Reader


@dataclass(frozen=True, slots=True)
class DestinationProgress:
    done: int
    rejected: int
    note: str | None
    #: Records that the vendor has listed, where its list is read.
    listed: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: records read, and for each destination how many have their outcome."""

    read: int
    destinations: Mapping[str, DestinationProgress]
    #: The share of the inputs' bytes that is read. None where an input is no file, so that nobody knows its size.
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """The request for one run."""

    run_id: str
    instance: str
    kind: str
    mode: Mode
    inputs: Sequence[tuple[Reader, Decoder]]
    targets: Sequence[Target]
    terms: Terms
    #: Seconds to wait for a vendor, or a lane, that is not available.
    retry_seconds: float
    lease: float
    journal: Journal
    sender: Callable[[Target], Sender]
    #: For each input, the values that it has from the run, and not for itself.
    values_of_run: Sequence[str] = ()
    #: Send nothing, and say only what cannot be delivered.
    dry_run: bool = False
    #: Send nothing, and compare with what the vendors hold.
    plan: bool = False
    assume_unique: bool = False
    skip_unchanged: bool = False
    delete_gone: bool = False
    #: A record that the vendor has only queued counts as unknown.
    require_verified: bool = False
    #: Go on with the interrupted run of this `run_id`.
    resume: bool = False
    #: Seconds to wait for a lane that another process holds. None: the retry time.
    lane_seconds: float | None = None
    #: Makes the one that follows a destination run to write its receipt. None: there are no receipts.
    witness: Callable[[Target], Witness] | None = field(default=None, repr=False)
    on_progress: Callable[[Progress], None] | None = field(default=None, repr=False)
    on_problem: Callable[[str, RecordProblem], None] | None = field(default=None, repr=False)

    @property
    def sends(self) -> bool:
        return not (self.dry_run or self.plan)

    @property
    def folds(self) -> bool:
        """True if some ids compare without case."""
        return any(decoder.folds for _, decoder in self.inputs)
