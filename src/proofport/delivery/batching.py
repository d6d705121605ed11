"""Cuts a stream of rendered records into batches by count and bytes, and a batch that is too large in halves."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

from proofport.adapter import Batch, Capability


class Batcher:
    """Collects records, and gives them out as batches once more has come than fits into one.

    Records wait joined in one buffer: an encoded record by itself keeps the 4 KB that its encoder began with.
    Whoever writes a block appends to `joined` and `ends`, then says by `belong` whose bodies those are.
    """

    def __init__(self, capability: Capability) -> None:
        self._max_records = capability.max_records
        self._max_bytes = capability.max_bytes
        self.joined = bytearray()
        self.ends: list[int] = []
        self.extras = False
        self._ids: list[str] = []
        self._positions: list[int] = []
        self._observed: list[float] = []

    def add(
        self, record_id: str, item: bytes, position: int, observed: float = 0.0, *, extras: bool = False
    ) -> Batch | None:
        """One more record. Returns the batch that it did not fit into."""
        self.joined += item
        self.ends.append(len(self.joined))
        self.belong([record_id], [position], [observed], extras=extras)
        return self.full()

    def belong(self, ids: Sequence[str], positions: Sequence[int], observed: Sequence[float], *, extras: bool) -> None:
        """Ids, positions and times of the bodies that were appended."""
        self._ids += ids
        self._positions += positions
        self._observed += observed
        self.extras = self.extras or extras

    def full(self) -> Batch | None:
        """The first batch, if more has come than fits into it. Ask again: a block may fill several."""
        count = len(self.ends)
        if count < 2 or (count <= self._max_records and len(self.joined) + count <= self._max_bytes):
            return None
        most = min(count, self._max_records)
        return self._cut(max(1, bisect_right(range(most), self._max_bytes, key=self._size)))

    def _size(self, index: int) -> int:
        """Bytes of a batch that ends with this record, commas included."""
        return self.ends[index] + index + 1

    def flush(self) -> Batch | None:
        """What has been collected, or None."""
        return self._cut(len(self.ends)) if self.ends else None

    def _cut(self, count: int) -> Batch:
        end = self.ends[count - 1]
        joined = bytes(self.joined[:end])
        items = [joined[start:stop] for start, stop in pairwise((0, *self.ends[:count]))]
        observed = self._observed[:count]
        batch = Batch(self._ids[:count], items, self._positions[:count], observed if any(observed) else (), self.extras)
        del self.joined[:end]
        del self._ids[:count], self._positions[:count], self._observed[:count]
        self.ends = [stop - end for stop in self.ends[count:]]
        self.extras = self.extras and bool(self.ends)
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
