"""Totals that documents state, and pages that have no records."""

from __future__ import annotations

import pytest

from proofport.errors import Rejected
from proofport.mapping import compile_source

from .conftest import Load
from .test_source import all_of

LISTED = """
mapping: sources/t
to: {evidence: person}
records: $.users[*]
total: $['count','total']
fields: {id: $.id}
"""
SCIM = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": 3}


@pytest.mark.parametrize(
    ("document", "total"),
    [({"count": 3}, 3), ({"count": "3"}, 3), ({"count": 0}, 0), ({"total": 3, "count": 3}, 3), ({"count": None}, None)],
)
def test_a_document_may_state_a_total(load: Load, document: object, total: int | None) -> None:
    found = compile_source(load(LISTED)).page(document, "a.json", 3)
    assert (found.total, found.more) == (total, None)
    assert (found.flaw is None) == (total in (3, None))


@pytest.mark.parametrize(
    "document",
    [{"count": "many"}, {"count": True}, {"count": -3}, {"count": 3.5}, {"count": 10**15}, {"count": 3, "total": 4}],
)
def test_a_total_that_is_none_shows_nothing_to_be_whole(load: Load, document: object) -> None:
    flaw = compile_source(load(LISTED)).page(document, "a.json", 3).flaw
    assert "no number of records" in str(flaw)
    assert "$['count','total']" in str(flaw)


def test_a_list_of_scim_states_its_total_without_being_asked(load: Load) -> None:
    mapping = compile_source(load(LISTED.replace("total: $['count','total']\n", "")))
    assert mapping.page(SCIM, "a.json", 3).flaw is None
    flaw = mapping.page(SCIM, "a.json", 2).flaw
    assert flaw == "a.json states a total of 3 in $.totalResults; 2 records were read from 1 page"
    assert mapping.page({**SCIM, "schemas": []}, "a.json", 2).flaw is None


@pytest.mark.parametrize("document", [{}, [], {"count": 0}, {"count": 3}])
def test_a_page_without_records_is_a_page(load: Load, document: object) -> None:
    assert all_of(compile_source(load(LISTED)), document) == []


def test_an_empty_document_in_place_of_a_single_record_is_rejected(load: Load) -> None:
    """One answer for each record: an empty one has lost its record."""
    with pytest.raises(Rejected):
        all_of(compile_source(load(LISTED.replace("$.users[*]", "$.user"))), {})
