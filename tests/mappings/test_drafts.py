"""Drafts from samples of built-in sources and of other tools, held against what a person would write."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from tests.generated.pages import TABLES, places
from tests.mappings.drafts import FIRST, Figures, compared, evidence_of, figures, later
from tests.mappings.other_tools import SAMPLES, Sample

from proofport.mapping import run_tests


@pytest.fixture(scope="module")
def first() -> list[Figures]:
    return [figures(name) for name in FIRST]


@pytest.fixture(scope="module")
def others() -> list[Figures]:
    return [figures(name) for name in later()]


def share_met(found: Sequence[Figures]) -> float:
    return sum(len(each.met) for each in found) / sum(each.rules for each in found)


def test_most_rules_are_met(first: list[Figures], others: list[Figures]) -> None:
    assert {each.source: each.unmet for each in first if len(each.met) < 0.7 * each.rules} == {}
    assert len(others) >= 30
    assert share_met(others) >= 0.7
    assert share_met([*first, *others]) > 0.75


def test_the_figures_stand_in_the_docs() -> None:
    [text] = [text for _, name, text in places() if name == "drafts"]
    assert text == TABLES["drafts"](), "run python -m tests.generated"


def test_no_rule_is_wrong_without_a_comment(first: list[Figures], others: list[Figures]) -> None:
    assert {each.source: each.wrong for each in [*first, *others] if each.wrong} == {}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_samples_of_other_tools(sample: Sample) -> None:
    documents = sample.content if isinstance(sample.content, list) else [sample.content]
    made, rules, theirs = evidence_of(documents, sample.kind, sample.name)
    assert [result for result in run_tests(made) if not result.ok] == []
    written = list(dict.fromkeys(name for record in sample.expect for name in record))
    found = compared(Figures(sample.name), written, sample.expect, rules, theirs)
    assert found.wrong == []
    assert len(found.met) >= 0.7 * found.rules, found.unmet
