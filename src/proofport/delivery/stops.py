"""Why a destination stops, and what that means for the records on their way."""

from __future__ import annotations

from collections.abc import Mapping

from proofport.accounting import Outcome, unknown, withheld
from proofport.delivery.books import InputChanged
from proofport.delivery.report import Exit
from proofport.errors import (
    AdapterFault,
    Blocked,
    GuardRefused,
    JournalError,
    LaneLost,
    OutcomeUnknown,
    Problem,
    ProofportError,
    Retryable,
)

_STOPS: Mapping[type[ProofportError], tuple[str, Exit]] = {
    Blocked: ("lane_parked", Exit.BLOCKED),
    Retryable: ("vendor_unavailable", Exit.INCOMPLETE),
    OutcomeUnknown: ("vendor_unavailable", Exit.INCOMPLETE),
    LaneLost: ("lane_lost", Exit.INCOMPLETE),
    InputChanged: ("input_changed", Exit.INCOMPLETE),
    AdapterFault: ("adapter_fault", Exit.INCOMPLETE),
    JournalError: ("journal_failed", Exit.INCOMPLETE),
    GuardRefused: ("guard", Exit.GUARD),
}
RESUMABLE = ("lane_parked", "vendor_unavailable", "lane_lost", "lane_busy")
"""Reasons to stop for which the set is not to blame: what was staged is left there, and the run can be resumed."""


def why_stopped(error: ProofportError) -> tuple[str, Exit]:
    """The reason and the exit code of a destination that stops for this error."""
    return next((end for kind, end in _STOPS.items() if isinstance(error, kind)), ("refused", Exit.USAGE))


def outcome_of(error: ProofportError, stopped: Outcome | None) -> Outcome:
    """The end of a batch whose flow failed: unknown when a request may have taken effect."""
    problem = Problem("no usable answer", "an answer to every request", hint=error.message)
    if isinstance(error, AdapterFault):
        return unknown("adapter_fault", problem)
    if isinstance(error, OutcomeUnknown) or error.lost:
        return unknown("answer_lost", problem)
    return stopped or withheld("not_sent", problem)
