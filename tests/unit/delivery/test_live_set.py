"""The records that a vendor holds: which are met, and a set that waits until one of its records differs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest
from tests.unit.delivery.support import batch

from proofport.accounting import UNCHANGED
from proofport.adapter import Batch, Observed
from proofport.delivery.lane.live_set import LiveSet, WaitingSet
from proofport.delivery.report.report import LISTED, Difference, Group
from proofport.journal.contract import Known


@pytest.fixture
def live() -> Iterator[LiveSet]:
    with closing(LiveSet(partial=False)) as found:
        found.add(Observed(each, {"id": each}, whole=True) for each in ("a", "b", "c", "d"))
        yield found


# ---------------------------------------------------------------------- a set that waits
def through(live: LiveSet, *batches: Batch) -> tuple[list[Sequence[str]], bool]:
    """The ids of the batches that come out, and whether the set is what is live."""
    with closing(WaitingSet(live)) as waiting:
        out = [each.ids for some in batches for each in waiting.offer(some)]
        out += [each.ids for each in waiting.finish()]
        return out, waiting.is_live


def test_a_set_that_is_live_comes_out_at_the_end_marked(live: LiveSet) -> None:
    assert through(live, batch("a", "b"), batch("c", "d")) == ([["a", "b"], ["c", "d"]], True)


@pytest.mark.parametrize("batches", [["ab", "c"], ["ab", "cx"], ["xb", "cd"], ["ab", "cd", "x"]])
def test_a_set_that_differs_comes_out_whole_and_in_order(live: LiveSet, batches: list[str]) -> None:
    assert through(live, *(batch(*ids) for ids in batches)) == ([list(ids) for ids in batches], False)


def test_nothing_comes_out_before_a_difference(live: LiveSet) -> None:
    with closing(WaitingSet(live)) as waiting:
        for each in ("a", "b", "c"):
            assert list(waiting.offer(batch(each))) == []
        assert [some.ids for some in waiting.offer(batch("x"))] == [["a"], ["b"], ["c"], ["x"]]
        assert [some.ids for some in waiting.offer(batch("d"))] == [["d"]], "nothing waits any more"
        assert list(waiting.finish()) == []


def test_an_empty_set_is_never_what_is_live() -> None:
    with closing(LiveSet(partial=False)) as nothing:
        assert through(nothing) == ([], False)


# ---------------------------------------------------------------------- what is met
def test_who_has_ended_need_not_be_met(live: LiveSet) -> None:
    live.add([Observed("ended", ended=True)])
    live.compare(batch("a", "b", "c"))
    assert list(live.not_met()) == ["d"]
    live.compare(batch("d"))
    assert list(live.not_met()) == []
    assert [list(page) for page in live.held()] == [["a", "b", "c", "d"]]


def test_what_is_held_says_whether_it_came_from_outside(live: LiveSet) -> None:
    live.add([Observed("e", outside=True)])
    live.compare(batch("b", "c", "d"))
    assert list(live.not_met()) == ["a", "e"]
    assert [page["a"] for page in live.held()] == [False]
    assert [page["e"] for page in live.held()] == [True]


@pytest.mark.parametrize(("record_id", "held"), [("a", True), ("ended", False), ("never", False)])
def test_a_removal_meets_what_is_held(live: LiveSet, record_id: str, held: bool) -> None:
    live.add([Observed("ended", ended=True)])
    assert live.meet(record_id) == held


@pytest.mark.parametrize(("last", "same"), [(None, False), (Known(7, 0.0), True), (Known(8, 0.0), False)])
def test_of_what_a_vendor_hides_the_journal_has_the_word(last: Known | None, same: bool) -> None:
    with closing(LiveSet(partial=False)) as live:
        live.add([Observed("a", {"shown": 1})])
        given = Batch(["a"], [b'{"shown":1,"hidden":2}'], [1])
        assert live.compare(given, [7], [last]) == ({0: UNCHANGED} if same else {})
        assert live.difference.fields == ({} if same else {"a": ["hidden"]})
        assert live.hidden == {"hidden"}


def test_each_record_stands_in_one_group() -> None:
    with closing(LiveSet(partial=False)) as live:
        live.add(Observed(each, {"id": each, "n": n}, whole=True) for each, n in (("a", 1), ("b", 2), ("d", 1)))
        bodies = [json.dumps({"id": each, "n": 1}).encode() for each in "abc"]
        live.compare(Batch(list("abc"), bodies, [1, 2, 3]))
        found = live.difference
        assert (found.unchanged, found.changed.ids, found.added.ids) == (1, ["b"], ["c"])
        assert (found.fields, list(live.not_met())) == ({"b": ["n"]}, ["d"])


def test_lists_end_and_counts_do_not() -> None:
    group, difference = Group(), Difference()
    for number in range(LISTED + 5):
        group.add(f"r{number}")
        difference.note(f"r{number}", ["n"])
    assert (group.count, len(group.ids)) == (LISTED + 5, LISTED)
    assert (difference.changed.count, len(difference.fields)) == (LISTED + 5, LISTED)
