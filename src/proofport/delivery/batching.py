"""Cuts a stream of rendered records into batches by count and bytes, and a batch that is too large in halves."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from proofport.adapter import Batch, Capability


class Batcher:
    """Collects records; `add` returns a batch when the next record would not fit.

    Records wait joined in one buffer: an encoded record by itself keeps the 4 KB that its encoder began with.
    """

    def __init__(self, capability: Capability) -> None:
        self._max_records = capability.max_records
        self._max_bytes = capability.max_bytes
        self._start()

    def _start(self) -> None:
        self.ids: list[str] = []
        self.joined = bytearray()
        self.ends: list[int] = []
        self.positions: list[int] = []
        self.observed: list[float] = []
        self.extras = False

    def add(
        self, record_id: str, item: bytes, position: int, observed: float = 0.0, *, extras: bool = False
    ) -> Batch | None:
        full = None
        count = len(self.ids)
        commas = count + 1
        if count and (count >= self._max_records or len(self.joined) + len(item) + commas > self._max_bytes):
            full = self.flush()
        self.ids.append(record_id)
        self.joined += item
        self.ends.append(len(self.joined))
        self.positions.append(position)
        self.observed.append(observed)
        self.extras = self.extras or extras
        return full

    def flush(self) -> Batch | None:
        """What has been collected, or None."""
        if not self.ids:
            return None
        joined = bytes(self.joined)
        items = [joined[start:end] for start, end in pairwise((0, *self.ends))]
        batch = Batch(self.ids, items, self.positions, self.observed if any(self.observed) else (), self.extras)
        self._start()
        return batch


def halves(batch: Batch) -> tuple[Batch, Batch]:
    middle = len(batch) // 2
    return part(batch, range(middle)), part(batch, range(middle, len(batch)))


def part(batch: Batch, indexes: Sequence[int]) -> Batch:
    """The records at these indexes."""
    return Batch(
        [batch.ids[i] for i in indexes],
        [batch.items[i] for i in indexes],
        [batch.positions[i] for i in indexes],
        [batch.observed[i] for i in indexes] if batch.observed else (),
        batch.extras,
    )
