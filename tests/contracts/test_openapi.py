"""The emulators against the vendors' documents, and the check itself against wrong answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openapi_spec_validator import validate
from tests.contracts.vendors import vendor
from tests.support.emulators import NAMES, contract, document, emulated

from proofport_secureframe.emulator.entities import ENTITIES
from proofport_secureframe.emulator.mapping import (
    CLOUD_RESOURCE_TYPES,
    MODELS,
    TRAINING_SLUGS,
)


@pytest.mark.parametrize("name", NAMES)
def test_the_document_is_valid(name: str) -> None:
    validate(document(name))


@pytest.mark.parametrize("name", NAMES)
async def test_every_operation_answers_as_declared(name: str) -> None:
    """The walk itself asserts little: what is checked at the end is that every answer fits the document."""
    async with emulated(name) as served:

        async def expect(
            authorization: str | None, status: int, method: str, path: str, body: Any = None, **options: Any
        ) -> Any:
            headers = {} if authorization is None else {"Authorization": authorization}
            url = served.origin + path
            async with served.client.request(method, url, json=body, headers=headers, **options) as answer:
                assert answer.status == status, (method, path, await answer.text())
                return await answer.json(content_type=None) if answer.content_type == "application/json" else None

        await vendor(name).walk(served, expect)

    assert {each[:2] for each in contract(name).operations()} <= {each[:2] for each in contract(name).seen}


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
