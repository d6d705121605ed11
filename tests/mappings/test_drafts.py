"""Drafts from the samples of built-in sources, held against the rules that people wrote."""

from __future__ import annotations

import pytest
from tests.mappings.drafts import SOURCES, Figures, figures


@pytest.fixture(scope="module")
def found() -> list[Figures]:
    return [figures(name) for name in SOURCES]


def test_at_least_seven_of_ten_rules_are_met(found: list[Figures]) -> None:
    assert len(found) >= 10
    assert {each.source: each.unmet for each in found if len(each.met) < 0.7 * each.rules} == {}


def test_no_rule_is_wrong_without_a_comment(found: list[Figures]) -> None:
    assert {each.source: each.wrong for each in found if each.wrong} == {}
