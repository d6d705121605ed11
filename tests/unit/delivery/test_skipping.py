"""A set that replaces what is live goes whole or not at all, and waits on disk until that is known."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest
from proofport.delivery.live_state import LiveState
from proofport.delivery.skipping import WholeOrNothing
from tests.unit.delivery.support import batch

from proofport.accounting import UNCHANGED
from proofport.adapter import Batch, Observed
from proofport.journal.contract import Known


@pytest.fixture
def live() -> Iterator[LiveState]:
    with closing(LiveState(partial=False)) as found:
        found.add(Observed(each, {"id": each}, whole=True) for each in ("a", "b", "c", "d"))
        yield found


async def through(live: LiveState, *batches: Batch) -> list[Sequence[str]]:
    """The ids of the batches that come out, all of them being fed first as far as there is room."""
    out: list[Sequence[str]] = []
    with closing(WholeOrNothing(live)) as queue:

        async def take() -> None:
            while (found := await queue.get()) is not None:
                out.append(found.ids)

        async with asyncio.TaskGroup() as group:
            group.create_task(take())
            for each in (*batches, None):
                await queue.put(each)
    return out


async def test_a_set_that_is_live_comes_out_at_the_end_marked(live: LiveState) -> None:
    assert await through(live, batch("a", "b"), batch("c", "d")) == [["a", "b"], ["c", "d"]]
    assert live.is_the_set


@pytest.mark.parametrize("batches", [["ab", "c"], ["ab", "cx"], ["xb", "cd"], ["ab", "cd", "x"]])
async def test_a_set_that_differs_comes_out_whole_and_in_order(live: LiveState, batches: list[str]) -> None:
    assert await through(live, *(batch(*ids) for ids in batches)) == [list(ids) for ids in batches]
    assert not live.is_the_set


async def test_nothing_comes_out_before_a_difference(live: LiveState) -> None:
    with closing(WholeOrNothing(live)) as queue:
        for ids in ("a", "b", "c"):
            await queue.put(batch(ids))
        assert queue.empty()
        feeding = asyncio.create_task(queue.put(batch("x")))
        assert [(await queue.get()).ids for _ in range(4)] == [["a"], ["b"], ["c"], ["x"]]  # type: ignore[union-attr]
        await feeding


async def test_an_empty_set_is_never_what_is_live() -> None:
    with closing(LiveState(partial=False)) as nothing:
        await through(nothing)
        assert not nothing.is_the_set


def test_who_has_ended_need_not_be_met(live: LiveState) -> None:
    live.add([Observed("ended", ended=True)])
    live.compare(batch("a", "b", "c"))
    assert not live.all_met()
    live.compare(batch("d"))
    assert live.all_met()


@pytest.mark.parametrize(("last", "same"), [(None, False), (Known(7, 0.0), True), (Known(8, 0.0), False)])
def test_of_what_a_vendor_hides_the_journal_has_the_word(last: Known | None, same: bool) -> None:
    with closing(LiveState(partial=False)) as live:
        live.add([Observed("a", {"shown": 1})])
        given = Batch(["a"], [b'{"shown":1,"hidden":2}'], [1])
        assert live.compare(given, [7], [last]) == ({0: UNCHANGED} if same else {})
        assert live.difference.fields == ({} if same else {"a": ["hidden"]})
