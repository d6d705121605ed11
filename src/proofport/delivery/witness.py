"""The seam between a run and whoever makes its receipt: `proofport.audit`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from proofport.accounting import Outcome
from proofport.adapter import Mode
from proofport.delivery.guard import Terms
from proofport.delivery.report import DestinationReport
from proofport.wire import Call


@dataclass(frozen=True, slots=True)
class InputFacts:
    """One input, as it was read."""

    name: str
    #: The name of its source, the same in every run.
    source: str
    read: int
    #: Hexadecimal SHA-256 of the bytes that were read. None: it has none.
    sha256: str | None = None
    #: Why it was not read to its end, if it was not.
    incomplete: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a destination run that has ended."""

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
