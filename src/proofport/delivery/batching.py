"""Cuts a stream of rendered records into batches by count and bytes, and a batch that is too large in halves."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, islice

from proofport.adapter import Batch, Capability


class Batcher:
    """Collects records, and gives them out as batches once more has come than fits into one."""

    def __init__(self, capability: Capability) -> None:
        self._max_records = capability.max_records
        self._max_bytes = capability.max_bytes
        self._ids: list[str] = []
        self._items: list[bytes] = []
        self._ends: list[int] = []
        self._positions: list[int] = []
        self._observed: list[float] = []
        self._extras = False

    def add(
        self, record_id: str, item: bytes, position: int, observed: float = 0.0, *, extras: bool = False
    ) -> Batch | None:
        """One more record. Returns the batch that it did not fit into."""
        self.extend([record_id], [item], [position], [observed], extras=extras)
        return self.full()

    def extend(
        self,
        ids: Sequence[str],
        items: Sequence[bytes],
        positions: Sequence[int],
        observed: Sequence[float],
        *,
        extras: bool,
    ) -> None:
        """More records."""
        ends = accumulate(map(len, items), initial=self._ends[-1] if self._ends else 0)
        self._ends += islice(ends, 1, None)
        self._items += items
        self._ids += ids
        self._positions += positions
        self._observed += observed
        self._extras = self._extras or extras

    def full(self) -> Batch | None:
        """The first batch, if more has come than fits into it. Ask again: a block may fill several."""
        count = len(self._items)
        if count < 2 or (count <= self._max_records and self._size(count - 1) <= self._max_bytes):
            return None
        most = min(count, self._max_records)
        return self._cut(max(1, bisect_right(range(most), self._max_bytes, key=self._size)))

    def _size(self, index: int) -> int:
        """Bytes of a batch that ends with this record, commas included."""
        return self._ends[index] + index + 1

    def flush(self) -> Batch | None:
        """What has been collected, or None."""
        return self._cut(len(self._items)) if self._items else None

    def _cut(self, count: int) -> Batch:
        observed = self._observed[:count]
        batch = Batch(
            self._ids[:count],
            self._items[:count],
            self._positions[:count],
            observed if any(observed) else (),
            self._extras,
        )
        end = self._ends[count - 1]
        self._ends = [stop - end for stop in self._ends[count:]]
        del self._ids[:count], self._items[:count], self._positions[:count], self._observed[:count]
        self._extras = self._extras and bool(self._items)
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
