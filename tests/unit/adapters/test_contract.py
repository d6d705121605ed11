"""Both first-party adapters keep to the contract that every adapter is held to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from proofport.adapter import Adapter
from proofport.testing.adapter_contract import AdapterContract, json_reply
from proofport.wire import Call, Reply
from proofport_drata import DrataAdapter, DrataSettings
from proofport_secureframe import SecureframeAdapter, SecureframeSettings


class TestDrata(AdapterContract):
    secrets = ("drata-key",)
    supported = {  # noqa: RUF012
        "cloud_resource": ("upsert", "snapshot", "patch", "remove"),
        "training_record": ("upsert", "snapshot", "patch", "remove"),
        "personnel_account": ("upsert", "snapshot", "patch", "remove"),
        "custom:software_package": ("upsert", "snapshot", "patch", "remove"),
    }

    def adapter(self) -> Adapter:
        objects = {kind: {"connection_id": 1, "resource_id": number} for number, kind in enumerate(self.supported, 1)}
        return DrataAdapter(
            DrataSettings.model_validate(
                {"region": "eu", "api_key": "drata-key", "allow_assumed": ["put_merge"], "objects": objects}
            )
        )

    def accept(self, call: Call) -> Reply:
        match call.operation:
            case "stage_records" | "upsert_records":
                return json_reply([{"id": item["id"], "statusCode": 201, "data": item} for item in _items(call)])
            case "delete_record":
                return Reply(204)
            case "update_record":
                return json_reply({"id": call.path.rpartition("/")[2], "attributes": {}})
            case "complete_session" | "cancel_session":
                status = "ACTIVE" if call.operation == "complete_session" else "CANCELED"
                return json_reply({"sessionId": call.path.split("/")[-2], "status": status})
            case "get_connection" if call.path.endswith("/9"):
                return json_reply({"id": 9, "customResources": [{"id": 1}]})
            case "get_connection":
                return json_reply({"id": 1, "customResources": [{"id": number} for number in range(1, 5)]})
            case "create_connection":
                return created(call)
            case operation if operation.startswith("list_"):
                return json_reply({"data": [], "pagination": {"cursor": None}})
            case _:
                return json_reply({})

    def reject_first(self, call: Call) -> Reply | None:
        if call.operation in ("stage_records", "upsert_records"):
            first, *others = _items(call)
            error = {"message": "Schema validation failed for data: []", "code": 28022}
            results: list[dict[str, Any]] = [{"statusCode": 201, "data": first, "error": error}]
            return json_reply(results + [{"id": item["id"], "statusCode": 201} for item in others])
        return json_reply({"message": "no such record", "code": 1}, 404) if call.operation == "update_record" else None

    def say_nothing(self, call: Call) -> Reply | None:
        return json_reply([]) if call.operation in ("stage_records", "upsert_records") else None

    def hold_nothing(self, call: Call) -> Reply | None:
        return json_reply({"message": "not found"}, 404) if call.operation == "delete_record" else None

    def unconfigured(self) -> Adapter:
        return bare_drata()

    def unbelievable_lists(self, call: Call) -> Sequence[Reply]:
        return unbelievable(call)


class TestDrataDevicesAndPeople(AdapterContract):
    secrets = ("drata-key",)
    supported = {  # noqa: RUF012
        "device": ("upsert", "snapshot", "remove"),
        "person": ("upsert", "snapshot", "patch", "remove"),
    }

    def adapter(self) -> Adapter:
        objects = {kind: {"connection_id": number} for number, kind in enumerate(self.supported, 5)}
        settings = {"region": "eu", "api_key": "drata-key", "objects": objects}
        return DrataAdapter(DrataSettings.model_validate(settings))

    def record(self, kind: str, record_id: str) -> dict[str, Any]:
        if kind == "person":
            return {"identityId": record_id, "separatedAt": "2026-01-31T00:00:00Z"}
        return {"externalId": record_id, "personnelId": 1, "platformName": "MACOS", "platformVersion": "15"}

    def matching(self, kind: str, record_id: str) -> dict[str, Any]:
        if kind == "person":
            return {**self.record(kind, record_id), "email": "ana@example.com"}
        return {**self.record(kind, record_id), "serialNumber": "C02XYZ", "macAddress": "aa:bb:cc:dd:ee:01"}

    def hold_nothing(self, call: Call) -> Reply | None:
        if call.operation == "get_hris_identity":
            return json_reply({"message": "not found"}, 404)
        return page([]) if call.operation == "list_connection_devices" else None

    def accept(self, call: Call) -> Reply:
        match call.operation:
            case "upsert_device":
                return json_reply({"id": 1, "externalId": json.loads(call.body or b"")["externalId"]}, 201)
            case "list_connection_devices":
                wanted = dict(call.query).get("externalId")
                return page([{"id": 1, "externalId": wanted}] if wanted else [])
            case "upsert_hris_identities":
                return json_reply([{"statusCode": 201, "data": item} for item in json.loads(call.body or b"")], 201)
            case "get_hris_identity":
                return json_reply({"identityId": call.path.rpartition("identity-id:")[2], "separatedAt": None})
            case "delete_connection_device":
                return Reply(204)
            case "create_connection":
                return created(call)
            case _:
                return page([])

    def reject_first(self, call: Call) -> Reply | None:
        if call.operation == "upsert_device":
            return json_reply({"name": "X", "statusCode": 404, "message": "no such person", "code": 1}, 404)
        if call.operation != "upsert_hris_identities":
            return None
        first, *others = json.loads(call.body or b"")
        refusal = {"statusCode": 400, "data": None, "error": {"message": f"{first['identityId']} is wrong"}}
        return json_reply([refusal, *({"statusCode": 201, "data": item} for item in others)], 207)

    def say_nothing(self, call: Call) -> Reply | None:
        return json_reply([]) if call.operation in ("upsert_device", "upsert_hris_identities") else None

    def unconfigured(self) -> Adapter:
        return bare_drata()

    def unbelievable_lists(self, call: Call) -> Sequence[Reply]:
        return unbelievable(call)


class TestDrataIdentityProvider(AdapterContract):
    secrets = ("drata-key",)
    supported = {"person": ("snapshot",)}  # noqa: RUF012

    def adapter(self) -> Adapter:
        objects = {"person": {"idp_connection_id": 7}}
        settings = {"region": "eu", "api_key": "drata-key", "objects": objects}
        return DrataAdapter(DrataSettings.model_validate(settings))

    def accept(self, call: Call) -> Reply:
        match call.operation:
            case "v1_list_connections":
                return json_reply({"data": [{"id": 7, "clientType": "CSV_IDP"}], "total": 1})
            case "v1_update_idp_from_json":
                return json_reply({})
            case _:
                return page([])

    def unbelievable_lists(self, call: Call) -> Sequence[Reply]:
        row = {"id": 1, "clientType": "CSV_IDP"}
        endless, short = json_reply({"data": [row], "total": 200}), json_reply({"data": [], "total": 200})
        return (endless, short) if call.operation == "v1_list_connections" else unbelievable(call)


def bare_drata() -> Adapter:
    return DrataAdapter(DrataSettings.model_validate({"region": "eu", "api_key": "drata-key", "workspace_ids": [1]}))


def created(call: Call) -> Reply:
    return json_reply({"id": 9, "clientAlias": json.loads(call.body or b"")["name"]}, 201)


def unbelievable(call: Call) -> Sequence[Reply]:
    """A row that fits every list of version 2."""
    row = {"id": "a", "sessionId": "pp-x", "status": "CANCELED", "externalId": "a", "identityId": "a"}
    endless = json_reply({"data": [row], "pagination": {"cursor": "again"}})
    short = json_reply({"data": [row], "pagination": {"cursor": None, "totalCount": 200}})
    whole = dict(call.query).get("size") == "500"
    return (endless, short) if call.operation.startswith("list_") and whole else ()


def page(rows: list[dict[str, Any]]) -> Reply:
    return json_reply({"data": rows, "pagination": {"cursor": None}})


class TestSecureframe(AdapterContract):
    secrets = ("sf-key", "sf-secret")
    supported = {  # noqa: RUF012
        "cloud_resource": ("upsert", "snapshot", "patch"),
        "training_record": ("upsert", "snapshot", "patch"),
        "personnel_account": ("upsert", "snapshot", "patch", "remove"),
        "device": ("upsert", "snapshot", "patch", "remove"),
        "person": ("upsert", "snapshot", "patch", "remove"),
        "custom:software_package": ("upsert", "snapshot", "patch"),
    }

    def adapter(self) -> Adapter:
        objects = {kind: {"schema_slug": kind.replace(":", "_"), "defined": True} for kind in self.supported}
        return SecureframeAdapter(
            SecureframeSettings.model_validate(
                {
                    "region": "uk",
                    "api_key": "sf-key",
                    "api_secret": "sf-secret",
                    "connection_id": "5f0c0c0e-0000-4000-8000-000000000001",
                    "vendor_slug": "acme",
                    "vendor_name": "Acme",
                    "objects": objects,
                }
            )
        )

    def accept(self, call: Call) -> Reply:
        return Reply(202) if call.operation == "publish" else json_reply({"data": []})

    def say_nothing(self, call: Call) -> Reply | None:
        return json_reply({}) if call.operation == "publish" else None

    def unbelievable_lists(self, call: Call) -> Sequence[Reply]:
        row = {"attributes": {"third_party_id": "a", "serial_number": "S"}}
        return (json_reply({"data": [row]}),) if dict(call.query).get("page") else ()


def _items(call: Call) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads(call.body or b"")["data"]
    return items
