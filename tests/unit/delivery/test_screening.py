"""What is not sent: a body that the vendor has already, and a state older than what it has."""

from __future__ import annotations

import pytest
from proofport.delivery.digests import batch_digest, bodies_of
from proofport.delivery.screening import screen, seconds_of
from tests.unit.delivery.support import batch

from proofport.accounting import UNCHANGED, Outcome, Status
from proofport.adapter import Batch
from proofport.journal.contract import Known

JANUARY = seconds_of("2026-01-01T00:00:00Z")
MARCH = seconds_of("2026-03-01T12:30:00.250Z")


def one(observed: float = 0.0, *, body: int = 7, known: Known | None = None, skip: bool = False) -> Outcome | None:
    """What is decided about one record that has this body."""
    tried = Batch(["a"], [b"{}"], [1], [observed] if observed else ())
    return screen(tried, [body], [known], skip_unchanged=skip).get(0)


def test_what_was_never_sent_is_sent() -> None:
    assert one(JANUARY, known=None, skip=True) is None


def test_an_older_state_is_rejected_with_both_times() -> None:
    outcome = one(JANUARY, known=Known(7, MARCH))
    assert outcome is not None
    assert outcome.problem is not None
    assert (outcome.status, outcome.problem.field) == (Status.REJECTED, "observed_at")
    assert outcome.problem.found == "2026-01-01T00:00:00Z"
    assert "2026-03-01T12:30:00.25" in outcome.problem.expected


@pytest.mark.parametrize("known", [Known(7, JANUARY), Known(7, MARCH), Known(7, 0.0)])
def test_a_state_as_new_or_newer_is_sent(known: Known) -> None:
    assert one(MARCH, known=known) is None


def test_a_state_of_unknown_time_is_sent() -> None:
    assert one(0.0, known=Known(8, MARCH)) is None


@pytest.mark.parametrize(("body", "skip", "expected"), [(7, True, UNCHANGED), (7, False, None), (8, True, None)])
def test_the_same_body_is_left_out_where_that_was_asked_for(body: int, skip: bool, expected: Outcome | None) -> None:
    assert one(body=body, known=Known(7, 0.0), skip=skip) == expected
    assert one(MARCH, body=body, known=Known(7, JANUARY), skip=skip) == expected


def test_the_same_body_of_an_older_state_is_rejected_all_the_same() -> None:
    outcome = one(JANUARY, known=Known(7, MARCH), skip=True)
    assert outcome is not None
    assert outcome.status is Status.REJECTED


def test_each_record_is_judged_by_its_own_place() -> None:
    tried = Batch(list("abcd"), [b"{}"] * 4, [1, 2, 3, 4], [JANUARY, MARCH, MARCH, 0.0])
    known = [Known(1, MARCH), None, Known(3, MARCH), Known(4, MARCH)]
    decided = screen(tried, [1, 2, 3, 9], known, skip_unchanged=True)
    assert {place: outcome.status for place, outcome in decided.items()} == {0: Status.REJECTED, 2: Status.UNCHANGED}


# ---------------------------------------------------------------------- digests
def test_a_digest_tells_every_change_of_a_batch() -> None:
    def digest(tried: Batch) -> bytes:
        return batch_digest(tried, bodies_of(tried))

    same = batch("a", "b")
    assert digest(same) == digest(batch("a", "b", first=9)), "where it stood in the input is no part of it"
    others = [
        batch("b", "a"),
        batch("a"),
        batch("a", "b", "c"),
        Batch(["a", "b"], [same.items[0], b'{"id":"b","on":true}'], [1, 2]),
        Batch(["a", "c"], same.items, [1, 2]),
        Batch(["a", "b"], [b"", b""], [1, 2]),
    ]
    assert len({digest(same), *map(digest, others)}) == 1 + len(others)
