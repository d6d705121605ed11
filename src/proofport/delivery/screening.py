"""What need not, or must not, be sent: a body that the vendor has already, a state older than what it has."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from proofport.accounting import UNCHANGED, Outcome, rejected
from proofport.adapter import Batch
from proofport.errors import Problem
from proofport.evidence import format_timestamp
from proofport.journal.contract import Known


def screen(
    batch: Batch, bodies: Sequence[int], known: Sequence[Known | None], *, skip_unchanged: bool
) -> dict[int, Outcome]:
    """The outcome of every record that is not to be sent, by its index."""
    decided: dict[int, Outcome] = {}
    for index, last in enumerate(known):
        if last is None:
            continue
        observed = batch.observed[index] if batch.observed else 0.0
        if observed and last.observed > observed:
            decided[index] = rejected(_older(observed, last.observed))
        elif skip_unchanged and last.body == bodies[index]:
            decided[index] = UNCHANGED
    return decided


def seconds_of(observed_at: str | None) -> float:
    """Seconds since 1970 of a canonical timestamp, 0 for none."""
    return datetime.fromisoformat(observed_at).timestamp() if observed_at else 0.0


def _older(observed: float, last: float) -> Problem:
    found, newer = (format_timestamp(datetime.fromtimestamp(at, UTC)) for at in (observed, last))
    return Problem(
        field="observed_at",
        found=found,
        expected=f"a time not before {newer}, when what was sent last had been observed",
        hint="The vendor holds a newer state of this record: sending the older one would undo it.",
    )
