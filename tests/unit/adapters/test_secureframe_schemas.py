"""The first object of a schema: which record is fit to be it, and what it freezes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proofport.adapter import Batch, Declared, Job, Schema
from proofport.errors import UsageError
from proofport_secureframe import SecureframeAdapter, SecureframeSettings

FIELDS = ("id", "cloud_resource_type", "region")
WHOLE = {"id": "b", "cloud_resource_type": "vpc", "region": "eu"}


def freeze(
    *records: dict[str, Any],
    fields: tuple[str, ...] = FIELDS,
    kind: str = "cloud_resource",
    declared: dict[str, str] | None = None,
    **schema: Any,
) -> tuple[int, Schema] | None:
    settings = {
        "region": "us",
        "api_key": "key",
        "api_secret": "secret",
        "connection_id": "5f0c0c0e-0000-4000-8000-000000000001",
        "vendor_slug": "acme",
        "objects": {kind: {"schema_slug": "things", "fields": declared or {}, **schema}},
    }
    batch = Batch(
        [each["id"] for each in records], [json.dumps(each).encode() for each in records], range(len(records))
    )
    adapter = SecureframeAdapter(SecureframeSettings.model_validate(settings))
    assert adapter.schema(kind) == Declared("things", schema.get("defined", False), declared or {})
    return adapter.freeze(Job("run-1", "prod", kind, "upsert", fields), batch)


def first(*records: dict[str, Any], **how: Any) -> int:
    found = freeze(*records, **how)
    assert found is not None
    return found[0]


@pytest.mark.parametrize(
    "poor",
    [
        {"id": "a", "cloud_resource_type": "vpc"},
        {"id": "a", "cloud_resource_type": "vpc", "region": None},
        {"id": "a", "cloud_resource_type": "vpc", "region": []},
    ],
)
def test_a_complete_record_is_the_first(poor: dict[str, Any]) -> None:
    assert first(poor, WHOLE, {**WHOLE, "id": "c"}) == 1
    assert first({**WHOLE, "id": "c"}, poor, WHOLE) == 0


def test_false_is_a_value() -> None:
    assert first({"id": "a"}, {"id": "b", "admin": False}, fields=("id", "admin")) == 1


def test_a_repeated_id_is_not_the_first() -> None:
    poor = {"id": "b", "cloud_resource_type": "vpc"}
    assert first({**poor, "id": "a"}, poor, WHOLE, {**WHOLE, "id": "c"}) == 3


def test_it_freezes_fields_and_their_types() -> None:
    record = {"id": "a", "n": 1, "x": 1.5, "up": False, "o": {"k": 1}, "none": None}
    found = freeze(record, fields=("id", "n"), kind="custom:package")
    types = {"id": "string", "n": "number", "x": "number", "up": "boolean", "o": "object"}
    assert found == (0, Schema("things", "custom:package", types))


def test_the_lifecycle_field_is_one_of_them() -> None:
    found = freeze(WHOLE, lifecycle_field="lifecycle_state")
    assert found is not None
    assert found[1].fields["lifecycle_state"] == "string"


def test_of_what_was_defined_before_the_mapping_and_the_first_batch_say_the_fields() -> None:
    found = freeze({"id": "a"}, {"id": "b", "region": "eu", "more": None, "size": 1}, defined=True)
    types = {"id": "string", "cloud_resource_type": "any", "region": "string", "size": "number"}
    assert found == (0, Schema("things", "cloud_resource", types))


def test_of_what_was_defined_elsewhere_the_configuration_may_say_them() -> None:
    fields = {"id": "string", "up": "boolean"}
    found = freeze({"id": "a", "other": 1}, defined=True, declared=fields)
    assert found == (0, Schema("things", "cloud_resource", fields))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"declared": {"id": "string"}}, "`defined: true`"),
        ({"declared": {"up": "boolean"}, "defined": True}, "`id`"),
        ({"declared": {"id": "list"}, "defined": True}, "'string', 'number'"),
    ],
)
def test_fields_are_declared_whole_or_not_at_all(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        freeze({"id": "a"}, **wrong)


def test_without_a_complete_record_no_schema_is_made() -> None:
    with pytest.raises(UsageError, match="no record has a value for region") as raised:
        freeze({"id": "a", "cloud_resource_type": "vpc"})
    assert "`defined: true`" in (raised.value.hint or "")
    with pytest.raises(UsageError, match="the fullest one lacks cloud_resource_type"):
        freeze({"id": "a", "region": "eu"}, {"id": "b", "cloud_resource_type": "vpc"})


def test_fields_that_pass_through_are_those_of_the_batch() -> None:
    passing: dict[str, Any] = {"kind": "custom:package", "fields": ()}
    assert first({"id": "a", "x": 1}, {"id": "b", "x": 1, "y": 2}, **passing) == 1
    with pytest.raises(UsageError):
        freeze({"id": "a", "x": 1}, {"id": "b", "y": 2}, **passing)
