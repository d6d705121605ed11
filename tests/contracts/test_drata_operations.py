"""Every operation of Drata's document through our client, over a real socket, both ways held to the document."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.support.drata import Drata
from tests.support.emulators import document
from tests.support.openapi import Contract

from proofport.adapter import Answer
from proofport.errors import Blocked, ConfigError, OutcomeUnknown, UsageError
from proofport.testing import Running
from proofport_drata.operations import OPERATIONS

DOCUMENT = document("drata")
IDS = {
    operation["operationId"]: operation
    for methods in DOCUMENT["paths"].values()
    for operation in methods.values()
    if isinstance(operation, dict) and "operationId" in operation and not {"v1-data", "tenant"} & {*operation["tags"]}
}
"""Without those that the emulator has for other clients."""
SNAKE = {re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower(): name for name in IDS}
DESTRUCTIVE = {
    "delete_custom_connection",
    "delete_record",
    "act_on_session",
    "delete_connection_device",
    "delete_hris_identity",
    "v1_update_idp_from_json",
    "v1_update_idp_from_csv",
}

RESOURCE = {"connection_id": 1, "resource_id": 101}
ANA = {"identityId": "p-1", "email": "ana@example.com", "startedAt": "2024-05-01T00:00:00Z", "jobTitle": None}
DEVICE = {"externalId": "d-1", "personnelId": "email:a@example.com", "platformName": "MACOS", "platformVersion": "15"}
KEYLESS = {
    "personnelId": 1,
    "platformName": "MACOS",
    "platformVersion": "15",
    "antivirusExplanation": {"antivirusApps": ["XProtect"]},
    "firewallExplanation": "on",
}
"""As the published examples have it: no key of ours, and explanations of both forms."""
PERSON = {
    "id": "p-1",
    "firstName": "Ana",
    "lastName": "Ito",
    "email": "ana@example.com",
    "contractor": False,
    "isMfaEnabled": True,
    "date": "2020-01-31T00:00:00Z",
}
CSV = b"id,firstName,lastName,email,contractor,isMfaEnabled,date\np-1,Ana,Ito,ana@example.com,false,true,01/31/2020\n"

WALK: list[tuple[str, dict[str, Any]]] = [
    ("list_custom_connections", {"expand": ["customResources", "createdByUser"], "include_total_count": True}),
    ("list_custom_connections", {"size": 2, "all": True, "sort": "createdAt", "sort_dir": "DESC"}),
    ("get_custom_connection", {"connection_id": 1, "expand": ["customResources"]}),
    (
        "create_custom_connection",
        {
            "name": "hosts",
            "provider_types": ["CUSTOM"],
            "workspace_ids": [1],
            "json_schema": {"type": "object", "properties": {"id": {"type": "string"}}},
            "display_name_key": "id",
        },
    ),
    (
        "create_custom_connection",
        {
            "name": "sampled",
            "provider_types": ["CUSTOM"],
            "workspace_ids": [1],
            "sample_data": {"id": "a"},
            "display_name_key": "id",
            "description": None,
        },
    ),
    ("create_custom_connection", {"name": "mdm", "provider_types": ["MDM"]}),
    ("update_custom_connection", {"connection_id": 1, "client_alias": "renamed", "description": "said"}),
    ("upsert_records", {**RESOURCE, "data": {"id": "one"}}),
    ("upsert_records", {**RESOURCE, "data": [{"id": "two"}, {"id": "a/b c"}]}),
    ("list_records", {**RESOURCE, "size": 500}),
    ("update_record", {**RESOURCE, "record_id": "a/b c", "data": {"n": 1}}),
    ("delete_record", {**RESOURCE, "record_id": "a/b c"}),
    ("upsert_session_records", {**RESOURCE, "session_id": "s-1", "data": [{"id": "staged"}]}),
    ("list_records", {**RESOURCE, "session_id": "s-1"}),
    ("list_sessions", {**RESOURCE, "status": "IN_PROGRESS"}),
    ("act_on_session", {**RESOURCE, "session_id": "s-1", "action": "complete"}),
    ("upsert_session_records", {**RESOURCE, "session_id": "s-2", "data": {"id": "staged"}}),
    ("act_on_session", {**RESOURCE, "session_id": "s-2", "action": "cancel"}),
    ("upsert_device", {"connection_id": 5, "device": DEVICE}),
    ("upsert_device", {"connection_id": 5, "device": {**DEVICE, "encryptionEnabled": False}}),
    ("list_connection_devices", {"connection_id": 5, "external_id": "d-1", "expand": ["asset", "complianceChecks"]}),
    ("get_device", {"device_id": 0, "expand": ["deviceApps", "identifiers", "documents"]}),
    ("delete_connection_device", {"connection_id": 5, "device_id": 0}),
    ("upsert_hris_identities", {"connection_id": 6, "people": [ANA]}),
    ("list_hris_identities", {"connection_id": 6, "include_total_count": True}),
    ("get_hris_identity", {"connection_id": 6, "user_identity_id": "identity-id:p-1"}),
    ("delete_hris_identity", {"connection_id": 6, "user_identity_id": "identity-id:p-1"}),
    ("v1_list_connections", {"provider_types": ["CUSTOM", "MDM"], "state": "ACTIVE", "sort": "CREATED_AT", "limit": 3}),
    ("v1_list_connections", {"all": True, "sort_dir": "DESC"}),
    ("v1_create_idp_from_json", {"people": [PERSON]}),
    ("v1_create_idp_from_json", {"people": [{**PERSON, "date": "2024-10-18T01:28:40"}]}),
    ("v1_create_idp_from_json", {"people": [{**PERSON, "date": "10/18/2024"}]}),
    ("v1_create_idp_from_csv", {"file": CSV}),
    ("v1_update_idp_from_json", {"id": 0, "people": [PERSON]}),
    ("v1_update_idp_from_csv", {"id": 0, "file": CSV}),
    ("delete_custom_connection", {"connection_id": 2}),
]
"""A number 0 stands for the one that an earlier step made."""

Perform = Callable[..., Awaitable[Answer]]


@pytest.fixture
async def call(drata_emulator: Running, tmp_path: Path) -> AsyncIterator[Perform]:
    async with Drata(drata_emulator, tmp_path).gateway() as gateway:
        yield partial(gateway.call, "drata")


async def refuse_what_the_document_does_not_have(emulator: Running, contract: Contract) -> None:
    for entry in emulator.emulator.log:
        media = entry.headers.get("Content-Type", "")
        assert contract.request_problem(entry.method, entry.path, entry.query, media, entry.body) is None


async def test_each_is_walked_and_fits_the_document(
    call: Perform, drata_emulator: Running, drata_contract: Contract
) -> None:
    """That the answers fit is what the emulator's fixture checks at the end."""
    drata_contract.seen.clear()
    made: dict[str, int] = {}
    for name, parameters in WALK:
        kind = "device" if "device" in name else "idp"
        filled = {field: made[kind] if value == 0 else value for field, value in parameters.items()}
        answer = await call(name, **filled)
        assert not answer.problems
        if name == "upsert_device":
            made["device"] = answer.value["id"]
        if name.startswith("v1_create"):
            (row,) = answer.value["connections"]
            made["idp"] = row["id"]
    await refuse_what_the_document_does_not_have(drata_emulator, drata_contract)
    declared = {
        (method.upper(), path)
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
        if method != "parameters" and operation["operationId"] in IDS
    }
    assert {(method, path) for method, path, status in drata_contract.seen if status < 300} == declared


def test_no_operation_is_left_out() -> None:
    assert {operation.name for operation in OPERATIONS} == set(SNAKE)
    assert {name for name, _ in WALK} == set(SNAKE)
    assert len(SNAKE) == 25


def test_what_destroys_is_marked() -> None:
    assert {operation.name for operation in OPERATIONS if operation.destructive} == DESTRUCTIVE


def test_each_is_said_in_one_line() -> None:
    for operation in OPERATIONS:
        assert 0 < len(operation.summary) <= 55
        assert "\n" not in operation.summary


# ---------------------------------------------------------------------- what they answer
async def test_a_list_follows_the_cursor_only_when_asked(call: Perform) -> None:
    page = (await call("list_custom_connections", size=2)).value
    assert len(page["data"]) == 2
    rest = (await call("list_custom_connections", size=2, cursor=page["pagination"]["cursor"], all=True)).value
    whole = (await call("list_custom_connections", all=True)).value
    assert page["data"] + rest["data"] == whole["data"]
    assert len(whole["data"]) == 6


async def test_refused_items_inside_a_success_are_said(call: Perform) -> None:
    schema = {"type": "object", "properties": {"id": {"type": "string"}, "n": {"type": "number"}}, "required": ["id"]}
    await call(
        "create_custom_connection",
        name="strict",
        provider_types=["CUSTOM"],
        workspace_ids=[1],
        json_schema=schema,
        display_name_key="id",
    )
    rows = (await call("list_custom_connections", all=True, expand=["customResources"])).value["data"]
    where = {"connection_id": rows[-1]["id"], "resource_id": rows[-1]["customResources"][0]["id"]}
    answer = await call("upsert_records", **where, data=[{"id": "good", "n": 1}, {"id": "bad", "n": "one"}])
    assert len(answer.value) == 2
    (problem,) = answer.problems
    assert problem.field == "bad: n"
    assert "28022" in (problem.vendor_message or "")


async def test_a_schema_without_required_is_sent_with_an_empty_one(call: Perform) -> None:
    schema = {"type": "object", "properties": {"id": {"type": "string"}, "n": {"type": "number"}}}
    made = {"name": "x", "provider_types": ["CUSTOM"], "workspace_ids": [1], "display_name_key": "id"}
    await call("create_custom_connection", **made, json_schema=schema)
    (row,) = (await call("list_custom_connections", all=True, expand=["customResources"])).value["data"][6:]
    assert row["customResources"][0]["schema"]["required"] == []


async def test_a_connection_is_not_made_twice(call: Perform, drata_emulator: Running) -> None:
    await call("create_custom_connection", name="mdm", provider_types=["MDM"])
    with pytest.raises(UsageError, match="named 'mdm' already"):
        await call("create_custom_connection", name="mdm", provider_types=["MDM"])
    names = [each["name"] for each in (await drata_emulator.state())["connections"]]
    assert names.count("mdm") == 1


@pytest.mark.parametrize("drop", ["before", "after"])
@pytest.mark.parametrize(
    ("name", "parameters", "path"),
    [
        ("create_custom_connection", {"name": "mdm", "provider_types": ["MDM"]}, "custom-connections$"),
        ("v1_create_idp_from_json", {"people": [PERSON]}, "upload/json$"),
    ],
)
async def test_a_lost_answer_to_a_creation_never_makes_two(
    call: Perform, drata_emulator: Running, drop: str, name: str, parameters: dict[str, Any], path: str
) -> None:
    before = len((await drata_emulator.state())["connections"])
    await drata_emulator.faults(drop=drop, match={"method": "POST", "path": path})
    if drop == "before":
        with pytest.raises(OutcomeUnknown, match="not known"):
            await call(name, **parameters)
    else:
        assert (await call(name, **parameters)).value
    assert len((await drata_emulator.state())["connections"]) == before + (drop == "after")


@pytest.mark.parametrize("drop", ["before", "after"])
async def test_a_device_without_a_key_is_sent_once_and_asked_about_when_its_answer_is_lost(
    call: Perform, drata_emulator: Running, drop: str
) -> None:
    assert (await call("upsert_device", connection_id=5, device=KEYLESS)).value["externalId"] is None
    await drata_emulator.faults(drop=drop, match={"method": "POST", "path": "devices$"})
    with pytest.raises(OutcomeUnknown, match="whether Drata made the device"):
        await call("upsert_device", connection_id=5, device=KEYLESS)
    [held] = [each["devices"] for each in (await drata_emulator.state())["connections"] if each["id"] == 5]
    assert len(held) == 1 + (drop == "after")


@pytest.mark.parametrize("spelling", ["CANCELED", "CANCELLED"])
async def test_sessions_are_filtered_here_in_either_spelling(
    call: Perform, drata_emulator: Running, spelling: str
) -> None:
    for session, action in (("s-1", "cancel"), ("s-2", "complete")):
        await call("upsert_session_records", **RESOURCE, session_id=session, data={"id": "a"})
        await call("act_on_session", **RESOURCE, session_id=session, action=action)
    await drata_emulator.switch(canceled_spelling=spelling)
    rows = (await call("list_sessions", **RESOURCE, status=spelling)).value["data"]
    assert [(row["sessionId"], row["status"]) for row in rows] == [("s-1", "CANCELED")]


@pytest.mark.parametrize(
    "day", ["13/45/2024", "2024-10-18T25:00:00", "2024-02-30 01:28:40", "2024-10-18", "18.10.2024", ""]
)
async def test_a_start_date_that_is_none_is_refused_before_anything_is_sent(
    call: Perform, drata_emulator: Running, day: str
) -> None:
    with pytest.raises(UsageError, match="expected a start date as 2024-10-18T01:28:40"):
        await call("v1_create_idp_from_json", people=[{**PERSON, "date": day}])
    assert len(drata_emulator.emulator.log) == 0


async def test_the_end_of_a_session_has_every_member_of_the_documented_answer(call: Perform) -> None:
    await call("upsert_session_records", **RESOURCE, session_id="s-1", data={"id": "a"})
    answer = (await call("act_on_session", **RESOURCE, session_id="s-1", action="complete")).value
    assert answer == {
        "sessionId": "s-1",
        "status": "ACTIVE",
        "action": "complete",
        "connectionId": 1,
        "resourceId": 101,
    }


@pytest.mark.parametrize("explanation", [{"antivirusApps": ["XProtect"]}, {}, "No encryption provided.", None])
async def test_explanations_of_either_form_are_taken(call: Perform, explanation: Any) -> None:
    body = {"personnelId": 1, "platformName": "MACOS", "platformVersion": "15", "serialNumber": "S9"}
    names = [name for name in DOCUMENT["components"]["schemas"]["DeviceUpsert"]["properties"] if "Explanation" in name]
    shown = (await call("upsert_device", connection_id=5, device={**body, **dict.fromkeys(names, explanation)})).value
    assert len(names) == 6
    assert [shown[name] for name in names] == [explanation] * 6
    assert (shown["externalId"], shown["serialNumber"]) == (None, "S9")


async def test_records_are_not_written_past_an_open_session(call: Perform, drata_emulator: Running) -> None:
    await call("upsert_session_records", **RESOURCE, session_id="nightly", data={"id": "a"})
    with pytest.raises(Blocked, match="nightly"):
        await call("upsert_records", **RESOURCE, data={"id": "b"})
    with pytest.raises(Blocked, match="other"):
        await call("upsert_session_records", **RESOURCE, session_id="other", data={"id": "b"})


async def test_a_person_is_read_and_deleted_by_dratas_number_too(call: Perform) -> None:
    await call("upsert_hris_identities", connection_id=6, people=[ANA])
    row = (await call("get_hris_identity", connection_id=6, user_identity_id="identity-id:p-1")).value
    assert (await call("get_hris_identity", connection_id=6, user_identity_id=row["id"])).value == row
    await call("delete_hris_identity", connection_id=6, user_identity_id=row["id"])
    assert (await call("list_hris_identities", connection_id=6)).value["data"] == []


async def test_an_unknown_row_asks_for_the_parameters(call: Perform) -> None:
    with pytest.raises(ConfigError, match="Device with id 99 not found") as caught:
        await call("get_device", device_id=99)
    assert "that were given" in (caught.value.hint or "")


# ---------------------------------------------------------------------- what is refused before anything is sent
@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        ("get_device", {}, "device_id: found nothing"),
        ("get_device", {"device_id": "x"}, "device_id: found 'x'"),
        ("get_device", {"devices_id": 1, "device_id": 1}, "Did you mean 'device_id'"),
        ("list_custom_connections", {"size": 501}, "less than or equal to 500"),
        ("upsert_records", {**RESOURCE, "data": {"name": "no id"}}, "a text as `id`"),
        ("upsert_session_records", {**RESOURCE, "session_id": "no", "data": []}, "session_id"),
        ("create_custom_connection", {"name": "x", "provider_types": ["MDM"], "workspace_ids": [1]}, "workspace_ids"),
        ("create_custom_connection", {"name": "x", "provider_types": ["CUSTOM"]}, "display_name_key"),
        ("upsert_device", {"connection_id": 5, "device": {**DEVICE, "platformName": "ios"}}, "platformName"),
        ("upsert_hris_identities", {"connection_id": 6, "people": []}, "people"),
        ("get_hris_identity", {"connection_id": 6, "user_identity_id": "p-1"}, "user_identity_id"),
        ("update_custom_connection", {"connection_id": 1}, "nothing to change"),
        ("get_devices", {}, "Did you mean 'get_device'"),
    ],
)
async def test_wrong_parameters_send_nothing(
    call: Perform, drata_emulator: Running, name: str, parameters: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError) as caught:
        await call(name, **parameters)
    assert words in str(caught.value)
    assert await drata_emulator.received() == []
