"""Outcomes come back from the journal as they went in, and take little room there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proofport.accounting import CONFIRMED, UNCHANGED, Assurance, Outcome, Status
from proofport.delivery.lane.payload import decode_outcomes, encode_outcomes
from proofport.errors import Problem

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PROBLEMS = st.builds(
    Problem,
    found=TEXTS,
    expected=TEXTS,
    field=st.none() | TEXTS,
    hint=st.none() | TEXTS,
    vendor_message=st.none() | TEXTS,
)
OUTCOMES = st.builds(
    Outcome,
    status=st.sampled_from(Status),
    assurance=st.none() | st.sampled_from(Assurance),
    reason=st.none() | TEXTS,
    problem=st.none() | PROBLEMS,
)


@given(st.lists(st.tuples(OUTCOMES, st.integers(1, 5)), max_size=8))
def test_they_come_back_as_they_went_in(runs: list[tuple[Outcome, int]]) -> None:
    outcomes = [outcome for outcome, times in runs for _ in range(times)]
    assert decode_outcomes(encode_outcomes(outcomes)) == outcomes


def test_what_repeats_is_written_once() -> None:
    assert len(encode_outcomes([CONFIRMED] * 1_000_000)) < 100
    assert decode_outcomes(encode_outcomes([CONFIRMED, UNCHANGED, CONFIRMED])) == [CONFIRMED, UNCHANGED, CONFIRMED]
