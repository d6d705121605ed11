"""Sameness of a record body and what the vendor holds: the fields that differ."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofport.adapter import Observed
from proofport.delivery.same import changes


@pytest.mark.parametrize(
    ("body", "held", "whole", "names"),
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
def test_fields_differ_as_json_does(body: Any, held: Any, whole: bool, names: list[str]) -> None:
    assert changes(Observed("x", held, whole=whole), body, partial=False, sent=True) == names


def test_a_patch_changes_only_what_it_names() -> None:
    held = Observed("a", {"id": "a", "n": 1, "m": 1}, whole=True)
    assert changes(held, {"id": "a", "n": 2}, partial=True, sent=False) == ["n"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=6,
)


@given(JSON, JSON)
def test_sameness_is_that_of_the_json_text(one: Any, other: Any) -> None:
    same = not changes(Observed("x", {"a": other}, whole=True), {"a": one}, partial=False, sent=False)
    assert same == (json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True))
