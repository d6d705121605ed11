"""Why a destination stops, and what that means for the records on their way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from proofport.accounting import ACCEPTED, Outcome, unknown, withheld
from proofport.adapter import Memory
from proofport.delivery.books import InputChanged
from proofport.delivery.report.report import Exit
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


def outcomes_of(
    error: ProofportError, stopped: Outcome | None, count: int, taken: Sequence[object] = ()
) -> list[Outcome]:
    """The ends of a batch of `count` records whose flow failed. Those that the vendor has `taken` are accepted."""
    surely = {index for index in taken if isinstance(index, int)}
    end = outcome_of(error, stopped)
    return [ACCEPTED if index in surely else end for index in range(count)]


def taken_of(memory: Memory) -> Sequence[object]:
    """The indexes of the records that an adapter has noted as surely taken."""
    taken = memory.pop("taken", None)
    return taken if isinstance(taken, list) else ()


def notes_of(memory: Memory) -> list[str]:
    """The adapter's sentences about the whole delivery; said once."""
    notes = memory.pop("notes", None)
    return [str(note) for note in notes] if isinstance(notes, list) else []


def first_of(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error of tasks: the others were cancelled for it, and the caller knows nothing of tasks."""
    error = failures.exceptions[0]
    return first_of(error) if isinstance(error, BaseExceptionGroup) else error
