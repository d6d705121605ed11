"""The time at which a source looked at a record: it has passed, and is not before that of what was sent last."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime

from proofport.accounting import Outcome, rejected
from proofport.adapter import Batch
from proofport.errors import Problem, Rejected
from proofport.evidence import Neutral, format_timestamp, moment_of
from proofport.journal.contract import Known

FIELD = "observed_at"


def seconds_of(observed_at: str | None) -> float:
    """Seconds since 1970 of a canonical timestamp, 0 for none."""
    return datetime.fromisoformat(observed_at).timestamp() if observed_at else 0.0


def latest(tolerance: float) -> float:
    """The latest time, in seconds since 1970, that a source can have looked at a record if clocks differ by
    `tolerance` seconds."""
    return time.time() + tolerance


def require_passed(neutral: Neutral, tolerance: float) -> Neutral:
    """The record. Raises Rejected where its time is yet to come: all later states would count as older."""
    observed = neutral.get(FIELD)
    if observed is not None and seconds_of(observed) > (limit := latest(tolerance)):
        problem = Problem(
            field=FIELD,
            found=observed,
            expected=f"a time that has passed, at most {_shown(limit)}",
            hint="It says when the source was read. Correct the clock there, or raise `clock_tolerance` here.",
        )
        raise Rejected(problem)
    return neutral


def older(batch: Batch, known: Sequence[Known | None], tolerance: float) -> dict[int, Outcome]:
    """The records whose source looked before it saw what was sent last, by their index.

    What was sent last under a clock that went wrong, with a time that is yet to come, makes no record older.
    """
    if not batch.observed:
        return {}
    limit, pairs = latest(tolerance), enumerate(zip(batch.observed, known, strict=True))
    return {
        i: _refused_as_older(observed, last.observed)
        for i, (observed, last) in pairs
        if last is not None and observed and observed < last.observed <= limit
    }


def _refused_as_older(observed: float, last: float) -> Outcome:
    problem = Problem(
        field=FIELD,
        found=_shown(observed),
        expected=f"a time not before {_shown(last)}, when what was sent last had been observed",
        hint="The vendor holds a newer state of this record: sending the older one would undo it.",
    )
    return rejected(problem)


def _shown(seconds: float) -> str:
    return format_timestamp(moment_of(seconds))
