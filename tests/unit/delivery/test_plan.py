"""What a set would add, change and make disappear, record by record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proofport.planning.difference import LISTED, differing, same
from proofport.planning.plan import DestinationPlan, NewSet

from proofport.adapter import Mode, Observed


@pytest.fixture
def new() -> Iterator[NewSet]:
    with closing(NewSet()) as found:
        yield found


def plan_of(new: NewSet, held: list[Observed], mode: Mode = "snapshot") -> DestinationPlan:
    plan = DestinationPlan("x")
    for record in held:
        new.meet([record], mode, plan)
    new.finish(mode, plan)
    return plan


def whole(record_id: str, **more: Any) -> Observed:
    return Observed(record_id, {"id": record_id, **more}, whole=True)


def test_each_record_stands_in_one_group(new: NewSet) -> None:
    for record_id, body in (("a", {"n": 1}), ("b", {"n": 1}), ("c", {"n": 1})):
        assert new.add(record_id, {"id": record_id, **body}, "f:1") is None
    plan = plan_of(new, [whole("a", n=1), whole("b", n=2), whole("d", n=1)])
    assert (plan.unchanged, plan.changed.ids, plan.added.ids, plan.gone.ids) == (1, ["b"], ["c"], ["d"])
    assert plan.fields == {"b": ["n"]}
    assert (plan.change().previous, plan.change().gone, plan.change().new) == (3, 1, 3)


def test_a_second_record_of_an_id_says_where_the_first_is(new: NewSet) -> None:
    assert new.add("a", {}, "f:1") is None
    assert new.add("a", {"n": 2}, "f:9") == "f:1"


def test_only_a_snapshot_makes_disappear(new: NewSet) -> None:
    assert plan_of(new, [whole("a")], "upsert").gone.count == 0


def test_who_has_ended_is_not_gone_again(new: NewSet) -> None:
    plan = plan_of(new, [Observed("a", ended=True), Observed("b", outside=True)])
    assert (plan.gone.ids, plan.outside.ids, plan.held) == (["b"], ["b"], 1)


def test_a_removal(new: NewSet) -> None:
    for record_id in ("here", "ended", "never"):
        new.add(record_id, None, "f:1")
    plan = plan_of(new, [whole("here"), Observed("ended", ended=True), whole("other")], "remove")
    assert (plan.gone.ids, plan.unchanged, plan.added.count) == (["here"], 2, 0)


def test_a_patch_changes_only_what_it_names(new: NewSet) -> None:
    new.add("a", {"id": "a", "n": 2}, "f:1")
    assert plan_of(new, [whole("a", n=1, m=1)], "patch").fields == {"a": ["n"]}


def test_lists_end_and_counts_do_not(new: NewSet) -> None:
    plan = plan_of(new, [whole(f"r{number}") for number in range(LISTED + 5)])
    assert (plan.gone.count, len(plan.gone.ids)) == (LISTED + 5, LISTED)


@pytest.mark.parametrize(
    ("body", "held", "complete", "names"),
    [
        ({"a": 1}, {"a": 1.0}, True, []),
        ({"a": True}, {"a": 1}, True, ["a"]),
        ({"a": None}, {}, True, ["a"]),
        ({}, {"a": None}, True, ["a"]),
        ({"a": 1}, {}, False, []),
        ({}, {"a": 1}, False, []),
        ({"a": [{"b": True}]}, {"a": [{"b": 1}]}, True, ["a"]),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 1}}, True, ["a"]),
    ],
)
def test_fields_differ_as_json_does(body: Any, held: Any, complete: bool, names: list[str]) -> None:
    assert differing(body, held, whole=complete) == names


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=6,
)


@given(JSON, JSON)
def test_sameness_is_that_of_the_json_text(one: Any, other: Any) -> None:
    import json

    assert same(one, other) == (json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True))
