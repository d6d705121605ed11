"""Records as every destination would get them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from proofport.accounting import LeftOut
from proofport.delivery.reading.reading import Read, RecordStream, place_in
from proofport.delivery.target import Target
from proofport.errors import Problem, Rejected
from proofport.evidence import Neutral
from proofport.gateway.inputs import DecoderAround, Passed
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
    #: The fields whose rules in the source mapping matched nothing in it.
    unmatched: Sequence[str] = ()
    #: The places in the raw record that no rule of the source mapping reads.
    unread: Sequence[str] = ()


class Remembering(DecoderAround[Passed]):
    """A decoder that remembers the raw record that it has read last."""

    quick = None
    of_lines = None

    def __init__(self, decoder: Passed) -> None:
        super().__init__(decoder)
        #: None: the last document was none.
        self.last: object = None

    def __call__(self, record: Any, parents: Any) -> Neutral:
        self.last = record
        return self._decoder(record, parents)


def previews_of(reader: Reader, decoder: Passed, targets: Mapping[str, Target | Problem]) -> Iterator[Preview]:
    """Of every record of an input, in its order."""
    remembering = Remembering(decoder)
    for place, record, record_id in RecordStream(reader, remembering):
        raw, remembering.last = remembering.last, None
        shown = _preview(place_in(reader, place), record, record_id, targets)
        unmatched = [name for name in decoder.optional if name not in (shown.neutral or {})]
        yield replace(shown, unmatched=unmatched if shown.neutral else (), unread=decoder.unread(raw) if raw else ())


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
