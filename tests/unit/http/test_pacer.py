"""The request budget: a small burst, then even spacing, and never more in a minute than the vendor allows."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.clock import Clock
from tests.unit.delivery.support import SECRET, TinySettings
from tests.unit.http.support import SharedJournal, TinyAdapter

from proofport.http.pacer import Pacer, Turns

BUDGET, BURST = 66, 6
"""A burst, and one request a second."""


HOST = "http://127.0.0.1:9"


async def at_once(_: float) -> None:
    await asyncio.sleep(0)


def pacer(per_minute: int, journal: SharedJournal, host: str = HOST, turn: asyncio.Lock | None = None) -> Pacer:
    settings = {"requests_per_minute": per_minute, "key": SECRET, "base_url": host}
    adapter = TinyAdapter(TinySettings.model_validate(settings))
    return Pacer.of_host(journal, adapter, turn=turn, sleep=at_once)


async def waits(tried: Pacer, count: int) -> list[float]:
    return [await tried.permit() for _ in range(count)]


async def test_a_burst_goes_at_once_and_the_rest_is_spaced_evenly() -> None:
    tried = pacer(BUDGET, SharedJournal(Clock()))
    assert await waits(tried, BURST + 3) == pytest.approx([0.0] * BURST + [1.0, 2.0, 3.0])


async def test_waiting_wins_permits_back_but_never_more_than_a_burst() -> None:
    clock = Clock()
    tried = pacer(BUDGET, SharedJournal(clock))
    await waits(tried, BURST)
    clock.now += 2
    assert await waits(tried, 3) == pytest.approx([0.0, 0.0, 1.0])
    clock.now += 1_000_000
    assert await waits(tried, BURST + 1) == pytest.approx([0.0] * BURST + [1.0])


async def test_many_lanes_give_a_tenant_no_larger_share() -> None:
    """One tenant sends through nine lanes, the other through one, at the same time."""
    turns, taken = Turns(), list[str]()

    class Noted(SharedJournal):
        async def permit(self, key: str, *, per_minute: int, burst: int) -> float:
            taken.append(tenant.get())
            return 1.0

    async def send(name: str) -> None:
        tenant.set(name)
        mine = pacer(BUDGET, journal, turn=turns.of(name, HOST))
        for _ in range(10):
            await mine.turn()

    journal, tenant = Noted(Clock()), ContextVar[str]("tenant")
    async with asyncio.TaskGroup() as group:
        for name in [*["many"] * 9, "one"]:
            group.create_task(send(name))
    assert len(taken) == 100
    assert taken[:21].count("one") == 10


async def test_zero_switches_it_off() -> None:
    assert await waits(pacer(0, SharedJournal(Clock())), 1_000) == [0.0] * 1_000


async def test_all_who_share_a_journal_share_the_budget_of_a_host_and_of_no_other() -> None:
    journal = SharedJournal(Clock())
    await waits(pacer(BUDGET, journal), BURST)
    assert await waits(pacer(BUDGET, journal), 1) == pytest.approx([1.0])
    assert await waits(pacer(BUDGET, journal, "http://127.0.0.1:8"), 1) == [0.0]


async def test_much_goes_at_once_only_where_the_budget_is_large() -> None:
    for budget, burst in ((1, 1), (19, 1), (20, 2), (100, 10), (600, 10)):
        first = await waits(pacer(budget, SharedJournal(Clock())), 12)
        assert sum(wait < 1e-6 for wait in first) == burst


@pytest.mark.parametrize("budget", [1, 9, 66, 420, 600])
async def test_whoever_asks_at_once_for_more_than_the_budget_gets_the_rest_a_minute_later(budget: int) -> None:
    waited = await waits(pacer(budget, SharedJournal(Clock())), budget + 1)
    assert waited[-1] >= 60
    assert waited[-2] < 60 + 1e-6


@settings(deadline=None)
@given(st.integers(1, 600), st.lists(st.floats(0, 30), max_size=80))
def test_no_minute_holds_more_than_the_budget(per_minute: int, gaps: list[float]) -> None:
    clock = Clock()
    tried = pacer(per_minute, SharedJournal(clock))

    async def run() -> list[float]:
        sent = []
        for gap in gaps:
            clock.now += gap
            sent.append(clock.now + await tried.permit())
        return sent

    sent = asyncio.run(run())
    assert sent == sorted(sent)
    for start in sent:
        assert sum(start <= moment < start + 60 for moment in sent) <= per_minute
