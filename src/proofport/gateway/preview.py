"""One record in every vendor's own form, without sending it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from proofport.delivery.target import Target
from proofport.errors import Problem, Rejected
from proofport.evidence import Neutral


@dataclass(frozen=True, slots=True)
class Preview:
    """One record as every destination would get it: the exact body, or why there is none."""

    position: str
    id: str | None
    neutral: Neutral | None
    bodies: Mapping[str, dict[str, Any] | Problem] = field(default_factory=dict)


def preview_of(position: str, record: Neutral | Problem, targets: Sequence[Target]) -> Preview:
    if isinstance(record, Problem):
        return Preview(position, None, None, {target.name: record for target in targets})
    bodies: dict[str, dict[str, Any] | Problem] = {}
    for target in targets:
        try:
            bodies[target.name] = target.mapping(record)
        except Rejected as error:
            bodies[target.name] = error.problem
    return Preview(position, record["id"], record, bodies)
