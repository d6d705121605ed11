"""Devices of an MDM connection: upserted one by one, matched on any of three keys, shown without some fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from proofport.testing import VendorError, json_response
from proofport_drata.emulator.answers import timestamp
from proofport_drata.emulator.document import SCHEMAS, body_of, whole
from proofport_drata.emulator.emulated import EmulatedOperations, expansions
from proofport_drata.emulator.model import Connection, Device, now

KEYS = ("externalId", "serialNumber", "macAddress")
"""An existing device is matched on any of them."""
SHOWN = [name for name in SCHEMAS["DeviceUpsert"]["properties"] if name in SCHEMAS["Device"]["properties"]]
"""The fields that come back under the name under which they were sent."""


class EmulatedDevices(EmulatedOperations):
    async def list_connection_devices(self, request: web.Request) -> web.Response:
        expand = expansions(request)
        return self._drata.page(request, self.found(request), lambda each: rendered(each, expand))

    def found(self, request: web.Request) -> list[Device]:
        """The devices of the connection that the query asks for."""
        devices = self._drata.connection_of("MDM", request).devices.values()
        filters = {name: request.query[name] for name in (*KEYS, "personnelId") if name in request.query}
        return [device for device in devices if all(_has(device, *each) for each in filters.items())]

    async def get_device(self, request: web.Request) -> web.Response:
        device_id = whole(request.match_info["deviceId"])
        for connection in self._drata.company.connections.values():
            if device_id in connection.devices:
                return json_response(rendered(connection.devices[device_id], expansions(request)))
        raise VendorError(404, f"Device with id {device_id} not found")

    async def upsert_device(self, request: web.Request) -> web.Response:
        device, status = await self.upserted(request, "DeviceUpsert")
        return json_response(rendered(device), status)

    async def upserted(self, request: web.Request, schema: str) -> tuple[Device, int]:
        """Store the device of a body, and give it with the status of the answer. Raises VendorError."""
        connection, body = self._drata.connection_of("MDM", request), await body_of(request, schema)
        owner, known = self._owner(body["personnelId"]), self._match(connection, body)
        if known is None:
            return self._drata.company.add_device(connection, body, owner), 201
        known.body = {**known.body, **body} if self._switches["device_update"] == "merge" else body
        known.personnel_id, known.updated_at = owner, now()
        return known, self._switches["device_update_status"]

    async def delete_connection_device(self, request: web.Request) -> web.Response:
        connection, device_id = self._drata.connection_of("MDM", request), whole(request.match_info["deviceId"])
        if connection.devices.pop(device_id, None) is None:
            raise VendorError(404, f"Device with id {device_id} not found")
        return web.Response(status=204)

    def _owner(self, personnel_id: float | str) -> int:
        """The number of a person. Raises VendorError (404) for a number that nobody can have."""
        owner = self._drata.company.owner(personnel_id, may_add=not self._switches["unknown_owner"])
        if owner is None:
            raise VendorError(404, f"Personnel with {personnel_id} not found")
        return owner

    def _match(self, connection: Connection, body: dict[str, Any]) -> Device | None:
        keys = {name: body[name] for name in KEYS if body.get(name) is not None}
        if not keys and not self._switches["device_without_key"]:
            raise VendorError(400, "one of serialNumber, macAddress, externalId is needed")
        devices = connection.devices.values()
        found = [each for each in devices if any(each.body.get(name) == value for name, value in keys.items())]
        if len(found) > 1 and self._switches["keys_of_two_devices"] == "refused":
            raise VendorError(400, "serialNumber, macAddress and externalId belong to different devices")
        return found[0] if found else None


def _has(device: Device, name: str, value: str) -> bool:
    if name == "personnelId":
        return device.personnel_id == whole(value)
    return device.body.get(name) in (value.split(",") if name == "macAddress" else [value])


def rendered(device: Device, expand: Sequence[str] = ()) -> dict[str, Any]:
    """The fields that Drata shows: alias, screenLockEnabled and platformName are not among them."""
    body = device.body
    rendered: dict[str, Any] = {
        "id": device.id,
        "assetId": None,
        "userId": None,
        "osVersion": body["platformVersion"],
        "sourceType": "CUSTOM",
        "appsCount": len(body.get("appList", ())),
        "lastCheckedAt": timestamp(device.updated_at),
        "createdAt": timestamp(device.created_at),
        "updatedAt": timestamp(device.updated_at),
        "deletedAt": None,
        **{name: body.get(name) for name in SHOWN},
        "personnelId": device.personnel_id,
    }
    if "complianceChecks" in expand:
        rendered |= {"isDeviceCompliant": True, "complianceChecks": []}
    rendered |= {name: [] for name in ("identifiers", "documents") if name in expand}
    if "deviceApps" in expand:
        names = [each["name"] for each in body.get("appList", ())]
        rendered["apps"] = [{"id": place + 1, "installedApp": name} for place, name in enumerate(names)]
    if "asset" in expand:
        rendered["asset"] = _asset(device)
    return rendered


def _asset(device: Device) -> dict[str, Any]:
    return {
        "id": device.id,
        "name": device.body.get("alias") or f"Device {device.id}",
        "description": "",
        "assetType": "PHYSICAL",
        "assetProvider": "CUSTOM",
        "approvedAt": timestamp(device.created_at),
        "company": "Example",
        "assetReferenceType": None,
        "uniqueId": str(device.id),
        "createdAt": timestamp(device.created_at),
        "updatedAt": timestamp(device.updated_at),
    }
