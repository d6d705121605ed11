"""Finding or making a Drata connection, and what `doctor` says about the configured ones."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import JsonValue

from proofport.adapter import Blueprint, Finding, Provisioned, Provisions
from proofport.errors import Blocked, ConfigError, OutcomeUnknown, UsageError
from proofport.testing.adapter_contract import Vendor, drive, json_reply, recorded
from proofport.wire import Reply
from proofport_drata import DrataAdapter, DrataSettings
from proofport_drata.provisioning import drift

CONNECTIONS = "/public/v2/custom-connections"
ALIAS = "proofport 1:cloud_resource"
PROPERTIES: dict[str, JsonValue] = {"id": {"type": "string"}, "name": {"type": ["string", "null"]}}
BLUEPRINT = Blueprint("cloud_resource", {"properties": PROPERTIES, "required": ["id"]}, "name")
NONE = json_reply({"data": [], "pagination": {"cursor": None}})
LOST = OutcomeUnknown("lost")


def adapter(**settings: Any) -> DrataAdapter:
    given = {"region": "us", "api_key": "key", "workspace_ids": [1], **settings}
    return DrataAdapter(DrataSettings.model_validate(given))


def connections(*rows: dict[str, Any], cursor: str | None = None) -> Reply:
    return json_reply({"data": list(rows), "pagination": {"cursor": cursor}})


def ours(number: int = 42, **more: Any) -> dict[str, Any]:
    return {"id": number, "clientAlias": ALIAS, "providerTypes": ["CUSTOM"], **more}


def resources(*numbers: int, schema: Any = None, **more: Any) -> Reply:
    rows = [{"id": n, "name": f"r{n}", "schema": schema or {"properties": PROPERTIES}, **more} for n in numbers]
    return json_reply({**ours(), "customResources": rows})


def provision(vendor: Vendor, blueprint: Blueprint = BLUEPRINT, **settings: Any) -> Provisioned:
    resource = adapter(**settings).resource(blueprint.kind)
    assert isinstance(resource, Provisions)
    return drive(resource.provision(blueprint), vendor)


def operations(vendor: Vendor) -> list[str]:
    return [call.operation for call in vendor.calls]


def test_a_new_connection_gets_the_schema_and_its_resource_is_read() -> None:
    other = {"id": 3, "clientAlias": "somebody else's"}
    vendor = recorded(connections(other, cursor="2"), connections(), json_reply(ours(), 201), resources(7))
    assert provision(vendor) == Provisioned({"connection_id": 42, "resource_id": 7}, created=True)
    assert operations(vendor) == ["list_connections", "list_connections", "create_connection", "get_connection"]
    create, get = vendor.calls[2:]
    assert (create.method, create.path, create.lost) == ("POST", CONNECTIONS, "ask")
    assert json.loads(create.body or b"") == {
        "name": ALIAS,
        "providerTypes": ["CUSTOM"],
        "workspaceIds": [1],
        "description": "cloud_resource evidence, written by proofport",
        "schema": {"type": "object", "properties": PROPERTIES, "required": ["id"], "additionalProperties": True},
        "displayNameKey": "name",
    }
    assert (get.path, get.query) == (f"{CONNECTIONS}/42", (("expand[]", "customResources"),))


def test_required_is_sent_even_when_nothing_is() -> None:
    vendor = recorded(NONE, json_reply(ours()), resources(7))
    provision(vendor, Blueprint("cloud_resource", {"properties": PROPERTIES}, "id"))
    assert json.loads(vendor.calls[1].body or b"")["schema"]["required"] == []


def test_a_connection_of_our_name_is_used_and_said_to_be_shared() -> None:
    vendor = recorded(connections(ours()), resources(7))
    found = provision(vendor)
    assert (found.settings, found.created) == ({"connection_id": 42, "resource_id": 7}, False)
    assert "shares its records" in found.notes[0]
    assert len(found.notes) == 1


def test_a_stored_schema_that_lacks_fields_is_reported() -> None:
    found = provision(recorded(connections(ours()), resources(7, schema={"properties": {"id": {}}})))
    assert "does not declare name" in found.notes[1]


def test_deleted_resources_do_not_count() -> None:
    rows = [{"id": 6, "name": "old", "deletedAt": "2026-01-01T00:00:00Z"}, {"id": 7, "name": "new", "deletedAt": None}]
    answer = json_reply({**ours(), "customResources": rows})
    assert provision(recorded(connections(ours()), answer)).settings["resource_id"] == 7


@pytest.mark.parametrize("numbers", [(), (7, 8)])
def test_the_resource_is_not_guessed(numbers: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match=f"holds {len(numbers)} resources") as raised:
        provision(recorded(connections(ours()), resources(*numbers)))
    assert "resource_id" in (raised.value.hint or "")


def test_the_connection_is_not_guessed() -> None:
    with pytest.raises(UsageError, match="42, 43"):
        provision(recorded(connections(ours(42), ours(43))))


def test_a_connection_of_another_type_is_not_used() -> None:
    with pytest.raises(UsageError, match="not a CUSTOM one"):
        provision(recorded(connections(ours(providerTypes=["MDM"]))))


def test_after_a_lost_answer_the_connection_is_looked_up_not_made_again() -> None:
    vendor = recorded(NONE, LOST, connections(ours()), resources(7))
    assert provision(vendor) == Provisioned({"connection_id": 42, "resource_id": 7}, created=True)
    assert operations(vendor).count("create_connection") == 1
    with pytest.raises(OutcomeUnknown) as raised:
        provision(recorded(NONE, LOST, NONE))
    assert "Provision again" in (raised.value.hint or "")


def test_a_refusal_names_the_permission() -> None:
    with pytest.raises(Blocked) as raised:
        provision(recorded(NONE, json_reply({"statusCode": 403, "message": "Forbidden", "code": 1}, 403)))
    assert "Create Custom Connection" in (raised.value.hint or "")


def test_without_a_workspace_nothing_can_be_made() -> None:
    with pytest.raises(ConfigError, match="workspace_ids"):
        provision(recorded(), workspace_ids=[])


def test_the_display_name_must_be_a_field() -> None:
    with pytest.raises(UsageError, match="title"):
        provision(recorded(), Blueprint("cloud_resource", {"properties": PROPERTIES}, "title"))


@pytest.mark.parametrize(
    "answer",
    [
        json_reply({}, 201),
        json_reply(ours(True), 201),
        json_reply({"id": 42}, 201),
        json_reply({"id": 42, "clientAlias": "another"}),
        json_reply({"statusCode": 500, "error": "failed"}),
        json_reply([]),
        Reply(200, body=b"<html>"),
        Reply(201),
    ],
)
def test_a_creation_whose_answer_is_not_the_connection_is_looked_up(answer: Reply) -> None:
    vendor = recorded(NONE, answer, connections(ours()), resources(7))
    assert provision(vendor) == Provisioned({"connection_id": 42, "resource_id": 7}, created=True)
    assert operations(vendor) == ["list_connections", "create_connection", "list_connections", "get_connection"]
    with pytest.raises(OutcomeUnknown, match="not known whether"):
        provision(recorded(NONE, answer, NONE))


@pytest.mark.parametrize(("kind", "provider"), [("device", "MDM"), ("person", "HRIS")])
class TestConnectionsWithoutSchema:
    def test_one_is_made_without_what_drata_refuses_there(self, kind: str, provider: str) -> None:
        row = {"id": 9, "clientAlias": f"proofport {kind}", "providerTypes": [provider]}
        vendor = recorded(NONE, json_reply(row, 201))
        made = provision(vendor, Blueprint(kind, {}, "id"))
        assert (made.settings, made.created) == ({"connection_id": 9}, True)
        body = json.loads(vendor.calls[1].body or b"")
        assert body["providerTypes"] == [provider]
        assert set(body) == {"name", "providerTypes", "description"}

    def test_one_of_our_name_is_found_again(self, kind: str, provider: str) -> None:
        vendor = recorded(connections({"id": 9, "clientAlias": f"proofport {kind}", "providerTypes": [provider]}))
        found = provision(vendor, Blueprint(kind, {}, "id"))
        assert (found.settings, found.created) == ({"connection_id": 9}, False)

    def test_a_configured_one_must_be_of_the_type(self, kind: str, provider: str) -> None:
        objects = {kind: {"connection_id": 9}}
        good = recorded(json_reply({"id": 9, "providerTypes": [provider]}))
        assert provision(good, Blueprint(kind, {}, "id"), objects=objects).settings == {"connection_id": 9}
        wrong = recorded(json_reply({"id": 9, "providerTypes": ["CUSTOM"]}))
        with pytest.raises(UsageError, match=f"is for CUSTOM, expected {provider}"):
            provision(wrong, Blueprint(kind, {}, "id"), objects=objects)

    def test_a_lost_answer_is_looked_into(self, kind: str, provider: str) -> None:
        row = {"id": 9, "clientAlias": f"proofport {kind}", "providerTypes": [provider]}
        vendor = recorded(NONE, OutcomeUnknown("lost"), connections(row))
        assert provision(vendor, Blueprint(kind, {}, "id")).settings == {"connection_id": 9}


class TestDrift:
    """What the live schema no longer takes of the bodies that the mapping makes."""

    @pytest.mark.parametrize(
        ("stored", "words"),
        [
            ({"properties": {"id": {"type": "string"}}}, "does not declare name"),
            ({"properties": {"id": {}}, "additionalProperties": False}, "Records are refused: the schema allows no"),
            (
                {"properties": {"id": {"type": "string"}, "name": {"type": "string"}}},
                "name may be null, and the schema takes only string",
            ),
            (
                {"properties": {**PROPERTIES, "owner": {}}, "required": ["id", "owner"]},
                "requires owner, which the mapping never makes",
            ),
            ({"properties": PROPERTIES, "required": ["id", "name"]}, "Records without name are refused"),
        ],
    )
    def test_a_misfit_is_named_with_a_way_out(self, stored: dict[str, Any], words: str) -> None:
        notes = drift({"properties": PROPERTIES, "required": ["id"]}, {"id": 7, "schema": stored})
        assert words in notes[0]
        assert "cannot be changed" in notes[-1]
        assert "update_custom_connection" in notes[-1]

    def test_a_schema_that_takes_more_is_no_drift(self) -> None:
        stored = {"properties": {**PROPERTIES, "count": {"type": "number"}, "more": {}}, "required": ["id"]}
        wanted = {"properties": {**PROPERTIES, "count": {"type": "integer"}}, "required": ["id"]}
        assert drift(wanted, {"id": 7, "schema": stored}) == ()


@pytest.mark.parametrize("configured", [{"connection_id": 42}, {"connection_id": 42, "resource_id": 7}])
def test_what_is_configured_is_looked_at_and_never_made_again(configured: dict[str, int]) -> None:
    vendor = recorded(resources(7, schema={"properties": {"id": {}}}))
    found = provision(vendor, objects={"cloud_resource": configured})
    assert (found.settings, found.created) == ({"connection_id": 42, "resource_id": 7}, False)
    assert "does not declare name" in found.notes[0]
    assert operations(vendor) == ["get_connection"]


def test_a_configured_resource_that_is_not_there_is_named() -> None:
    with pytest.raises(UsageError, match="holds 0 resources"):
        provision(recorded(resources(8)), objects={"cloud_resource": {"connection_id": 42, "resource_id": 7}})


def test_two_workspaces_have_a_connection_of_their_own() -> None:
    vendor = recorded(NONE, json_reply(ours(clientAlias="proofport 1+2:cloud_resource")), resources(7))
    provision(vendor, workspace_ids=[2, 1])
    assert json.loads(vendor.calls[1].body or b"")["name"] == "proofport 1+2:cloud_resource"


# ---------------------------------------------------------------------- doctor
def check(vendor: Vendor, objects: dict[str, Any]) -> list[Finding]:
    return drive(adapter(objects=objects).check(), vendor)


OBJECT = {"cloud_resource": {"connection_id": 42, "resource_id": 7}}


def test_a_sound_destination() -> None:
    findings = check(recorded(NONE, resources(7, 8), NONE), OBJECT)
    assert [finding.ok for finding in findings] == [True, True]


def test_a_refused_key_ends_the_check() -> None:
    refusal = json_reply({"statusCode": 401, "message": "Unauthorized", "code": 12310}, 401)
    (finding,) = check(recorded(refusal), OBJECT)
    assert (finding.ok, finding.subject) == (False, "api_key")
    assert "12310" in finding.detail
    assert finding.hint


def test_each_object_is_looked_at_although_another_is_wrong() -> None:
    objects = {**OBJECT, "training_record": {"connection_id": 9, "resource_id": 1}, "device": {"connection_id": 5}}
    objects["personnel_account"] = {"connection_id": 6}
    missing = json_reply({"message": "no such connection", "code": 2}, 404)
    vendor = recorded(NONE, resources(8), missing, missing)
    findings = check(vendor, objects)
    assert [(finding.subject, finding.ok) for finding in findings] == [
        ("api_key", True),
        ("objects.cloud_resource", False),
        ("objects.training_record", False),
        ("objects.device", False),
        ("objects.personnel_account", False),
    ]
    assert "has no resource 7; it has 8" in findings[1].detail
    assert all(finding.hint for finding in findings if not finding.ok)


def test_open_sessions_are_found() -> None:
    sessions = json_reply({"data": [{"sessionId": "pp-x", "status": "IN_PROGRESS"}], "pagination": {"cursor": None}})
    findings = check(recorded(NONE, resources(7), sessions), OBJECT)
    assert findings[-1].ok is False
    assert "pp-x" in findings[-1].detail
