"""The table of what Vanta requires and a source does not know holds: with its values declared, nothing is unknown."""

from __future__ import annotations

import pytest
from tests.generated.vanta import declared, lacking, records, sources, unfilled_by

from proofport.mapping.language.nodes import MappingFile

SOURCES = list(sources())
DECLARED = [(source, mapping) for source, mapping in SOURCES if source.to != "device"]
"""What a computer must have depends on its platform, and the page declares no value for it."""
NAMED = pytest.mark.parametrize(("source", "mapping"), SOURCES, ids=[source.name for source, _ in SOURCES])


@NAMED
def test_the_tests_of_a_source_show_every_field_that_it_knows(source: MappingFile, mapping: MappingFile) -> None:
    assert set(source.fields) <= {field for record in records(source) for field in record}


@pytest.mark.parametrize(("source", "mapping"), DECLARED, ids=[source.name for source, _ in DECLARED])
def test_with_the_values_of_the_page_every_record_is_complete(source: MappingFile, mapping: MappingFile) -> None:
    without_a_value = set.union(*lacking(source, mapping)) - declared().keys()
    assert [words for words in unfilled_by(source, mapping) if not any(name in words for name in without_a_value)] == []


def test_a_value_is_never_one_that_says_no() -> None:
    assert declared()
    assert not [name for name, value in declared().items() if value is False or value is None]
