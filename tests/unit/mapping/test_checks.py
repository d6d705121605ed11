"""The check of many times at once says no more than the check of each."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofport.mapping.checks import are_whole_seconds, timestamp

digits = st.text("0123456789", min_size=2, max_size=2)
shaped = st.builds("{}{}-{}-{}T{}:{}:{}Z".format, *[digits] * 7)
moments = st.datetimes().map(lambda moment: f"{moment.replace(microsecond=0).isoformat()}Z")


@given(st.lists(moments))
def test_whole_seconds_are(texts: list[str]) -> None:
    assert are_whole_seconds(texts)


@given(st.lists(moments | shaped, min_size=1))
def test_what_passes_is_canonical(texts: list[str]) -> None:
    assert are_whole_seconds(texts) == all(timestamp(each) == each for each in texts)


@given(st.lists(moments, min_size=1, max_size=4), st.lists(st.integers(0, 80), max_size=5))
def test_texts_that_look_right_only_together_do_not_pass(texts: list[str], cuts: list[int]) -> None:
    together = "".join(texts)
    places = sorted({0, len(together), *(cut for cut in cuts if cut < len(together))})
    pieces = [together[start:end] for start, end in pairwise(places)]
    assert are_whole_seconds(pieces) == (pieces == texts)


@pytest.mark.parametrize(
    "text",
    [
        *("2026-01-31T24:00:00Z", "2026-02-29T09:00:00Z", "0000-01-01T00:00:00Z", "2026-01-31T09:00:60Z"),
        *("2026-01-31T09:00:00+00:00", "2026-01-31T09:00:00", "2026-01-31", "20260131T090000Z", "2026-W05-6T09:00:00Z"),
        *("2026-01-31t09:00:00Z", "2026-01-31 09:00:00Z", "\uff12026-01-31T09:00:00Z", "2026-01-31T09:00:00.000000Z"),
    ],
)
def test_another_spelling_does_not_pass(text: str) -> None:
    assert not are_whole_seconds([text])
    assert not are_whole_seconds(["2026-01-31T09:00:00Z", text])
    assert not are_whole_seconds([text, "2026-01-31T09:00:00Z"])


@pytest.mark.parametrize("time", ["2026-01-31T09:00:00Z", "2026-01-31T09:00:00+00:00", "2026-01-31T10:00:00+01:00"])
@pytest.mark.parametrize("tail", ["\0", "\0x", "\0" * 3])
def test_a_time_does_not_end_at_a_null(time: str, tail: str) -> None:
    assert timestamp(time) == "2026-01-31T09:00:00Z"
    assert timestamp(time + tail) is None
