"""The request budget: a small burst, then even spacing, and never more in a minute than the vendor allows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofport.delivery.pacer import BURST, Pacer


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_goes_at_once_and_the_rest_is_spaced_evenly() -> None:
    pacer = Pacer(60, clock=Clock())
    waits = [pacer.permit() for _ in range(BURST + 3)]
    assert waits == pytest.approx([0.0] * BURST + [1.0, 2.0, 3.0])


def test_waiting_wins_permits_back_but_never_more_than_a_burst() -> None:
    clock = Clock()
    pacer = Pacer(60, clock=clock)
    for _ in range(BURST):
        pacer.permit()
    clock.now += 2
    assert [pacer.permit() for _ in range(3)] == pytest.approx([0.0, 0.0, 1.0])
    clock.now += 1_000_000
    assert [pacer.permit() for _ in range(BURST + 1)] == pytest.approx([0.0] * BURST + [1.0])


def test_zero_switches_it_off() -> None:
    pacer = Pacer(0, clock=Clock())
    assert [pacer.permit() for _ in range(1_000)] == [0.0] * 1_000


@given(st.integers(1, 600), st.lists(st.floats(0, 30), max_size=80))
def test_no_minute_holds_more_than_the_budget_and_the_burst(per_minute: int, gaps: list[float]) -> None:
    clock = Clock()
    pacer = Pacer(per_minute, clock=clock)
    sent = []
    for gap in gaps:
        clock.now += gap
        sent.append(clock.now + pacer.permit())
    assert sent == sorted(sent)
    for start in sent:
        assert sum(start <= moment < start + 60 for moment in sent) <= per_minute + BURST
