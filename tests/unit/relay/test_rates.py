"""How often somebody may come."""

from __future__ import annotations

import pytest
from tests.support.clock import Clock

from proofport.relay.access.auth import Rates


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_burst_then_the_rate(clock: Clock) -> None:
    rate = Rates(60, 3, clock=clock)
    assert [rate.take("a") for _ in range(3)] == [0, 0, 0]
    assert [rate.take("a") for _ in range(2)] == [1, 1], "refused ones take nothing"
    clock.advance(0.5)
    assert rate.take("a") == 0.5
    clock.advance(0.5)
    assert rate.take("a") == 0
    assert rate.take("a") == 1


def test_each_has_a_rate_of_its_own(clock: Clock) -> None:
    rate = Rates(60, 1, clock=clock)
    assert (rate.take("a"), rate.take("b"), rate.take("a")) == (0, 0, 1)


def test_a_rest_earns_no_more_than_a_burst(clock: Clock) -> None:
    rate = Rates(60, 2, clock=clock)
    rate.take("a")
    clock.advance(3600)
    assert [rate.take("a") for _ in range(3)] == [0, 0, 1]


def test_zero_is_no_limit(clock: Clock) -> None:
    assert not any(Rates(0, 1, clock=clock).take("a") for _ in range(1000))
