"""What is measured before parsing is what the parser would find, however the body is cut into chunks."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from proofport.config.relay import Limits
from proofport.relay.meter import Meter, surely_within

texts = st.text(alphabet=st.sampled_from('"\\[]{},\n/ué'), max_size=6)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


def depth_of(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth_of, inner), default=0)


def limits(depth: int, records: int) -> Limits:
    return Limits.model_construct(depth=depth, records=records)


def measured(body: bytes, cuts: list[int]) -> Meter:
    meter = Meter()
    edges = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    for start, end in pairwise(edges):
        meter.feed(body[start:end])
    return meter


@given(values, st.lists(st.integers(0, 10_000), max_size=8), st.booleans(), st.sampled_from([None, 2]))
def test_any_json_in_any_chunks(value: Any, cuts: list[int], ascii_only: bool, indent: int | None) -> None:
    meter = measured(json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode(), cuts)
    assert meter.depth == depth_of(value)
    if isinstance(value, list):
        assert meter.records == max(1, len(value))
    elif isinstance(value, dict):
        assert meter.records == 1


@given(st.lists(st.dictionaries(texts, values, max_size=3), max_size=5), st.lists(st.integers(0, 10_000), max_size=8))
def test_values_in_lines(records: list[Any], cuts: list[int]) -> None:
    meter = measured(b"\n".join(json.dumps(each).encode() for each in records), cuts)
    assert (meter.records, meter.depth) == (len(records), max(map(depth_of, records), default=0))


@given(st.binary(max_size=60), st.lists(st.integers(0, 100), max_size=5))
def test_what_is_no_json_is_measured_without_an_error(body: bytes, cuts: list[int]) -> None:
    assert measured(body, cuts).depth <= body.count(b"[") + body.count(b"{")


def test_closing_brackets_make_no_room_for_opening_ones() -> None:
    assert measured(b"]]]]]" + b"[" * 40, []).depth == 40


@given(values.map(json.dumps) | st.text(alphabet='"\\[]{},x', max_size=30), st.integers(1, 6), st.integers(1, 8))
def test_what_is_surely_within_the_limits_is(body: str, depth: int, records: int) -> None:
    meter = measured(body.encode(), [])
    if surely_within(body.encode(), limits(depth, records)):
        assert (meter.depth <= depth, meter.records <= records) == (True, True)


def test_whole_bodies_at_their_limits() -> None:
    body = b'[{"a":[1,{"b":"\\"c, d"}]},{"e":"f"},{}]'
    assert surely_within(body, limits(4, 10))
    assert not surely_within(body, limits(3, 10))
    assert not surely_within(body, limits(4, 2))
    assert not surely_within(b"[1,2,3]", limits(4, 2))
    assert not surely_within(b'["]"]', limits(1, 9)), "it cannot tell, and says so"
