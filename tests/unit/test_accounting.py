"""Five counts that sum to the input, whatever the mix; and a refusal to report anything when they do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofport.accounting import (
    ACCEPTED,
    CONFIRMED,
    UNCHANGED,
    Assurance,
    Outcome,
    Status,
    Tally,
    rejected,
    unknown,
    withheld,
)
from proofport.errors import AccountingError, Problem

BAD = Problem("x", "y", field="id")
OUTCOMES = [
    ACCEPTED,
    CONFIRMED,
    UNCHANGED,
    rejected(BAD),
    withheld("guard"),
    withheld("dry_run"),
    unknown("no_verdict"),
]


@given(st.lists(st.lists(st.sampled_from(OUTCOMES), max_size=5), max_size=6))
def test_the_counts_are_those_of_the_outcomes(batches: list[list[Outcome]]) -> None:
    tally, every = Tally(), [outcome for batch in batches for outcome in batch]
    for batch in batches:
        tally.add(batch)
    tally.check(len(every))
    for status in Status:
        assert tally.status[status] == sum(outcome.status is status for outcome in every)
    for level in Assurance:
        assert tally.assurance[level] == sum(outcome.assurance is level for outcome in every)
    for reason in ("guard", "dry_run", "no_verdict"):
        assert tally.reasons[reason] == sum(outcome.reason == reason for outcome in every)


def test_outcomes_that_are_equal_but_not_identical_count_once_each() -> None:
    tally = Tally()
    tally.add([withheld("guard"), withheld("guard"), withheld("guard")])
    assert tally.status == {Status.WITHHELD: 3}
    assert tally.reasons == {"guard": 3}


@pytest.mark.parametrize("records", [2, 4])
def test_a_record_without_an_outcome_or_an_outcome_without_a_record_stops_the_run(records: int) -> None:
    tally = Tally()
    tally.add([CONFIRMED, rejected(BAD), withheld("guard")])
    with pytest.raises(AccountingError) as caught:
        tally.check(records)
    assert f"{records} records went in and 3 outcomes came out" in caught.value.message
    assert "delivered 1" in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "lie",
    [
        Outcome(Status.DELIVERED),
        Outcome(Status.REJECTED, Assurance.CONFIRMED),
        Outcome(Status.UNKNOWN, Assurance.ACCEPTED),
    ],
)
def test_a_delivery_has_an_assurance_and_nothing_else_has(lie: Outcome) -> None:
    tally = Tally()
    tally.add([lie])
    with pytest.raises(AccountingError):
        tally.check(1)


def test_withdrawing_turns_deliveries_into_another_end_and_leaves_the_rest() -> None:
    tally = Tally()
    tally.add([CONFIRMED, CONFIRMED, ACCEPTED, rejected(BAD), UNCHANGED])
    assert tally.withdraw(withheld("snapshot_cancelled")) == 3
    assert tally.status == {Status.WITHHELD: 3, Status.REJECTED: 1, Status.UNCHANGED: 1}
    assert tally.assurance.total() == 0
    assert tally.reasons == {"snapshot_cancelled": 3}
    tally.check(5)


def test_withdrawing_where_nothing_was_delivered_invents_nothing() -> None:
    tally = Tally()
    tally.add([rejected(BAD)])
    assert tally.withdraw(withheld("guard")) == 0
    assert tally.reasons == {}
    tally.check(1)
