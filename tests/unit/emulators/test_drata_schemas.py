"""The JSON Schemas of Drata resources: the same verdict as a full validator, in the vendor's words."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofport_drata.emulator.schemas import message_for, schema_from_sample, schema_problem, stored_schema, violations

NAMES = st.sampled_from(["id", "n", "on", "part"])
TYPES = st.sampled_from(["string", "integer", "number", "boolean", "null", "array", "object"])
SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from([0.5, 2.0]) | st.text("ab", max_size=4)
VALUES = st.recursive(SCALARS, lambda part: st.lists(part, max_size=3) | st.dictionaries(NAMES, part, max_size=3))


def keywords(parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    some = st.lists(parts, min_size=1, max_size=2)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
            "properties": st.dictionaries(NAMES, parts, max_size=3),
            "required": st.lists(NAMES, unique=True, max_size=2),
            "additionalProperties": st.booleans(),
            "items": parts,
            "minItems": st.integers(0, 2),
            "maxItems": st.integers(0, 2),
            "minLength": st.integers(0, 3),
            "maxLength": st.integers(0, 3),
            "minimum": st.integers(-3, 3),
            "maximum": st.integers(-3, 3),
            "pattern": st.sampled_from(["^a", "b$"]),
            "enum": st.lists(st.sampled_from(["a", "b", None]), min_size=1, max_size=2, unique=True),
            "const": st.sampled_from(["a", None]),
            "anyOf": some,
            "oneOf": some,
            "allOf": some,
        },
    )


SCHEMAS = st.recursive(keywords(st.just({})), keywords, max_leaves=4)


@given(SCHEMAS, VALUES)
def test_the_verdict_is_that_of_a_full_validator(schema: dict[str, Any], value: Any) -> None:
    assert schema_problem(schema) is None

    assert (list(violations(schema, value)) == []) == jsonschema_rs.Draft7Validator(schema).is_valid(value)


@pytest.mark.parametrize(
    ("schema", "value", "violation"),
    [
        ({"required": ["name"]}, {}, {"": "must have required property 'name'"}),
        ({"properties": {"n": {"type": "integer"}}}, {"n": 1.5}, {"/n": "must be integer"}),
        ({"properties": {"n": {"type": ["string", "null"]}}}, {"n": 1}, {"/n": "must be string,null"}),
        ({"items": {"enum": [1]}}, [1, 2], {"/1": "must be equal to one of the allowed values"}),
        ({"pattern": "^a"}, "b", {"": 'must match pattern "^a"'}),
        ({"minLength": 2}, "b", {"": "must NOT have fewer than 2 characters"}),
    ],
)
def test_a_violation_has_its_path_and_words(schema: dict[str, Any], value: Any, violation: dict[str, str]) -> None:
    assert list(violations(schema, value)) == [violation]


def test_the_message_holds_all_violations_as_json() -> None:
    assert message_for([{"": "a"}, {"/n": 'b"'}]) == 'Schema validation failed for data: [{"":"a"},{"/n":"b\\""}]'


def test_a_sample_makes_a_schema_that_it_fits() -> None:
    sample = {"id": "a", "n": 1, "x": 0.5, "on": True, "none": None, "list": [], "part": {}}

    schema = stored_schema(schema_from_sample(sample), keep_empty_required=True)

    assert list(violations(schema, sample)) == []
    assert list(violations(schema, {**sample, "none": 5})) == []
    assert list(violations(schema, {**sample, "on": "yes"})) == [{"/on": "must be boolean"}]


@pytest.mark.parametrize(
    "schema",
    [
        None,
        {"type": 5},
        {"type": ["string", "text"]},
        {"properties": []},
        {"properties": {"a": 5}},
        {"required": "id"},
        {"required": [1]},
        {"minLength": "2"},
        {"maximum": True},
        {"anyOf": {}},
        {"oneOf": [5]},
        {"enum": "a"},
        {"items": {"type": "text"}},
        {"pattern": "("},
        {"pattern": 5},
    ],
)
def test_what_is_no_schema_is_named(schema: Any) -> None:
    assert schema_problem(schema)


def test_a_bottomless_schema_is_refused() -> None:
    schema: dict[str, Any] = {}
    for _ in range(400):
        schema = {"properties": {"a": schema}}

    assert "nested deeper" in (schema_problem(schema) or "")
