"""One batch to its outcomes: halved while it is too large, one verdict for every record, in order."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.delivery.support import batch, failures

from proofport.accounting import CONFIRMED, Outcome, Status, rejected, unknown
from proofport.adapter import Batch
from proofport.delivery.batching import exchange
from proofport.errors import Problem, ProofportError, Rejected, Retryable, TooLarge

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
