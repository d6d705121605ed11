"""Bodies that are canonical evidence as they come, but for the order of fields: the journal keeps their bytes.

The order is made when they are delivered (`proofport.delivery.payload`); here no dict is made of a record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from proofport.adapter import Mode
from proofport.config.relay import Limits
from proofport.evidence.base import Timestamp
from proofport.mapping.checks import are_whole_seconds, timestamp
from proofport.mapping.source import model_for
from proofport.relay.alike import Alike, Records
from proofport.relay.structs import LEVELS, struct_of

KINDS_KEPT = 128
"""Kinds with their modes that stay ready: whoever posts may make up any number of names after `custom:`."""

_texts = msgspec.json.Decoder(list[msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class Canonical:
    """One kind in one mode.

    No other body than one within the `limits` is taken, nor is more of it parsed: it is never deeper than the structs,
    and never of more records than it has opening braces.
    """

    _decode: Callable[[bytes], Records]
    _times: Sequence[str]

    def count(self, body: bytes, limits: Limits) -> int | None:
        """How many records stand in an array, or alone; None where it takes a closer look."""
        if limits.depth < LEVELS or not _few(body, limits.records):
            return None
        try:
            records = self._decode(body)
        except (ValueError, RecursionError):
            return None
        given = {getattr(record, name) for name in self._times for record in records}
        times = [each for each in given if each.__class__ is str]
        return len(records) if are_whole_seconds(times) or list(map(timestamp, times)) == times else None


def portions(body: bytes, count: int, size: int | None) -> Iterator[tuple[int, bytes]]:
    """A body of so many records as arrays of at most `size`, None for no limit: how many, and their JSON as it came."""
    if count == 0:
        return
    if size is None or count <= size:
        yield count, _array(body)
        return
    texts = _texts(body)
    for some in (texts[start : start + size] for start in range(0, count, size)):
        yield len(some), b"[%b]" % b",".join(some)


def _array(body: bytes) -> bytes:
    body = body.strip()
    return body if body.startswith(b"[") else b"[%b]" % body


def _few(body: bytes, records: int) -> bool:
    """Whether there cannot be more records than these. The shortest one is {"id":"x"}."""
    return len(body) <= 10 * records or body.count(b"{") <= records


@lru_cache(KINDS_KEPT)
def canonical(kind: str, mode: Mode) -> Canonical | None:
    """None for a kind whose model does more than look at the types of its fields, or takes any field."""
    model = model_for(kind, mode)
    times = [name for name, info in model.model_fields.items() if info.annotation == Timestamp | None]
    struct = struct_of(model, times)
    return Canonical(Alike(struct), times) if struct is not None else None
