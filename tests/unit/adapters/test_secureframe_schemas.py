"""The schema of a kind: the record that makes it, what fits it afterwards, and what people see and say of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest
import yaml
from tests.unit.adapters.secureframe import adapter, batch, entry, resource

from proofport.adapter import Admission, Batch, Job, MakesSchema, Mode, Schema
from proofport.errors import UnsupportedFeature, UsageError
from proofport_secureframe.bodies import MODELS
from proofport_secureframe.schemas import ANY

FIELDS = ("id", "cloud_resource_type", "region")
WHOLE = {"id": "b", "cloud_resource_type": "vpc", "region": "eu"}


def admit(
    given: Batch,
    *,
    kind: str = "cloud_resource",
    mode: Mode = "upsert",
    fields: tuple[str, ...] = FIELDS,
    types: Mapping[str, str] | None = None,
    frozen: Mapping[str, str] | None = None,
    declared: Mapping[str, str] | Sequence[str] | None = None,
    **schema: Any,
) -> Admission:
    """`frozen`: the fields that the lane's memory has of the slug `things`; `declared`: those of the configuration."""
    memory = {} if frozen is None else {"things": entry(frozen, kind=kind)}
    job = Job("run-1", "prod", kind, mode, fields, types, 7.0, memory)
    return resource(kind, **{"fields": declared or {}, **schema}).admit(job, given)


def first(*records: dict[str, Any], **how: Any) -> int:
    return admit(batch(*records), **how).order[0]


def frozen_fields(*records: dict[str, Any], **how: Any) -> dict[str, str]:
    freezes = admit(batch(*records), **how).freezes
    assert freezes is not None
    slug, value = freezes
    assert isinstance(value, dict)
    assert slug == value["slug"] == "things"
    fields: Any = value["fields"]
    return dict(fields)


# ---------------------------------------------------------------------- the record that makes it
@pytest.mark.parametrize(
    "poor",
    [
        {"id": "a", "cloud_resource_type": "vpc"},
        {"id": "a", "cloud_resource_type": "vpc", "region": None},
        {"id": "a", "cloud_resource_type": "vpc", "region": []},
        {"id": "a", "cloud_resource_type": "vpc", "region": {}},
    ],
)
def test_a_complete_record_is_the_first(poor: dict[str, Any]) -> None:
    assert first(poor, WHOLE, {**WHOLE, "id": "c"}) == 1
    assert first({**WHOLE, "id": "c"}, poor, WHOLE) == 0


def test_the_others_follow_in_their_order() -> None:
    poor = {"id": "a", "cloud_resource_type": "vpc"}
    admission = admit(batch(poor, {**poor, "id": "z"}, WHOLE, {**WHOLE, "id": "c"}))
    assert (admission.order, admission.refused) == ([2, 0, 1, 3], {})


def test_false_is_a_value() -> None:
    assert first({"id": "a"}, {"id": "b", "admin": False}, fields=("id", "admin")) == 1


def test_it_freezes_fields_and_their_types() -> None:
    record = {"id": "a", "n": 1, "x": 1.5, "up": False, "o": {"k": 1}, "none": None}
    admission = admit(batch(record), fields=("id", "n"), kind="custom:package")
    types = {"id": "string", "n": "number", "x": "number", "up": "boolean", "o": "object"}
    assert admission.freezes == ("things", entry(types, kind="custom:package", published=7.0))


def test_the_lifecycle_field_is_one_of_them() -> None:
    assert frozen_fields(WHOLE, lifecycle_field="lifecycle_state")["lifecycle_state"] == "string"


def test_of_what_was_defined_before_the_mapping_and_the_first_batch_say_the_fields() -> None:
    records = ({"id": "a"}, {"id": "b", "region": "eu", "more": None, "size": 1})
    assert first(*records, defined=True) == 0
    assert frozen_fields(*records, defined=True) == {
        "id": "string",
        "cloud_resource_type": ANY,
        "region": "string",
        "size": "number",
    }


def test_a_field_that_no_record_has_filled_has_the_type_that_the_mapping_proves() -> None:
    fields = frozen_fields({"id": "a"}, fields=("id", "late", "free"), types={"late": "string"}, defined=True)
    assert fields == {"id": "string", "late": "string", "free": ANY}


def test_of_what_was_defined_elsewhere_the_configuration_may_say_them() -> None:
    declared = {"id": "string", "up": "boolean"}
    admission = admit(batch({"id": "a", "other": 1}, {"id": "b"}), defined=True, declared=declared)
    assert (admission.order, list(admission.refused)) == ([1], [0])
    assert admission.freezes == ("things", entry(declared, published=7.0))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"fields": {"id": "string"}}, "`defined: true`"),
        ({"fields": {"up": "boolean"}, "defined": True}, "`id`"),
        ({"fields": {"id": "list"}, "defined": True}, "'string', 'number'"),
        ({"fields": ["id", "region"]}, "`cloud_resource_type`.*Secureframe requires it"),
        ({"fields": ["id", "cloud_resource_type", "size"]}, "'size' is none of them"),
        ({"fields": ["cloud_resource_type"]}, "`id`"),
        ({"fields": []}, "a list of the names of fields"),
        ({"fields": ["id", 5]}, "a list of the names of fields"),
        ({"fields": {"id": "string", "region": None}, "defined": True}, "a type for each"),
    ],
)
def test_fields_are_declared_whole_or_not_at_all(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        resource(**wrong)


def test_without_a_complete_record_no_schema_is_made() -> None:
    with pytest.raises(UsageError, match="no record has a value for region") as raised:
        admit(batch({"id": "a", "cloud_resource_type": "vpc"}))
    assert "`objects.cloud_resource.defined: true`" in (raised.value.hint or "")
    with pytest.raises(UsageError, match="the fullest one, a, lacks cloud_resource_type"):
        admit(batch({"id": "a", "region": "eu"}, {"id": "b", "cloud_resource_type": "vpc"}))


def test_fields_that_pass_through_are_those_of_the_batch() -> None:
    passing: dict[str, Any] = {"kind": "custom:package", "fields": ()}
    assert first({"id": "a", "x": 1}, {"id": "b", "x": 1, "y": 2}, **passing) == 1
    with pytest.raises(UsageError):
        admit(batch({"id": "a", "x": 1}, {"id": "b", "y": 2}), **passing)


@pytest.mark.parametrize(
    ("kind", "record", "needed"),
    [
        ("cloud_resource", {"cloud_resource_type": "vpc", "description": "d"}, "account, region"),
        ("training_record", {"user_email": "a@example.com", "training_slug": "gdpr_training"}, "completed_at"),
        ("personnel_account", {"email": "a@example.com", "username": "a"}, "active"),
        ("person", {"email": "a@example.com", "first_name": "A"}, "active"),
        ("device", {"device_name": "a"}, "active"),
    ],
)
def test_a_field_that_is_needed_later_is_asked_for_and_one_line_of_configuration_does_without(
    kind: str, record: dict[str, Any], needed: str
) -> None:
    known: dict[str, Any] = {"kind": kind, "fields": tuple(MODELS[kind].model_fields)}
    given = batch({"id": "a"}, {"id": "b", **record})
    with pytest.raises(UsageError, match=f"no record has a value for {needed}") as raised:
        admit(given, **known)
    assert ("Without `active`" in str(raised.value)) == (needed == "active")
    line = re.search(rf"`objects.{kind}.(fields: \[.*\])`. These are the fields of b", raised.value.hint or "")
    assert line is not None
    admission = admit(given, **{**known, "declared": yaml.safe_load(line[1])["fields"]})
    assert (admission.order, admission.note) == ([1, 0], None)


def test_what_no_record_has_is_not_asked_for_but_said() -> None:
    names = ("id", "device_name", "os", "cpu", "active")
    given = batch({"id": "a", "os": "macOS"}, {"id": "b", "device_name": "b", "os": "", "active": False})
    admission = admit(given, kind="device", fields=names)
    assert (admission.order, admission.freezes and list(cast(Any, admission.freezes[1])["fields"])) == (
        [1, 0],
        ["id", "device_name", "os", "active"],
    )
    assert "from the first record, b, with these fields: id, device_name, os, active." in (admission.note or "")
    assert "none has a value for cpu." in (admission.note or "")


def test_what_no_mapping_of_yours_can_make_is_not_asked_for() -> None:
    assert admit(batch({"id": "a", "cloud_resource_type": "vpc"}), fields=("id", "cloud_resource_type")).note is None


def test_fields_that_are_named_must_all_be_shown() -> None:
    names = ["id", "email", "roles"]
    accounts: dict[str, Any] = {"kind": "personnel_account", "fields": tuple(names), "declared": names}
    with pytest.raises(UsageError, match="no record has a value for roles"):
        admit(batch({"id": "a", "email": "a@example.com"}), **accounts)
    whole = {"id": "a", "email": "a@example.com", "roles": "admin"}
    assert list(frozen_fields(whole, **accounts)) == names


def test_fields_that_are_named_are_those_of_a_schema_that_was_made_elsewhere() -> None:
    named: dict[str, Any] = {"kind": "custom:package", "fields": (), "declared": ["id", "n", "late"], "defined": True}
    assert frozen_fields({"id": "a", "n": 1}, **named) == {"id": "string", "n": "number", "late": ANY}


@pytest.mark.parametrize("mode", ["patch", "remove"])
def test_only_whole_records_make_one(mode: Mode) -> None:
    assert admit(batch(WHOLE), mode=mode, defined=True) == Admission(range(1))


def test_nothing_makes_none() -> None:
    assert admit(batch()) == Admission(range(0))


def test_what_is_known_is_not_made_again() -> None:
    admission = admit(batch({"id": "a"}), frozen={"id": "string"})
    assert (list(admission.order), admission.freezes) == ([0], None)


def test_another_slug_is_another_schema() -> None:
    admission = admit(batch(WHOLE), frozen={"id": "string"}, schema_slug="others")
    assert admission.freezes is not None
    assert (admission.freezes[0], admission.refused) == ("others", {})


# ---------------------------------------------------------------------- what fits it
@pytest.mark.parametrize("mode", ["upsert", "snapshot", "patch"])
@pytest.mark.parametrize(
    ("record", "fits"),
    [
        ({"n": 2.5}, True),
        ({"n": None}, True),
        ({}, True),
        ({"n": "2"}, False),
        ({"n": True}, False),
        ({"more": 1}, False),
        ({"more": None}, False),
        ({"open": {"any": 1}}, True),
    ],
)
def test_a_record_fits_by_its_fields_and_their_types(mode: Mode, record: dict[str, Any], fits: bool) -> None:
    frozen = {"id": "string", "n": "number", "open": ANY}
    admission = admit(batch({"id": "a", **record}), frozen=frozen, mode=mode, defined=True)
    assert (list(admission.order), list(admission.refused)) == (([0], []) if fits else ([], [0]))


def test_a_misfit_is_told_what_the_schema_has() -> None:
    refused = admit(batch({"id": "a", "more": 1}, {"id": 5}), frozen={"id": "string", "n": "number"}).refused
    assert (refused[0].found, refused[0].field) == ("the field 'more'", "more")
    assert refused[0].expected == "one of the fields that the schema 'things' began with: id, n"
    assert (refused[1].found, refused[1].field) == ("a number", "id")
    assert refused[1].expected == "a string, as in the record that the schema 'things' began with"
    assert all("under a slug of its own" in (problem.hint or "") for problem in refused.values())


def test_a_removal_is_no_record_to_fit() -> None:
    assert admit(batch({"id": "a", "separated_at": "2026"}), frozen={"id": "string"}, mode="remove").refused == {}


def test_declared_fields_replace_the_noted_ones() -> None:
    given = batch({"id": "a", "n": 1}, {"id": "b", "m": 1})
    admission = admit(given, frozen={"id": "string"}, defined=True, declared={"id": "string", "n": "number"})
    assert (admission.order, list(admission.refused), admission.freezes) == ([0], [1], None)


def test_what_the_mapping_proves_is_not_looked_at_again() -> None:
    types = {"id": "string", "n": "number"}
    frozen = {**types, "n": ANY}
    unread = Batch(["a"], [b"not even JSON"], [1])
    assert list(admit(unread, types=types, frozen=frozen).order) == [0]
    assert list(admit(batch({"id": "a", "more": 1}, extras=True), types=types, frozen=frozen).refused) == [0]
    wider = {**types, "late": "string"}
    assert list(admit(batch({"id": "a", "late": "x"}), types=wider, frozen=frozen).refused) == [0]


# ---------------------------------------------------------------------- what people see and say
def test_a_schema_that_was_never_published_has_no_fields() -> None:
    assert resource(defined=True).schemas({}) == [Schema("things", "cloud_resource", configured=True)]
    assert not resource().schemas({})[0].defined


def test_the_current_schema_comes_first_and_former_ones_by_age() -> None:
    memory = {
        "newer": entry({"id": "string"}, slug="newer", published=3.0),
        "things": entry({"id": "string"}, published=5.0, defined=6.0),
        "older": entry({"id": "string"}, slug="older", published=2.0),
        "dropped": entry({"id": "string"}, slug="dropped", kind="custom:dropped", published=4.0),
    }
    fields = {"id": "string"}
    assert resource(defined=True, fields={"id": "string", "n": "number"}).schemas(memory) == [
        Schema("things", "cloud_resource", {"id": "string", "n": "number"}, "id", 5.0, 6.0, configured=True),
        Schema("older", "cloud_resource", fields, "id", 2.0, current=False),
        Schema("newer", "cloud_resource", fields, "id", 3.0, current=False),
        Schema("dropped", "custom:dropped", fields, "id", 4.0, current=False),
    ]


def test_each_schema_is_shown_once_however_many_kinds_are_asked() -> None:
    objects = {"cloud_resource": {"schema_slug": "things"}, "custom:a": {"schema_slug": "moved"}}
    memory = {
        "things": entry({"id": "string"}),
        "former": entry({"id": "string"}, slug="former", kind="custom:a"),
        "moved": entry({"id": "string"}, slug="moved"),
        "dropped": entry({"id": "string"}, slug="dropped", kind="custom:dropped"),
    }
    destination = adapter(objects=objects)
    shown = [each for kind in objects for each in destination.resource(kind).schemas(memory)]
    assert [(each.slug, each.kind) for each in shown] == [
        ("things", "cloud_resource"),
        ("dropped", "custom:dropped"),
        ("moved", "custom:a"),
        ("former", "custom:a"),
    ]


def test_a_person_confirms_once() -> None:
    memory = {"things": entry({"id": "string"})}
    slug, confirmed = resource().confirm(memory, 9.0)
    assert (slug, confirmed) == ("things", entry({"id": "string"}, defined=9.0))
    assert resource().schemas({slug: confirmed})[0].defined
    assert resource().confirm({slug: confirmed}, 10.0) == (slug, confirmed)


def test_what_was_never_published_cannot_be_confirmed() -> None:
    with pytest.raises(UsageError, match="nothing was published under 'things'") as raised:
        resource().confirm({}, 9.0)
    assert "Push the whole state first" in (raised.value.hint or "")
    with pytest.raises(UnsupportedFeature, match="has no schema at this destination"):
        adapter().resource("custom:other").confirm({}, 9.0)


def test_every_kind_makes_its_schema() -> None:
    kinds = ("cloud_resource", "training_record", "personnel_account", "device", "custom:package")
    assert all(isinstance(adapter().resource(kind), MakesSchema) for kind in kinds)
