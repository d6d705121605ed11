"""Batches: nothing lost, nothing out of order, no limit passed but by a record that passes it alone; and their ends."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.delivery.support import batch, failures

from proofport.accounting import CONFIRMED, Outcome, Status, rejected, unknown
from proofport.adapter import Batch, Limits
from proofport.delivery.batching import Batcher, exchange, part
from proofport.errors import Problem, ProofportError, Rejected, Retryable, TooLarge

SIZES = st.lists(st.integers(0, 40), max_size=60)


def batches(sizes: list[int], max_records: int, max_bytes: int) -> list[Batch]:
    batcher = Batcher(Limits(max_records=max_records, max_bytes=max_bytes))
    cut: list[Batch | None] = []
    for n, size in enumerate(sizes):
        add(batcher, f"id-{n}", bytes([n % 256]) * size, 100 + n)
        cut.append(batcher.full())
    return [batch for batch in [*cut, batcher.flush()] if batch is not None]


def add(batcher: Batcher, record_id: str, body: bytes, position: int) -> None:
    batcher.extend([record_id], [body], [position], [0.0], extras=False)


@given(SIZES, st.integers(1, 7), st.integers(1, 60))
def test_the_batches_together_are_the_input_in_its_order(sizes: list[int], max_records: int, max_bytes: int) -> None:
    cut = batches(sizes, max_records, max_bytes)
    assert [record_id for batch in cut for record_id in batch.ids] == [f"id-{n}" for n in range(len(sizes))]
    assert [body for batch in cut for body in batch.bodies] == [bytes([n % 256]) * size for n, size in enumerate(sizes)]
    assert [position for batch in cut for position in batch.positions] == [100 + n for n in range(len(sizes))]


@given(SIZES, st.integers(1, 7), st.integers(1, 60))
def test_no_batch_passes_a_limit_that_its_records_could_keep(
    sizes: list[int], max_records: int, max_bytes: int
) -> None:
    for each in batches(sizes, max_records, max_bytes):
        assert 1 <= len(each) <= max_records
        assert len(each) == 1 or len(b",".join(each.bodies)) + 1 <= max_bytes


@given(SIZES, st.integers(1, 7), st.integers(1, 60))
def test_a_batch_ends_only_where_the_next_record_would_not_fit(
    sizes: list[int], max_records: int, max_bytes: int
) -> None:
    cut = batches(sizes, max_records, max_bytes)
    for each, following in pairwise(cut):
        together = sum(len(body) + 1 for body in [*each.bodies, following.bodies[0]])
        assert len(each) == max_records or together > max_bytes


@given(st.lists(st.sampled_from("abcdef"), max_size=40), st.integers(1, 7))
def test_no_batch_has_an_id_twice_and_the_order_stays(ids: list[str], max_records: int) -> None:
    batcher, cut = Batcher(Limits(max_records=max_records)), list[Batch]()
    for position, record_id in enumerate(ids):
        add(batcher, record_id, b"{}", position)
        while (full := batcher.full()) is not None:
            cut.append(full)
    while (last := batcher.flush()) is not None:
        cut.append(last)
    assert [position for each in cut for position in each.positions] == list(range(len(ids)))
    assert all(len(set(each.ids)) == len(each) for each in cut)


def test_a_flushed_batch_is_not_touched_by_what_comes_next() -> None:
    batcher = Batcher(Limits())
    add(batcher, "a", b"1", 1)
    first = batcher.flush()
    add(batcher, "b", b"2", 2)
    assert first is not None
    assert list(first.ids) == ["a"]
    assert batcher.flush() is not None
    assert batcher.flush() is None


@given(SIZES, st.integers(1, 7), st.integers(1, 60))
def test_a_block_is_cut_as_its_records_would_be_one_by_one(sizes: list[int], max_records: int, max_bytes: int) -> None:
    batcher, cut, count = Batcher(Limits(max_records=max_records, max_bytes=max_bytes)), [], len(sizes)
    bodies = [bytes([n % 256]) * size for n, size in enumerate(sizes)]
    batcher.extend([f"id-{n}" for n in range(count)], bodies, range(100, 100 + count), [0.0] * count, extras=False)
    while (full := batcher.full()) is not None:
        cut.append(full)
    last = batcher.flush()
    assert [*cut, *([last] if last else [])] == batches(sizes, max_records, max_bytes)


def test_a_part_keeps_everything_of_its_records() -> None:
    whole = Batch(list("abc"), [b"1", b"2", b"3"], [7, 8, 9], [0.0, 1.0, 2.0], extras=True, last=[None, None, None])
    assert part(whole, range(3)) is whole
    assert part(whole, [2, 0]) == Batch(["c", "a"], [b"3", b"1"], [9, 7], [2.0, 0.0], extras=True, last=[None, None])


# ---------------------------------------------------------------------- one batch to its outcomes
NO = rejected(Problem("x", "y"))


class Vendor:
    """Takes at most so many records at once, and rejects those whose id begins with "no"."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.taken: list[list[str]] = []

    async def __call__(self, some: Batch) -> Sequence[Outcome]:
        if len(some) > self.most:
            raise TooLarge("too many")
        self.taken.append(list(some.ids))
        return [NO if record_id.startswith("no") else CONFIRMED for record_id in some.ids]


async def test_a_batch_that_fits_is_sent_once_and_each_record_gets_its_verdict() -> None:
    vendor = Vendor(9)
    assert await exchange(batch("a", "no-b", "c"), vendor) == [CONFIRMED, NO, CONFIRMED]
    assert vendor.taken == [["a", "no-b", "c"]]


@given(st.lists(st.sampled_from(["a", "no"]), min_size=1, max_size=30), st.integers(1, 10))
async def test_whatever_is_halved_keeps_its_order_and_loses_nobody(names: list[str], most: int) -> None:
    vendor, ids = Vendor(most), [f"{name}-{n}" for n, name in enumerate(names)]
    outcomes = await exchange(batch(*ids), vendor)
    assert outcomes == [NO if record_id.startswith("no") else CONFIRMED for record_id in ids]
    assert [record_id for part in vendor.taken for record_id in part] == ids


async def test_one_record_that_is_too_large_alone_is_rejected_in_its_place() -> None:
    async def send(some: Batch) -> Sequence[Outcome]:
        if "b" in some.ids:
            raise TooLarge("at most 9 bytes")
        return [CONFIRMED] * len(some)

    outcomes = await exchange(batch("a", "b", "c"), send)
    assert [outcome.status for outcome in outcomes] == [Status.DELIVERED, Status.REJECTED, Status.DELIVERED]
    assert outcomes[1].problem is not None
    assert outcomes[1].problem.vendor_message == "at most 9 bytes"


async def test_a_rejected_request_rejects_every_record_of_it() -> None:
    async def send(some: Batch) -> Sequence[Outcome]:
        raise Rejected(Problem("x", "y"))

    assert await exchange(batch("a", "b"), send) == [NO, NO]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([CONFIRMED], [CONFIRMED, unknown("no_verdict")]),
        ([], [unknown("no_verdict")] * 2),
        (None, [unknown("no_verdict")] * 2),
        ([CONFIRMED] * 3, [unknown("no_verdict")] * 2),
    ],
)
async def test_a_record_without_a_verdict_of_its_own_is_unknown(
    given: list[Outcome] | None, expected: list[Outcome]
) -> None:
    async def send(some: Batch) -> list[Outcome] | None:
        return given

    assert await exchange(batch("a", "b"), send) == expected


@pytest.mark.parametrize("error", failures(), ids=lambda error: type(error).__name__)
async def test_what_is_not_about_the_records_goes_to_the_caller(error: ProofportError) -> None:
    async def send(some: Batch) -> Sequence[Outcome]:
        raise error

    with pytest.raises(type(error)) as caught:
        await exchange(batch("a"), send)
    assert caught.value is error


@pytest.mark.parametrize("error", failures(), ids=lambda error: type(error).__name__)
async def test_an_error_after_a_part_was_sent_leaves_the_fate_of_the_batch_open(error: ProofportError) -> None:
    async def send(some: Batch) -> Sequence[Outcome]:
        if len(some) > 1:
            raise TooLarge("one at a time")
        if "b" in some.ids:
            raise error
        return [CONFIRMED]

    with pytest.raises(type(error)) as caught:
        await exchange(batch("a", "b"), send)
    assert caught.value.lost


async def test_an_error_before_anything_was_sent_has_no_effect() -> None:
    async def send(some: Batch) -> Sequence[Outcome]:
        raise TooLarge("one at a time") if len(some) > 1 else Retryable("later")

    with pytest.raises(Retryable) as caught:
        await exchange(batch("a", "b"), send)
    assert not caught.value.lost


async def test_a_set_that_must_go_whole_is_never_halved() -> None:
    vendor = Vendor(2)
    outcomes = await exchange(batch("a", "b", "c"), vendor, splits=False)
    assert vendor.taken == []
    assert [outcome.status for outcome in outcomes] == [Status.REJECTED] * 3
    assert "a set of 3 records and 33 bytes" in str(outcomes[0].problem)
