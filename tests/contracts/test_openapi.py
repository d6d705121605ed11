"""The emulators against the vendors' documents, and the check itself against wrong answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openapi_spec_validator import validate
from tests.support.emulators import NAMES, contract, document
from tests.support.openapi import Contract

from proofport.testing import Running
from proofport_secureframe.emulator.entities import ENTITIES
from proofport_secureframe.emulator.mapping import (
    CLOUD_RESOURCE_TYPES,
    MODELS,
    TRAINING_SLUGS,
)

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


@pytest.mark.parametrize("name", NAMES)
def test_the_document_is_valid(name: str) -> None:
    validate(document(name))


class TestEveryOperationAnswersAsDeclared:
    """The walk itself asserts little: what the fixtures check at the end is that every answer fits the document."""

    async def test_drata(self, drata_emulator: Running, drata_contract: Contract) -> None:
        base = "/public/v2/custom-connections"
        resource = f"{base}/1/resources/101"
        custom = {"name": "x", "providerTypes": ["CUSTOM"], "workspaceIds": [1], "displayNameKey": "id"}
        walk: list[tuple[int, str, str, Any]] = [
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
        ]
        for status, method, path, body in walk:
            await expect(drata_emulator, "Bearer drata-emulator-key", status, method, path, body)
            await expect(drata_emulator, "Bearer wrong", 401, method, path, body)
        await drata_emulator.switch(rate_limit=1)
        await expect(drata_emulator, "Bearer wrong", 401, "GET", base, None)
        for _, method, path, body in walk:
            await expect(drata_emulator, "Bearer drata-emulator-key", 429, method, path, body)

        assert {each[:2] for each in drata_contract.operations()} <= {each[:2] for each in drata_contract.seen}

    async def test_secureframe(self, secureframe_emulator: Running, secureframe_contract: Contract) -> None:
        key, connection = "secureframe-emulator-key secureframe-emulator-secret", secureframe_emulator.destination()
        publish = f"/custom_connections/{connection['connection_id']}/data"
        body = {"schema_slug": "cloud_resource", "vendor_slug": "acme"}
        items = {
            "cloud_resource": {"id": "a", "cloud_resource_type": "ec2_instance"},
            "personnel_account": {"id": "a", "email": "a@example.com"},
            "device": {"id": "a"},
        }
        for slug, item in items.items():
            await expect(
                secureframe_emulator, key, 202, "POST", publish, {**body, "schema_slug": slug, "resource_data": [item]}
            )
        state = await secureframe_emulator.state()
        await secureframe_emulator.control("POST", "seed", **{**state, "users": [{"email": "a@example.com"}]})
        await expect(secureframe_emulator, key, 400, "POST", publish, body)
        await expect(secureframe_emulator, "x y", 401, "POST", publish, body)
        await expect(
            secureframe_emulator, "secureframe-reader-key secureframe-reader-secret", 403, "POST", publish, body
        )
        await expect(secureframe_emulator, key, 404, "POST", publish.replace("0001/", "0002/"), body)
        for meta in (False, True):
            await secureframe_emulator.switch(meta=meta)
            for entity in ENTITIES:
                found = await expect(secureframe_emulator, key, 200, "GET", f"/{entity.path}", None)
                await expect(secureframe_emulator, key, 200, "GET", f"/{entity.path}/{found['data'][0]['id']}", None)
                await expect(secureframe_emulator, key, 404, "GET", f"/{entity.path}/none", None)
                await expect(secureframe_emulator, key, 400, "GET", f"/{entity.path}?q=nothing:x", None)
                await expect(secureframe_emulator, "x y", 401, "GET", f"/{entity.path}", None)
        await secureframe_emulator.switch(rate_limit=1)
        for _ in range(2):
            await secureframe_emulator.client.get(secureframe_emulator.origin + "/devices")

        assert {each[:2] for each in secureframe_contract.operations()} <= {
            each[:2] for each in secureframe_contract.seen
        }


async def expect(served: Running, authorization: str, status: int, method: str, path: str, body: Any) -> Any:
    headers = {"Authorization": authorization}
    async with served.client.request(method, served.origin + path, json=body, headers=headers) as answer:
        assert answer.status == status, (method, path, await answer.text())
        return await answer.json() if answer.content_length else None


class TestTheCheckItself:
    RECORDS = "/public/v2/custom-connections/1/resources/2/records"

    @pytest.mark.parametrize(
        ("status", "body", "problem"),
        [
            (200, {"data": [], "pagination": {"cursor": None}}, None),
            (200, {"data": [], "pagination": {}}, "cursor"),
            (200, {"data": [{"id": 1}], "pagination": {"cursor": None}}, "/data/0"),
            (418, {}, "the status is not in the document"),
            (404, {"statusCode": 404, "message": "x", "code": 1}, "name"),
            (401, {"statusCode": 401, "message": "x", "code": "1"}, "/code"),
        ],
    )
    def test_it_sees_what_is_wrong(self, status: int, body: Any, problem: str | None) -> None:
        found = contract("drata").problem("GET", self.RECORDS, status, json.dumps(body).encode())

        assert (found is None) if problem is None else problem in (found or "")

    def test_it_applies_formats(self) -> None:
        row: dict[str, Any] = {
            "id": "a",
            "attributes": {},
            "sessionId": None,
            "createdAt": "2020-07-06 12:00",
            "updatedAt": "soon",
        }
        body = json.dumps({"data": [row], "pagination": {"cursor": None}}).encode()

        assert "date-time" in (contract("drata").problem("GET", self.RECORDS, 200, body) or "")

    def test_it_sees_a_body_that_is_none_of_the_documents(self) -> None:
        check = contract("secureframe")

        assert "not JSON" in (check.problem("GET", "/devices", 200, b"<html>") or "")
        assert "none is declared" in (check.problem("POST", "/custom_connections/a/data", 202, b"{}") or "")
        assert check.problem("POST", "/custom_connections/a/data", 202, b"") is None

    def test_what_the_document_does_not_have_is_not_judged(self) -> None:
        assert contract("secureframe").problem("GET", "/elsewhere", 500, b"") is None


class TestTheEmulatorsListsAreTheDocuments:
    def test_cloud_resource_types(self) -> None:
        schema = document("secureframe")["components"]["schemas"]["CloudResourceType"]

        before, now = CLOUD_RESOURCE_TYPES["R2"], CLOUD_RESOURCE_TYPES["R3"]
        assert {*schema["enum"], *schema["x-withdrawn-after-R1"]} == now
        assert set(schema["x-added-after-R2"]) == now - before
        assert (len(before), len(now - before)) == (148, 35)

    def test_training_slugs(self) -> None:
        assert set(document("secureframe")["components"]["schemas"]["TrainingSlug"]["enum"]) == TRAINING_SLUGS

    @pytest.mark.parametrize("name", MODELS)
    def test_models(self, name: str) -> None:
        schema_name = {"training_record": "TrainingRecord"}.get(name, name.title().replace("_", "") + "Record")
        schema = document("secureframe")["components"]["schemas"][schema_name]
        booleans = {field for field, rule in schema["properties"].items() if rule.get("type") == "boolean"}

        assert set(MODELS[name].required) == set(schema.get("required", ()))
        assert MODELS[name].booleans == booleans
        assert MODELS[name].strings == set(schema["properties"]) - booleans

    @pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.path)
    def test_filterable_fields(self, entity: Any) -> None:
        operation = document("secureframe")["paths"]["/" + entity.path]["get"]

        assert set(entity.filterable) == set(operation["x-filterable-fields"]) == set(operation["x-sortable-fields"])
