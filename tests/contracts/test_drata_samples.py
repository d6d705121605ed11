"""What Drata's three pages print: the reference of custom connections, the recipe, and the connections of version 1."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import aiohttp
import pytest
from tests.contracts.printed import Sample, differences, explained, send
from tests.unit.emulators.client import Client

from proofport.testing import Running

BASE = "/public/v2/custom-connections"
ONE = BASE + "/{connection}"
RECORDS = ONE + "/resources/{resource}/records"
SESSIONS = ONE + "/resources/{resource}/sessions"


@pytest.fixture
def client(drata_emulator: Running) -> Client:
    return Client(drata_emulator, "Bearer drata-emulator-key")


# ---------------------------------------------------------------------- the reference
RESOURCE = dict.fromkeys(("id", "name", "description", "schema", "createdAt", "updatedAt", "deletedAt"), ...)
CREATOR = dict.fromkeys(("id", "firstName", "lastName", "createdAt", "updatedAt"), ...)
CONNECTION = dict.fromkeys(
    ("id", "clientAlias", "description", "providerTypes", "createdAt", "updatedAt", "createdById"), ...
)
EVERYTHING = "expand[]=customResources&expand[]=createdByUser"
EMPLOYEE = {
    "employeeId": "EMP-001",
    "name": "Jane Smith",
    "department": "Engineering",
    "startDate": "2024-01-15T00:00:00Z",
    "isActive": True,
    "metadata": {"lastReview": "2025-03-01T00:00:00Z"},
}
EMPLOYEES = {
    "type": "object",
    "properties": {
        **{name: {"type": "string"} for name in ("employeeId", "name", "department", "startDate")},
        "isActive": {"type": "boolean"},
        "metadata": {
            "type": "object",
            "properties": {"lastReview": {"type": "string"}},
            "additionalProperties": True,
        },
    },
    "additionalProperties": True,
}
ABOUT = "A connection for syncing employee records from our internal HRIS."
RENAMED = {"clientAlias": "My Updated Custom Connection", "description": "Updated description for Custom Connection"}
REFERENCE = [
    Sample("GET", f"{BASE}?includeTotalCount=true", None, 200, {"pagination": {"cursor": None, "totalCount": 6}}),
    Sample("GET", f"{BASE}?{EVERYTHING}&size=1", None, 200, {"data": [{**CONNECTION, "createdByUser": CREATOR}]}),
    Sample(
        "POST",
        BASE,
        {
            "name": "My Custom Connection",
            "providerTypes": ["CUSTOM"],
            "workspaceIds": [1],
            "schema": EMPLOYEES,
            "sampleData": EMPLOYEE,
            "description": ABOUT,
            "displayNameKey": "name",
        },
        201,
        {**CONNECTION, "clientAlias": "My Custom Connection", "description": ABOUT, "providerTypes": ["CUSTOM"]},
        keep={"connection": "id"},
        readings={"schema_and_sample": "schema", "required_default": False},
    ),
    Sample(
        "GET",
        f"{ONE}?{EVERYTHING}",
        None,
        200,
        {**CONNECTION, "customResources": [{**RESOURCE, "schema": EMPLOYEES}], "createdByUser": CREATOR},
    ),
    Sample("GET", BASE + "/4711", None, 404, {"statusCode": 404}),
    Sample("PUT", ONE, RENAMED, 200, {**CONNECTION, **RENAMED}),
    Sample("PUT", BASE + "/4711", RENAMED, 404, {"statusCode": 404}),
    Sample("DELETE", ONE, None, 204, None),
    Sample("GET", ONE, None, 404),
]

# ---------------------------------------------------------------------- the recipe
PACKAGES = {
    "name": "Software Inventory",
    "providerTypes": ["CUSTOM"],
    "workspaceIds": [1],
    "displayNameKey": "packageName",
    "description": "Software packages installed across the fleet.",
}
SCHEMA = {
    "type": "object",
    "properties": {
        **{name: {"type": "string"} for name in ("packageName", "version", "vendor", "installedAt")},
        "isApproved": {"type": "boolean"},
    },
    "additionalProperties": True,
}
SAMPLE = {
    "packageName": "1Password",
    "version": "8.10.36",
    "vendor": "AgileBits",
    "installedAt": "2024-01-15T00:00:00Z",
    "isApproved": True,
}
FLEET = {"name": "Fleet MDM", "providerTypes": ["MDM"], "description": "Device inventory synced from our MDM solution."}
ROSTER = {
    "name": "Employee Directory",
    "providerTypes": ["HRIS"],
    "description": "Employee roster synced from our internal HRIS.",
}
ONLY_CUSTOM = {"schema": SCHEMA, "sampleData": SAMPLE, "displayNameKey": "packageName", "workspaceIds": [1]}
ONE_PASSWORD = {"id": "PKG-001", "packageName": "1Password", "version": "8.10.36", "isApproved": True}
ZOOM = {"id": "PKG-002", "packageName": "Zoom", "version": "6.2.0", "isApproved": True}
BOTH = {"data": [ONE_PASSWORD, ZOOM]}
FIRST, SECOND, THIRD = "upload-2025-04-01", "batch_sync_v2", "upload-2025-04-02"


def row(record: dict[str, Any], session: str | None) -> dict[str, Any]:
    return {"id": record["id"], "attributes": record, "sessionId": session}


def listed(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"data": list(rows), "pagination": {"cursor": None}}


def action(name: str, session: str, status: str) -> Sample:
    answer = {"sessionId": session, "status": status, "action": name}
    return Sample(
        "POST",
        f"{SESSIONS}/{session}/actions",
        {"action": name},
        200,
        {**answer, "connectionId": "{connection}", "resourceId": "{resource}"},
    )


RECIPE = [
    Sample("POST", BASE, {**PACKAGES, "sampleData": SAMPLE}, 201, readings={"sample_data_required": False}),
    Sample(
        "POST",
        BASE,
        {**PACKAGES, "schema": SCHEMA},
        201,
        {"clientAlias": "Software Inventory", "description": PACKAGES["description"], "providerTypes": ["CUSTOM"]},
        keep={"connection": "id"},
        readings={"required_default": False},
    ),
    Sample("POST", BASE, FLEET, 201, {"clientAlias": "Fleet MDM", "providerTypes": ["MDM"]}, keep={"fleet": "id"}),
    Sample("POST", BASE, ROSTER, 201, {"clientAlias": "Employee Directory", "providerTypes": ["HRIS"]}),
    *(
        Sample("POST", BASE, {**body, name: value}, 400, {"statusCode": 400})
        for body, (name, value) in product((FLEET, ROSTER), ONLY_CUSTOM.items())
    ),
    Sample("POST", BASE, {**PACKAGES, "schema": SCHEMA, "displayNameKey": "nickname"}, 400),
    Sample(
        "GET",
        f"{ONE}?expand[]=customResources",
        None,
        200,
        {"id": "{connection}", "customResources": [{"name": "Software Inventory", "schema": SCHEMA}]},
        keep={"resource": "customResources.0.id"},
    ),
    # Records
    Sample("POST", RECORDS, {"data": ONE_PASSWORD}, 201, {"id": "PKG-001", "data": ONE_PASSWORD}),
    Sample(
        "POST",
        RECORDS,
        BOTH,
        200,
        [{"id": "PKG-001", "statusCode": 200}, {"id": "PKG-002", "statusCode": 201, "data": ZOOM}],
    ),
    Sample(
        "PUT",
        RECORDS + "/PKG-001",
        {"data": {"version": "8.10.40", "isApproved": False}},
        200,
        row({**ONE_PASSWORD, "version": "8.10.40", "isApproved": False}, None),
    ),
    Sample("DELETE", RECORDS + "/PKG-001", None, 204, None),
    Sample("GET", RECORDS, None, 200, listed(row(ZOOM, None))),
    Sample("GET", f"{RECORDS}?sessionId={FIRST}", None, 200, listed()),
    # Sessions: staged, completed, replaced
    Sample("POST", f"{SESSIONS}/{FIRST}", BOTH, 200, [{"id": "PKG-001"}, {"id": "PKG-002"}]),
    Sample("GET", RECORDS, None, 200, listed(row(ZOOM, None))),
    Sample("GET", SESSIONS, None, 200, listed({"sessionId": FIRST, "status": "IN_PROGRESS"})),
    action("complete", FIRST, "ACTIVE"),
    Sample("GET", RECORDS, None, 200, listed(row(ONE_PASSWORD, FIRST), row(ZOOM, FIRST))),
    Sample("POST", RECORDS, {"data": {**ZOOM, "id": "PKG-003"}}, 201),
    Sample("GET", f"{RECORDS}?sessionId={FIRST}", None, 200, {"data": [{}, {}, {"id": "PKG-003"}]}),
    Sample("POST", f"{SESSIONS}/{SECOND}", {"data": [ONE_PASSWORD]}, 200),
    Sample("POST", f"{SESSIONS}/{SECOND}", {"data": [ZOOM]}, 200),
    Sample("POST", f"{SESSIONS}/{THIRD}", BOTH, 409),
    action("complete", SECOND, "ACTIVE"),
    Sample("GET", RECORDS, None, 200, listed(row(ONE_PASSWORD, SECOND), row(ZOOM, SECOND))),
    # Sessions: cancelled, listed
    Sample("POST", f"{SESSIONS}/{THIRD}", {"data": [ZOOM]}, 200, readings={"canceled_spelling": "CANCELLED"}),
    Sample(
        "GET",
        f"{SESSIONS}?status=IN_PROGRESS",
        None,
        200,
        listed({"sessionId": THIRD}),
        readings={"status_filter_ignored": False},
    ),
    action("cancel", THIRD, "CANCELLED"),
    Sample("GET", RECORDS, None, 200, listed(row(ONE_PASSWORD, SECOND), row(ZOOM, SECOND))),
    *(
        Sample("GET", f"{SESSIONS}?status={status}", None, 200, listed({"sessionId": session, "status": status}))
        for session, status in ((FIRST, "ARCHIVED"), (SECOND, "ACTIVE"), (THIRD, "CANCELLED"))
    ),
    *(Sample("POST", f"{SESSIONS}/{name}", BOTH, 400) for name in ("no", "n" * 65, "upload.1")),
    Sample("GET", SESSIONS.replace("{connection}", "{fleet}"), None, 404),
    # Connections
    Sample("GET", BASE, None, 200, {"data": [...] * 10}),
    Sample("GET", f"{BASE}?expand[]=customResources&size=1", None, 200, {"data": [{"customResources": [RESOURCE]}]}),
    Sample("GET", f"{BASE}?expand[]=createdByUser&size=1", None, 200, {"data": [{"createdByUser": CREATOR}]}),
    Sample("GET", ONE, None, 200, {"clientAlias": "Software Inventory"}),
    Sample(
        "PUT",
        ONE,
        {
            "clientAlias": "Fleet Software Tracker",
            "description": "Software packages synced nightly from our asset management tool",
        },
        200,
        {"clientAlias": "Fleet Software Tracker"},
    ),
    Sample("DELETE", ONE, None, 204, None),
    Sample("GET", RECORDS, None, 404),
]

# ---------------------------------------------------------------------- version 1
V1 = "/public/connections"
SORTS = ("CREATED_AT", "CONNECTED_AT", "CONNECTION_PROVIDER_TYPE", "CONNECTION_CLIENT_TYPE", "CONNECTION_STATE")
PRINTED_PROVIDERS = (
    "IDENTITY INFRASTRUCTURE VERSION_CONTROL TICKETING HRIS BACKGROUND_CHECK SINGLE_SIGN_ON ENTERPRISE_SSO MDM "
    "SECURITY_TRAINING OBSERVABILITY COMMUNICATION DIGITAL_SIGNATURE EXTERNAL_POLICY VULNERABILITY EDR "
    "USER_ACCESS_REVIEW CSPM CODEBASE CYBER_INSURANCE CRM CUSTOM"
)
PROVIDERS = PRINTED_PROVIDERS.split()
STATES = ("ACTIVE", "MISCONFIGURED", "CONFIGURED_PENDING_CONFIRMATION", "IN_PROGRESS")
V1_CONNECTION = dict.fromkeys(
    (
        *("id", "clientType", "state", "connected", "connectedAt", "failedAt", "clientId", "clientAlias"),
        *("aliasUpdatedAt", "deletedAt", "code", "groupLabel"),
    ),
    ...,
)
HELD = {"IDENTITY": 0, "MDM": 1, "HRIS": 1, "CUSTOM": 4}
"""Of each provider type, in the seed of the emulator."""
ARMSTRONG = {
    "id": "233",
    "firstName": "Neil",
    "lastName": "Armstrong",
    "email": "neil@example.com",
    "contractor": False,
    "isMfaEnabled": True,
    "jobTitle": "painter",
    "customerId": "A232-23983",
    "date": "2024-10-18T01:28:40",
}
VERSION_1 = [
    Sample("GET", V1, None, 200, {"data": [V1_CONNECTION] * 6, "page": 1, "limit": 20, "total": 6}),
    Sample("GET", V1 + "?page=2&limit=4", None, 200, {"data": [V1_CONNECTION] * 2, "page": 2, "limit": 4, "total": 6}),
    *(Sample("GET", f"{V1}?page={page}&limit={limit}", None, 400) for page, limit in ((0, 1), (1, 0), (1, 51))),
    *(
        Sample("GET", f"{V1}?sort={sort}&sortDir={way}", None, 200, {"total": 6})
        for sort, way in product(SORTS, ("ASC", "DESC"))
    ),
    *(Sample("GET", f"{V1}?providerTypes={name}", None, 200, {"total": HELD.get(name, 0)}) for name in PROVIDERS),
    Sample("GET", f"{V1}?providerTypes=MDM&providerTypes=HRIS", None, 200, {"total": 2}),
    *(Sample("GET", f"{V1}?state={name}", None, 200, {"total": 6 * (name == "ACTIVE")}) for name in STATES),
    Sample("POST", f"{V1}/upload/json", {"personnelData": [ARMSTRONG]}, 201, {}),
    Sample(
        "GET",
        f"{V1}?providerTypes=IDENTITY",
        None,
        200,
        {"data": [{"providerTypes": [{"value": "IDENTITY", "isEnabled": True}]}]},
        keep={"idp": "data.0.id"},
    ),
    Sample("PUT", V1 + "/{idp}/upload/json", {"personnelData": [ARMSTRONG]}, 200, {}),
]

DOCUMENTS = {"the reference": REFERENCE, "the recipe": RECIPE, "version 1": VERSION_1}


@pytest.mark.parametrize("name", DOCUMENTS)
async def test_every_sample_gets_the_documented_answer(client: Client, name: str) -> None:
    await send(client, DOCUMENTS[name])


@pytest.mark.parametrize("name", DOCUMENTS)
async def test_where_sources_differ_the_emulator_says_which_it_follows(client: Client, name: str) -> None:
    await explained(client, DOCUMENTS[name])


async def test_the_files_of_version_1(client: Client) -> None:
    columns = [name for name in ARMSTRONG if name != "customerId"]
    values = [
        str(ARMSTRONG[name]).lower() if name in ("contractor", "isMfaEnabled") else ARMSTRONG[name] for name in columns
    ]
    text = f"{','.join(columns)}\n{','.join(map(str, values))}\n"

    def upload() -> aiohttp.FormData:
        form = aiohttp.FormData()
        form.add_field("file", text.encode(), filename="people.csv", content_type="text/csv")
        return form

    assert await client("POST", f"{V1}/upload/csv", data=upload()) == (201, {})
    _, found = await client("GET", f"{V1}?providerTypes=IDENTITY")
    assert await client("PUT", f"{V1}/{found['data'][0]['id']}/upload/csv", data=upload()) == (200, {})


def operations() -> Iterator[tuple[str, str, Any]]:
    """One request of each operation whose refusals are printed."""
    yield "GET", BASE, None
    yield "POST", BASE, FLEET
    yield "GET", BASE + "/1", None
    yield "PUT", BASE + "/1", RENAMED
    yield "DELETE", BASE + "/1", None
    yield "GET", V1, None
    yield "POST", f"{V1}/upload/json", {"personnelData": [ARMSTRONG]}
    yield "PUT", f"{V1}/1/upload/json", {"personnelData": [ARMSTRONG]}
    yield "POST", f"{V1}/upload/csv", None
    yield "PUT", f"{V1}/1/upload/csv", None


@pytest.mark.parametrize(("access", "status"), [("expired", 401), ("plan", 402), ("permission", 403), ("terms", 412)])
async def test_each_operation_has_its_printed_refusals(client: Client, access: str, status: int) -> None:
    await client.served.switch(access=access)
    for method, path, body in operations():
        found, answer = await client(method, path, body)
        assert found == status, (method, path)
        assert [*differences({"statusCode": status, "message": ..., "code": ...}, answer)] == []
