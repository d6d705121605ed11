"""Whatever a sample holds: a draft of it loads, and passes the tests that it carries."""

from __future__ import annotations

import io
from pathlib import Path

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.soak import examples

from proofport.errors import MappingError, UsageError
from proofport.evidence import KINDS
from proofport.mapping import run_tests
from proofport.mapping.draft import draft
from proofport.mapping.draft.synonyms import FIELDS
from proofport.mapping.language.syntax import read_mappings
from proofport.sources import open_source

known = [name for kind in FIELDS.values() for names in kind.values() for name in names.sure[:3]]
names = st.sampled_from([*known, "id", "Name", "State.Code", "e-mail", "tags", "Key", "where", "a b", "it's", "@type"])
odd_names = st.text(min_size=1, max_size=6)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**40), 2**40),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.text(max_size=8),
    st.sampled_from(["", "yes", "No", "ana@acme.test", "darwin", "a;b", "203.0.113.7", "eu-west-1a", "terminated"]),
    st.sampled_from(["2026-01-31T09:00:00Z", "2026-01-31", "1700000000", "https://acme.test/u/1"]),
    st.sampled_from(["31/01/2026", "0001-01-01T00:00:00Z", "N/A", " Yes ", "/Date(1)/", 1_700_000_000]),
    st.just("arn:aws:ec2:eu-west-1:111122223333:vpc/v-1"),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(names, odd_names), inner, max_size=4)
    ),
    max_leaves=8,
)
records = st.dictionaries(st.one_of(names, odd_names), values, max_size=8)
keyed = st.dictionaries(st.sampled_from(["1", "22", "eu-west-1", "us-east-1"]), records, min_size=2, max_size=3)
documents = st.one_of(
    keyed,
    st.fixed_dictionaries({"all": keyed}),
    st.lists(st.lists(records, max_size=2), min_size=1, max_size=2),
    st.lists(records, min_size=1, max_size=4),
    st.lists(records, max_size=4).map(lambda found: {"items": found, "total": len(found), "next": ""}),
    st.lists(st.lists(records, max_size=2).map(lambda found: {"group": "g", "members": found}), max_size=3).map(
        lambda found: {"account_id": "1", "groups": found}
    ),
    values,
)


@given(documents, st.sampled_from([*KINDS, "custom:thing"]))
@settings(max_examples=examples(40, 150), deadline=None)
def test_a_draft_is_a_mapping_that_passes_its_tests(document: object, kind: str) -> None:
    with open_source(io.BytesIO(orjson.dumps(document)), format="json") as reader:
        try:
            text, rules = draft(reader, kind, "acme.things")
        except MappingError:
            raise
        except UsageError:
            return
    [mapping] = read_mappings(text.encode(), Path("draft.yaml"))
    assert set(mapping.fields) == set(rules.fields)
    results = run_tests(mapping)
    assert results
    assert [(result.found, result.expected) for result in results if not result.ok] == []
