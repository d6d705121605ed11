"""Drata, for the tests that hold every emulator to its document."""

from __future__ import annotations

from typing import Any

from tests.support.emulators import seeded

from proofport.testing import Emulator, Running

KNOWN = {"connectionId": [1, 5, 6, 7], "resourceId": [101], "recordId": ["a"], "sessionId": ["open"], "id": [7]}
KEY, WRONG = "Bearer drata-emulator-key", "Bearer wrong"
V1, V2 = "/public/custom-connections", "/public/v2/custom-connections"
RESOURCE = "/public/v2/custom-connections/1/resources/101"
WITNESSES = [
    V2 + "/4712?expand[]=customResources",
    V2 + "/4712/resources/4713/records",
    V2 + "/4712/resources/4713/sessions",
    V1 + "/4714/devices",
    "/public/v2/connections/4714/devices?expand[]=asset",
    V2 + "/4715/hris-user-identities",
    V2 + "/4715/hris-user-identities/identity-id:w",
    "/public/v2/company",
    "/public/v2/workspaces",
]
HOSTILE = [
    ("POST", "/public/v2/custom-connections"),
    ("PUT", "/public/v2/custom-connections/1"),
    ("POST", RESOURCE + "/records"),
    ("PUT", RESOURCE + "/records/id"),
    ("DELETE", RESOURCE + "/records/%00"),
    ("POST", RESOURCE + "/sessions/s-1"),
    ("POST", RESOURCE + "/sessions/s-1/actions"),
    ("GET", RESOURCE + "/sessions?size=%F0&cursor=%00"),
    ("GET", f"/public/v2/custom-connections/{'9' * 5000}"),
    ("POST", "/public/v2/custom-connections/5/devices"),
    ("POST", "/public/v2/custom-connections/6/hris-user-identities"),
    ("GET", "/public/v2/custom-connections/6/hris-user-identities/identity-id:%00"),
    ("POST", "/public/connections/upload/json"),
    ("POST", "/public/custom-connections/1/resources/101/records"),
    ("GET", "/public/custom-connections/5/devices?personnelId=1e20"),
    ("POST", "/public/connections/upload/csv"),
]
DEVICE = {"personnelId": "email:a@b.co", "platformName": "MACOS", "platformVersion": "15", "serialNumber": "S"}
PERSON = {
    "id": "p-1",
    "firstName": "Ana",
    "lastName": "Ito",
    "email": "ana@example.com",
    "contractor": False,
    "isMfaEnabled": True,
    "date": "2020-01-31T00:00:00",
}


def filled() -> Emulator:
    emulator = seeded("drata")
    state = emulator.state()
    state["connections"][0]["resources"][0] |= {
        "records": [{"id": "a"}],
        "sessions": [{"sessionId": "open", "status": "IN_PROGRESS"}],
    }
    state["connections"].append({"id": 7, "type": "IDENTITY", "name": "people"})
    state["connections"] += [
        {"id": 4712, "resources": [{"id": 4713, "records": [{"id": "w"}]}]},
        {"id": 4714, "type": "MDM", "devices": [{**DEVICE, "serialNumber": "witness"}]},
        {"id": 4715, "type": "HRIS", "identities": [{"identityId": "w", "email": "w@example.com"}]},
    ]
    emulator.load(state)
    return emulator


async def authorization(_: Running) -> str:
    return KEY


async def walk(served: Running, expect: Any) -> None:
    base = "/public/v2/custom-connections"
    resource = f"{base}/1/resources/101"
    custom = {"name": "x", "providerTypes": ["CUSTOM"], "workspaceIds": [1], "displayNameKey": "id"}
    steps: list[tuple[int, str, str, Any]] = [
        (201, "POST", base, {**custom, "sampleData": {"id": "a"}}),
        (400, "POST", base, {}),
        (200, "GET", base + "?includeTotalCount=true&expand[]=customResources&expand[]=createdByUser", None),
        (400, "GET", base + "?size=0", None),
        (200, "GET", base + "/1", None),
        (404, "GET", base + "/99", None),
        (200, "PUT", base + "/1", {"clientAlias": "y"}),
        (400, "PUT", base + "/1", []),
        (204, "DELETE", base + "/2", None),
        (404, "DELETE", base + "/2", None),
        (200, "POST", resource + "/records", {"data": [{"id": "a"}, {"id": 1}]}),
        (201, "POST", resource + "/records", {"data": {"id": "b"}}),
        (400, "POST", resource + "/records", {"data": 1}),
        (404, "POST", base + "/1/resources/9/records", {"data": []}),
        (200, "GET", resource + "/records", None),
        (200, "PUT", resource + "/records/a", {"data": {"n": 1}}),
        (404, "PUT", resource + "/records/c", {"data": {}}),
        (204, "DELETE", resource + "/records/a", None),
        (404, "DELETE", resource + "/records/a", None),
        (200, "POST", resource + "/sessions/s-1", {"data": []}),
        (409, "POST", resource + "/sessions/s-2", {"data": []}),
        (422, "POST", resource + "/sessions/s-1/actions", {"action": "complete"}),
        (200, "POST", resource + "/sessions/s-1/actions", {"action": "cancel"}),
        (404, "POST", resource + "/sessions/s-9/actions", {"action": "cancel"}),
        (400, "POST", resource + "/sessions/s-1/actions", {}),
        (422, "POST", resource + "/sessions/s-1", {"data": []}),
        (200, "GET", resource + "/sessions?includeTotalCount=true", None),
        (201, "POST", base + "/5/devices", DEVICE),
        (200, "POST", base + "/5/devices", {**DEVICE, "model": "M"}),
        (400, "POST", base + "/5/devices", {}),
        (400, "POST", base + "/1/devices", DEVICE),
        (200, "GET", "/public/v2/connections/5/devices?expand[]=complianceChecks&expand[]=documents", None),
        (404, "GET", "/public/v2/devices/1", None),
        (404, "DELETE", base + "/5/devices/1", None),
        (201, "POST", base + "/6/hris-user-identities", [{"identityId": "p-1", "email": "a@b.co"}]),
        (200, "POST", base + "/6/hris-user-identities", [{"identityId": "p-1", "email": None}]),
        (207, "POST", base + "/6/hris-user-identities", [{"identityId": "p-1"}, {}]),
        (400, "POST", base + "/6/hris-user-identities", []),
        (200, "GET", base + "/6/hris-user-identities?includeTotalCount=true", None),
        (200, "GET", base + "/6/hris-user-identities/identity-id:p-1", None),
        (204, "DELETE", base + "/6/hris-user-identities/identity-id:p-1", None),
        (404, "DELETE", base + "/6/hris-user-identities/identity-id:p-1", None),
        (201, "POST", "/public/connections/upload/json", {"personnelData": [PERSON]}),
        (400, "POST", "/public/connections/upload/json", {"personnelData": [{}]}),
        (200, "PUT", "/public/connections/8/upload/json", {"personnelData": []}),
        (404, "PUT", "/public/connections/1/upload/json", {"personnelData": []}),
        (400, "POST", "/public/connections/upload/csv", None),
        (400, "PUT", "/public/connections/8/upload/csv", None),
        (200, "GET", "/public/connections?limit=50", None),
        (200, "POST", V1 + "/1/resources/101/records", {"data": [{"id": "v"}]}),
        (201, "POST", V1 + "/1/resources/101/records", {"data": {"id": "w"}}),
        (400, "POST", V1 + "/1/resources/101/records", {"data": 1}),
        (200, "PUT", V1 + "/1/resources/101/records/v", {"data": {"n": 1}}),
        (404, "PUT", V1 + "/1/resources/101/records/x", {"data": {"n": 1}}),
        (204, "DELETE", V1 + "/1/resources/101/records/v", None),
        (404, "DELETE", V1 + "/1/resources/101/records/v", None),
        (201, "POST", V1 + "/5/devices", {**DEVICE, "personnelId": 7, "serialNumber": "V"}),
        (200, "POST", V1 + "/5/devices", {**DEVICE, "personnelId": 7, "serialNumber": "V"}),
        (400, "POST", V1 + "/5/devices", DEVICE),
        (200, "GET", V1 + "/5/devices?page=1.0&limit=20.0&expand[]=ASSET&expand[]=COMPLIANCE_CHECKS", None),
        (400, "GET", V1 + "/5/devices?limit=51", None),
        (200, "GET", "/public/v2/workspaces?includeTotalCount=true&expand[]=frameworks&expand[]=personnelScope", None),
        (400, "GET", "/public/v2/workspaces?size=0", None),
        (200, "GET", "/public/workspaces?q=exam", None),
        (200, "GET", "/public/v2/company", None),
    ]
    for status, method, path, body in steps:
        await expect(KEY, status, method, path, body)
        await expect(WRONG, 401, method, path, body)
    await served.switch(rate_limit=1)
    await expect(WRONG, 401, "GET", base, None)
    for _, method, path, body in steps:
        await expect(KEY, 429, method, path, body)
