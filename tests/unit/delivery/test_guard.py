"""May this set replace the one before? The share that would be gone decides."""

from __future__ import annotations

import pytest

from proofport.delivery.snapshot.guard import Change, Terms
from proofport.errors import GuardRefused


@pytest.mark.parametrize(
    ("previous", "gone", "max_gone"),
    [(10, 2, 0.2), (10, 0, 0.0), (0, 0, 0.2), (5, 1, 0.2), (1_000_000, 200_000, 0.2), (3, 3, 1.0), (10, 3, 0.3)],
)
def test_a_set_that_keeps_enough_of_the_last_one_may_replace_it(previous: int, gone: int, max_gone: float) -> None:
    Terms(max_gone, 0).allow(Change(previous, gone, 1), ())


@pytest.mark.parametrize(
    ("previous", "gone", "max_gone"), [(10, 3, 0.2), (10, 1, 0.0), (1_000_000, 200_001, 0.2), (1, 1, 0.99)]
)
def test_one_record_more_than_the_allowed_share_is_refused(previous: int, gone: int, max_gone: float) -> None:
    with pytest.raises(GuardRefused, match=f"{gone} of {previous} records held now would be gone") as caught:
        Terms(max_gone, 0).allow(Change(previous, gone, 1_000), ())
    assert "--override-guard" in (caught.value.hint or "")


def test_a_set_that_grew_is_refused_all_the_same_when_it_lost_too_much() -> None:
    with pytest.raises(GuardRefused, match="50%, allowed 20%"):
        Terms(0.2, 0).allow(Change(10, 5, 1_000), ())


def test_an_empty_set_is_refused_even_where_everything_may_go() -> None:
    with pytest.raises(GuardRefused, match="empty"):
        Terms(1.0, 0).allow(Change(0, 0, 0), ())


def test_a_source_that_was_not_read_to_its_end_is_refused_and_named() -> None:
    with pytest.raises(GuardRefused, match=r"not read to its end: a\.json breaks off; b\.json has more"):
        Terms(1.0, 0).allow(Change(10, 0, 10), ["a.json breaks off", "b.json has more"])


def test_an_override_lets_everything_through_but_an_empty_set() -> None:
    agreed = Terms(0.0, 0, override="moved to another account")
    agreed.allow(Change(10, 10, 1), ["a.json breaks off"])
    agreed.allow(Change(10, 10, 0), ["a.json breaks off"], may_be_empty=True)
    with pytest.raises(GuardRefused, match="empty"):
        agreed.allow(Change(10, 10, 0), ())


def test_a_set_that_is_meant_to_be_empty_is_judged_by_its_share_all_the_same() -> None:
    with pytest.raises(GuardRefused, match="10 of 10"):
        Terms(0.2, 0).allow(Change(10, 10, 0), (), may_be_empty=True)
    Terms(1.0, 0).allow(Change(10, 10, 0), (), may_be_empty=True)


# ---------------------------------------------------------------------- a list that lacks what was delivered
@pytest.mark.parametrize(
    ("delivered", "lacking", "max_gone"), [(0, 0, 0.2), (200, 40, 0.2), (3, 1, 0.2), (9, 8, 0.2), (1, 1, 1.0)]
)
def test_a_list_is_believed_that_lacks_little_or_some_of_a_few(delivered: int, lacking: int, max_gone: float) -> None:
    assert Terms(max_gone, 0).believe("here", delivered, lacking) is None


@pytest.mark.parametrize(
    ("delivered", "lacking", "max_gone"), [(200, 196, 0.2), (200, 41, 0.2), (10, 3, 0.2), (3, 3, 0.99), (1, 1, 0.2)]
)
def test_a_list_is_not_believed_that_lacks_much_or_all(delivered: int, lacking: int, max_gone: float) -> None:
    found = f"here shows {delivered - lacking} of {delivered} records?"
    with pytest.raises(GuardRefused, match=found) as caught:
        Terms(max_gone, 0).believe("here", delivered, lacking)
    assert "--override-guard" in (caught.value.hint or "")
    assert "shows" in (Terms(max_gone, 0, override="sold").believe("here", delivered, lacking) or "")
