"""One person's assignment to, or completion of, one course."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from proofport.evidence.base import Evidence, Text, Timestamp

CLOCK_SKEW = timedelta(minutes=5)


def _not_in_the_future(value: datetime) -> datetime:
    if value > datetime.now(UTC) + CLOCK_SKEW:
        raise PydanticCustomError("future", "expected a time that has passed: a training cannot be completed yet")
    return value


class TrainingRecord(Evidence):
    """One assignment, completed or not."""

    email: Text
    #: The course's stable name, for example `security_awareness`.
    course: Text
    title: str | None = None
    #: Null means not yet.
    completed_at: Annotated[Timestamp, AfterValidator(_not_in_the_future)] | None = None
    assigned_at: Timestamp | None = None
    due_at: Timestamp | None = None
    score: float | None = None
