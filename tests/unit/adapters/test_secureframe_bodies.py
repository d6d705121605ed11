"""The bodies that Secureframe accepts: enums by revision, scalars only, nothing unknown."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from pydantic import ValidationError
from tests.unit.adapters.secureframe import adapter

from proofport.adapter import Body
from proofport.errors import Problem, Rejected
from proofport.mapping import MappingLibrary, compile_vendor
from proofport_drata import DrataAdapter, DrataSettings
from proofport_secureframe.cloud_resource_types import NEWEST_OF_AZURE, CloudResourceType, NewestCloudResourceType


def body(kind: str, mode: Any = "upsert", **settings: Any) -> Body:
    return adapter(**settings).resource(kind).body(mode)


def accepts(found: Body, record: dict[str, Any]) -> bool:
    assert found.model is not None
    try:
        found.model.model_validate(record)
    except ValidationError:
        return False
    return True


CLOUD = {"id": "i-1", "cloud_resource_type": "ec2_instance"}
TRAINING = {"id": "t-1", "user_email": "ana@example.com", "training_slug": "gdpr_training"}
ACCOUNT = {"id": "u-1", "email": "ana@example.com"}


def test_the_types_are_those_of_the_revisions() -> None:
    assert len(get_args(CloudResourceType)) == 148
    assert len(get_args(NewestCloudResourceType)) == 35
    assert not set(get_args(CloudResourceType)) & set(get_args(NewestCloudResourceType))


@pytest.mark.parametrize(
    ("value", "as_configured", "with_newest"),
    [
        ("ec2_instance", True, True),
        ("elastictranscoder_pipeline", True, True),
        ("network_interface", False, True),
        ("aws_ec2_instance", False, False),
        ("", False, False),
        (None, False, False),
    ],
)
def test_a_type_is_accepted_by_revision(value: object, as_configured: bool, with_newest: bool) -> None:
    record = {**CLOUD, "cloud_resource_type": value}
    assert accepts(body("cloud_resource"), record) is as_configured
    assert accepts(body("cloud_resource", allow_newest_types=True), record) is with_newest


@pytest.mark.parametrize(
    ("kind", "smallest"), [("cloud_resource", CLOUD), ("training_record", TRAINING), ("personnel_account", ACCOUNT)]
)
def test_required_fields_are_required_and_unknown_ones_refused(kind: str, smallest: dict[str, Any]) -> None:
    found = body(kind)
    assert accepts(found, smallest)
    for name in smallest:
        assert not accepts(found, {key: value for key, value in smallest.items() if key != name}), name
        assert not accepts(found, {**smallest, name: ""}), name
        assert not accepts(found, {**smallest, name: 7}), name
    assert not accepts(found, {**smallest, "colour": "red"})


def test_flags_are_booleans_and_roles_one_string() -> None:
    found = body("personnel_account")
    assert accepts(found, {**ACCOUNT, "admin": False, "active": True, "two_factor_enabled": None, "roles": "a,b"})
    assert not accepts(found, {**ACCOUNT, "admin": "false"})
    assert not accepts(found, {**ACCOUNT, "active": 0})
    assert not accepts(found, {**ACCOUNT, "roles": ["a", "b"]})


def test_every_field_of_a_body_names_its_source() -> None:
    for kind in ("cloud_resource", "training_record", "personnel_account"):
        model = body(kind).model
        assert model is not None
        silent = [name for name, field in model.model_fields.items() if name != "id" and not field.description]
        assert silent == []


@pytest.mark.parametrize("kind", ["cloud_resource", "training_record", "personnel_account", "custom:package"])
def test_nulls_are_left_out_of_full_publishes_and_delete_in_partial_ones(kind: str) -> None:
    assert [body(kind, mode).nulls for mode in ("upsert", "snapshot", "patch")] == ["omit", "omit", "send"]
    assert [body(kind, mode).partial for mode in ("upsert", "snapshot", "patch")] == [False, False, True]
    assert body(kind).arrays == "refuse"


def test_a_mapping_is_written_for_what_is_accepted_without_configuration() -> None:
    (found,) = adapter().bodies("person")
    assert (found.name, found.words) == ("personnel_account", {})
    (found,) = adapter().bodies("cloud_resource")
    assert not accepts(found, {**CLOUD, "cloud_resource_type": "network_interface"})


def test_bodies_name_their_mappings() -> None:
    assert (body("training_record").name, body("training_record").mapping) == (
        "training_record",
        "secureframe/training_record",
    )
    assert (body("custom:package").name, body("custom:package").mapping, body("custom:package").model) == (
        "custom",
        None,
        None,
    )


def test_bodies_of_drata_name_theirs() -> None:
    drata = DrataAdapter(DrataSettings.model_validate({"region": "us", "api_key": "key"}))
    found = drata.resource("cloud_resource").body("upsert")
    assert (found.name, found.mapping, found.model) == ("custom_record", "drata/cloud_resource", None)
    assert (found.nulls, found.arrays, found.id_field) == ("nullable", "send", "id")
    assert drata.resource("custom:package").body("upsert").mapping is None


def render(kind: str, record: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """The body that the built-in mapping gives; `settings` are the destination's."""
    mapping = MappingLibrary().find(f"secureframe/{kind}")
    return compile_vendor(mapping, body(kind, **settings), kind, "secureframe")(record)


def refusal(kind: str, record: dict[str, Any], **settings: Any) -> Problem:
    with pytest.raises(Rejected) as raised:
        render(kind, record, **settings)
    return raised.value.problem


def test_the_misspelt_type_of_old_examples_is_refused_with_the_right_one() -> None:
    problem = refusal("cloud_resource", {"id": "a", "type": "aws_ec2_instance"})
    assert (problem.field, problem.hint) == ("cloud_resource_type", "Did you mean 'ec2_instance'?")


def test_a_type_of_the_newest_list_only_is_taken_where_that_is_configured() -> None:
    record = {"id": "a", "type": "datadog_monitor"}
    assert "allow_newest_types" in (refusal("cloud_resource", record).hint or "")
    assert render("cloud_resource", record, allow_newest_types=True)["cloud_resource_type"] == "datadog_monitor"


@pytest.mark.parametrize(("neutral", "newest"), NEWEST_OF_AZURE.items())
def test_neutral_types_of_the_newest_list_are_known_where_that_is_configured(neutral: str, newest: str) -> None:
    record = {"id": "a", "type": neutral}
    assert newest in get_args(NewestCloudResourceType)
    assert "allow_newest_types" in (refusal("cloud_resource", record).hint or "")
    assert render("cloud_resource", record, allow_newest_types=True)["cloud_resource_type"] == newest


def test_a_mapping_of_ones_own_needs_no_table_of_types() -> None:
    schema = {"schema_slug": "c", "mapping": "mine/cloud"}
    assert body("cloud_resource", allow_newest_types=True, objects={"cloud_resource": schema}).words == {}


def test_a_type_that_was_taken_off_the_list_is_taken() -> None:
    record = {"id": "a", "type": "elastictranscoder_pipeline"}
    assert render("cloud_resource", record)["cloud_resource_type"] == "elastictranscoder_pipeline"


def test_courses_have_the_tenants_own_names() -> None:
    record = {"id": "t", "email": "a@example.com", "course": "Data Protection 101"}
    assert refusal("training_record", record).field == "training_slug"
    schema = {"schema_slug": "t", "courses": {"Data Protection 101": "gdpr_training", "gdpr": "ccpa_training"}}
    configured = {"objects": {"training_record": schema}}
    assert render("training_record", record, **configured)["training_slug"] == "gdpr_training"
    assert render("training_record", {**record, "course": "gdpr"}, **configured)["training_slug"] == "ccpa_training"
    assert render("training_record", {**record, "course": "hipaa"}, **configured)["training_slug"] == "hipaa_training"
