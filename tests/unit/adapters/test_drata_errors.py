"""Each status of each operation becomes the error that says what to do, with Drata's words, in our words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proofport.errors import Blocked, ConfigError, OutcomeUnknown, ProofportError, TooLarge, UsageError
from proofport.testing.adapter_contract import Vendor, drive, json_reply
from proofport.wire import Call, Reply
from proofport_drata.answers import expect_ok
from proofport_drata.operations import OPERATIONS

ON_RECORDS = {"connection_id": 1, "resource_id": 2}
PERSON = {
    "id": "p-1",
    "firstName": "Ana",
    "lastName": "Ito",
    "email": "ana@example.com",
    "contractor": False,
    "isMfaEnabled": True,
    "date": "2020-01-31T00:00:00Z",
}
DEVICE = {"externalId": "d", "personnelId": 1, "platformName": "MACOS", "platformVersion": "15"}
PARAMETERS: dict[str, dict[str, Any]] = {
    "list_custom_connections": {},
    "get_custom_connection": {"connection_id": 1},
    "create_custom_connection": {"name": "x", "provider_types": ["MDM"]},
    "update_custom_connection": {"connection_id": 1, "client_alias": "x"},
    "delete_custom_connection": {"connection_id": 1},
    "list_records": ON_RECORDS,
    "upsert_records": {**ON_RECORDS, "data": {"id": "a"}},
    "update_record": {**ON_RECORDS, "record_id": "a", "data": {}},
    "delete_record": {**ON_RECORDS, "record_id": "a"},
    "list_sessions": ON_RECORDS,
    "upsert_session_records": {**ON_RECORDS, "session_id": "s-1", "data": {"id": "a"}},
    "act_on_session": {**ON_RECORDS, "session_id": "s-1", "action": "complete"},
    "list_connection_devices": {"connection_id": 1},
    "upsert_device": {"connection_id": 1, "device": DEVICE},
    "get_device": {"device_id": 1},
    "delete_connection_device": {"connection_id": 1, "device_id": 1},
    "list_hris_identities": {"connection_id": 1},
    "upsert_hris_identities": {"connection_id": 1, "people": [{"identityId": "a"}]},
    "get_hris_identity": {"connection_id": 1, "user_identity_id": "1"},
    "delete_hris_identity": {"connection_id": 1, "user_identity_id": "1"},
    "v1_list_connections": {},
    "v1_create_idp_from_json": {"people": [PERSON]},
    "v1_update_idp_from_json": {"id": 1, "people": [PERSON]},
    "v1_create_idp_from_csv": {"file": "id"},
    "v1_update_idp_from_csv": {"id": 1, "file": "id"},
}
LIST = "Custom Connections Management: List Custom Connections"
PERMISSIONS = {
    "list_custom_connections": LIST,
    "get_custom_connection": LIST,
    "create_custom_connection": "Custom Connections Management: Create Custom Connection",
    "update_custom_connection": "Custom Connections Management: Update Custom Connection",
    "delete_custom_connection": "Custom Connections Management: Delete Custom Connection",
    "list_records": LIST,
    "upsert_records": "Custom Connections Data: Create Custom Connection Data",
    "update_record": "Custom Connections Data: Create and Update Custom Connection Data",
    "delete_record": "Custom Connections Data: Delete Custom Connection Data",
    "list_sessions": LIST,
    "upsert_session_records": "Custom Connections Data: Create Custom Connection Data",
    "act_on_session": "Custom Connections Data: Create Custom Connection Data",
    "list_connection_devices": "Devices: List Devices",
    "upsert_device": "Devices: Create Device",
    "get_device": "Devices: List Devices",
    "delete_connection_device": "Devices: Delete Device",
    "list_hris_identities": "HRIS User Identities: List",
    "upsert_hris_identities": "HRIS User Identities: Create or Update",
    "get_hris_identity": "HRIS User Identities: Get",
    "delete_hris_identity": "HRIS User Identities: Delete",
    "v1_list_connections": "Connections: List Connections",
    **{name: "Personnel: Import Personnel" for name in PARAMETERS if name.startswith("v1_") and "idp" in name},
}
EXPECTED: dict[int, type[ProofportError]] = {
    400: UsageError,
    401: Blocked,
    402: Blocked,
    403: Blocked,
    404: ConfigError,
    412: Blocked,
    413: TooLarge,
}
LOOKS_FIRST = {"create_custom_connection", "upsert_records", "v1_create_idp_from_json", "v1_create_idp_from_csv"}
"""Operations whose own call comes after a list."""


def refused(status: int) -> Reply:
    return json_reply({"name": "X", "statusCode": status, "message": "the vendor's words", "code": 77}, status)


def failure_of(name: str, status: int) -> ProofportError:
    """What the operation raises when its own call is answered with `status`."""
    operation = next(each for each in OPERATIONS if each.name == name)
    parameters = operation.parameters.model_validate(PARAMETERS[name])

    def answer(call: Call) -> Reply:
        if name in LOOKS_FIRST and call.method == "GET":
            return json_reply({"data": [], "total": 0, "pagination": {"cursor": None}})
        return refused(status)

    with pytest.raises(ProofportError) as caught:
        drive(operation.flow(parameters), Vendor(answer))
    return caught.value


@pytest.mark.parametrize("status", EXPECTED)
@pytest.mark.parametrize("name", PARAMETERS)
def test_each_status_of_each_operation(name: str, status: int) -> None:
    error = failure_of(name, status)
    assert type(error) is EXPECTED[status]
    assert "the vendor's words" in error.message
    assert f"HTTP {status}, code 77" in error.message
    assert "Drata refused to " in error.message
    assert error.hint or status == 413


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_missing_permission_is_named_as_the_product_shows_it(name: str) -> None:
    assert f"“{PERMISSIONS[name]}”" in (failure_of(name, 403).hint or "")


def test_every_operation_is_among_these() -> None:
    assert {operation.name for operation in OPERATIONS} == set(PARAMETERS) == set(PERMISSIONS)


@pytest.mark.parametrize(
    ("code", "words"),
    [(12310, "does not know this key"), (10000, "revoked, expired"), (26430, "proxy"), (1, "expired")],
)
def test_the_code_of_a_401_says_more(code: int, words: str) -> None:
    body = json.dumps({"statusCode": 401, "message": "Unauthorized", "code": code}).encode()
    with pytest.raises(Blocked) as caught:
        expect_ok(Reply(401, {}, body), "do it", "P")
    assert words in (caught.value.hint or "")
    assert "Settings, API Keys" in (caught.value.hint or "")


@pytest.mark.parametrize(("status", "words"), [(402, "Advanced and Enterprise"), (412, "accept Drata's API terms")])
def test_plan_and_terms_say_who_must_act(status: int, words: str) -> None:
    assert words in (failure_of("list_records", status).hint or "")


def test_a_body_that_is_no_json_is_said_by_its_status() -> None:
    with pytest.raises(UsageError, match="HTTP 418"):
        expect_ok(Reply(418, {}, b"<html>"), "do it", "P")


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("delete_record", json_reply({})),
        ("delete_custom_connection", Reply(200)),
        ("update_record", json_reply({"statusCode": 500, "message": "the vendor's words"})),
        ("upsert_device", json_reply({"error": "failed"})),
    ],
)
def test_a_success_that_says_nothing_of_the_sort_is_a_problem(name: str, answer: Reply) -> None:
    operation = next(each for each in OPERATIONS if each.name == name)
    given = operation.parameters.model_validate(PARAMETERS[name])
    (problem,) = drive(operation.flow(given), Vendor(lambda _: answer)).problems
    assert "does not say that it was done" in problem.found


def test_a_connection_that_no_list_shows_is_not_said_to_be_made() -> None:
    operation = next(each for each in OPERATIONS if each.name == "v1_create_idp_from_json")
    given = operation.parameters.model_validate(PARAMETERS[operation.name])
    nothing = json_reply({"data": [], "total": 0})
    with pytest.raises(OutcomeUnknown, match="not known"):
        drive(operation.flow(given), Vendor(lambda call: nothing if call.method == "GET" else json_reply({}, 201)))
