"""The seam between runs and workers and whoever makes their receipts: `proofport.audit`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from proofport.accounting import Outcome
from proofport.adapter import Mode
from proofport.delivery.report.report import DestinationReport
from proofport.delivery.snapshot.guard import Terms
from proofport.delivery.target import Target
from proofport.journal.contract import Delivery, LaneRun
from proofport.wire import Call


@dataclass(frozen=True, slots=True)
class InputFacts:
    """One input, as it was read."""

    name: str
    #: The name of its source, the same in every run.
    source: str
    read: int
    #: How many its source mapping has left out, by the reason.
    skipped: Mapping[str, int] = field(default_factory=dict)
    #: Hexadecimal SHA-256 of the bytes that were read. None: it has none.
    sha256: str | None = None
    #: Why it was not read to its end, if it was not.
    incomplete: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of a destination run that has ended."""

    run_id: str
    kind: str
    mode: Mode
    resumed: bool
    #: Seconds since 1970.
    started: float
    ended: float
    inputs: Sequence[InputFacts]
    terms: Terms
    report: DestinationReport


class Witness(Protocol):
    """Follows one destination run, from its first exchange to its end."""

    def exchanged(self, call: Call, status: int, response: bytes | None, secret: bool) -> None:
        """Hear of one exchange. `response` None: no answer came. `secret`: it was about a token."""

    def ended(self, record_id: str | None, outcome: Outcome) -> None:
        """Hear of a record that was not delivered."""

    async def certify(self, facts: Facts) -> str:
        """Write the receipt, durably. Its number."""
        ...

    def close(self) -> None: ...


class LaneWitness(Protocol):
    """Follows what a worker delivers, and writes receipts of what has ended, by lane."""

    async def begin(self) -> None:
        """Be ready to write receipts. Raises ConfigError."""
        ...

    def follow(self, lane: str, target: Target) -> Callable[[Call, int, bytes | None, bool], None]:
        """Hear of exchanges on a lane, as `Witness.exchanged` does."""
        ...

    def ended(self, delivery: Delivery) -> None:
        """Hear of a delivery that has ended."""

    @property
    def most(self) -> int:
        """Deliveries of a receipt, and so of a request: what was exchanged for them stands in one receipt."""
        ...

    async def cut(self, run: LaneRun, coming: int) -> None:
        """Write the receipt of a lane that is held, if it is time for one or has no room for so many more."""
        ...

    async def keep(self) -> None:
        """Write, until it is cancelled, receipts of lanes in which nothing is delivered any more."""
        ...

    async def finish(self) -> None:
        """Write the receipts of all that was followed: the worker stops."""
        ...
