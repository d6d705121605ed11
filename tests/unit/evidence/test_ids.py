"""Ids: what is none is refused, whichever check comes first."""

from __future__ import annotations

import pytest

from proofport.errors import Rejected
from proofport.evidence.base import LONGEST_ID
from proofport.mapping import compile_kind


@pytest.mark.parametrize("kind", ["device", "custom:thing", "personnel_account"])
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", "text that is not empty"),
        (" ", "an id: one that nobody can see is missing"),
        ("\t\u3000\n", "an id: one that nobody can see is missing"),
        ("\u200b\ufeff\x00", "an id: one that nobody can see is missing"),
        ("x" * (LONGEST_ID + 1), f"at most {LONGEST_ID:,} characters"),
    ],
)
def test_no_id(kind: str, given: str, expected: str) -> None:
    with pytest.raises(Rejected) as caught:
        compile_kind(kind, "patch")({"id": given})
    assert caught.value.problem.field == "id"
    assert expected in caught.value.problem.expected
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("given", [" a", "a\x00", "x" * LONGEST_ID, "é" * LONGEST_ID])
def test_an_id(given: str) -> None:
    assert compile_kind("custom:thing")({"id": given}) == {"id": given}
