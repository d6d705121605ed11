"""Batches: nothing lost, nothing out of order, no limit passed but by a record that passes it alone."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from proofport.adapter import Batch, Capability
from proofport.delivery.batching import Batcher, halves

SIZES = st.lists(st.integers(0, 40), max_size=60)


def batches(sizes: list[int], max_records: int, max_bytes: int) -> list[Batch]:
    batcher = Batcher(Capability(max_records=max_records, max_bytes=max_bytes))
    added = [batcher.add(f"id-{n}", bytes([n % 256]) * size, 100 + n) for n, size in enumerate(sizes)]
    return [batch for batch in [*added, batcher.flush()] if batch is not None]


@given(SIZES, st.integers(1, 7), st.integers(1, 60))
def test_the_batches_together_are_the_input_in_its_order(sizes: list[int], max_records: int, max_bytes: int) -> None:
    cut = batches(sizes, max_records, max_bytes)
    assert [record_id for batch in cut for record_id in batch.ids] == [f"id-{n}" for n in range(len(sizes))]
    assert [item for batch in cut for item in batch.items] == [bytes([n % 256]) * size for n, size in enumerate(sizes)]
    assert [position for batch in cut for position in batch.positions] == [100 + n for n in range(len(sizes))]


@given(SIZES, st.integers(1, 7), st.integers(1, 60))
def test_no_batch_passes_a_limit_that_its_records_could_keep(
    sizes: list[int], max_records: int, max_bytes: int
) -> None:
    for batch in batches(sizes, max_records, max_bytes):
        assert 1 <= len(batch) <= max_records
        assert len(batch) == 1 or len(b",".join(batch.items)) + 1 <= max_bytes


@given(SIZES, st.integers(1, 7), st.integers(1, 60))
def test_a_batch_ends_only_where_the_next_record_would_not_fit(
    sizes: list[int], max_records: int, max_bytes: int
) -> None:
    cut = batches(sizes, max_records, max_bytes)
    for batch, following in pairwise(cut):
        together = sum(len(item) + 1 for item in [*batch.items, following.items[0]])
        assert len(batch) == max_records or together > max_bytes


def test_a_flushed_batch_is_not_touched_by_what_comes_next() -> None:
    batcher = Batcher(Capability())
    batcher.add("a", b"1", 1)
    first = batcher.flush()
    batcher.add("b", b"2", 2)
    assert first is not None
    assert list(first.ids) == ["a"]
    assert batcher.flush() is not None
    assert batcher.flush() is None


@given(st.integers(2, 30))
def test_halves_are_the_whole_and_neither_is_empty(count: int) -> None:
    [whole] = batches([1] * count, count, 1_000)
    first, second = halves(whole)
    assert len(first) > 0
    assert len(second) > 0
    for part in ("ids", "items", "positions"):
        assert [*getattr(first, part), *getattr(second, part)] == list(getattr(whole, part))
