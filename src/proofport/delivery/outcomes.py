"""Outcomes as text for the journal: run lengths, since most batches repeat one outcome."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import orjson

from proofport.accounting import Assurance, Outcome, Status
from proofport.errors import Problem


def encode(outcomes: Sequence[Outcome]) -> str:
    """JSON: `[[count, status, assurance, reason, problem], …]` in the order of the records."""
    runs = [(len(list(group)), outcome) for outcome, group in groupby(outcomes)]
    rows = [[count, o.status, o.assurance, o.reason, o.problem.as_dict() if o.problem else None] for count, o in runs]
    return orjson.dumps(rows).decode()


def decode(text: str) -> list[Outcome]:
    """What `encode` was given."""
    outcomes: list[Outcome] = []
    for count, *parts in orjson.loads(text):
        outcomes += [_outcome(*parts)] * count
    return outcomes


def _outcome(status: str, assurance: str | None, reason: str | None, problem: dict[str, Any] | None) -> Outcome:
    level = Assurance(assurance) if assurance else None
    return Outcome(Status(status), level, reason, Problem(**problem) if problem else None)
