"""Records as every destination would get them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from proofport.delivery.reading import Decoder, Read, RecordStream, place_in
from proofport.delivery.target import Target
from proofport.errors import LeftOut, Problem, Rejected
from proofport.evidence import Neutral
from proofport.sources import Reader


@dataclass(frozen=True, slots=True)
class Preview:
    """One record as every destination would get it."""

    position: str
    #: None, like `neutral`: it is no evidence, and every destination has the same problem, or it is left out.
    id: str | None
    neutral: Neutral | None
    #: By destination: the exact body, or the reason why there is none.
    bodies: Mapping[str, dict[str, Any] | Problem] = field(default_factory=dict)
    #: By destination, without those in `bodies`: the reason why the record is left out there.
    skipped: Mapping[str, str] = field(default_factory=dict)


def previews_of(reader: Reader, decoder: Decoder, targets: Mapping[str, Target | Problem]) -> Iterator[Preview]:
    """Of every record of an input, in its order."""
    for place, record, record_id in RecordStream(reader, decoder):
        yield _preview(place_in(reader, place), record, record_id, targets)


def _preview(position: str, record: Read, record_id: str | None, targets: Mapping[str, Target | Problem]) -> Preview:
    if isinstance(record, Problem):
        return Preview(position, None, None, dict.fromkeys(targets, record))
    if isinstance(record, LeftOut):
        return Preview(position, record_id, None, skipped=dict.fromkeys(targets, record.reason))
    bodies, skipped = dict[str, dict[str, Any] | Problem](), dict[str, str]()
    for name, target in targets.items():
        try:
            bodies[name] = _body(target, record)
        except LeftOut as left:
            skipped[name] = left.reason
    return Preview(position, record["id"], record, bodies, skipped)


def _body(target: Target | Problem, record: Neutral) -> dict[str, Any] | Problem:
    """Raises LeftOut."""
    if isinstance(target, Problem):
        return target
    if target.leave_out is not None:
        try:
            target.leave_out(record)
        except Rejected as error:
            return error.problem
    return target.body_of(record)
