"""Devices of an MDM connection: list, upsert one, read one, delete one."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from proofport.adapter import Answer, Flow, Operation
from proofport.wire import Call
from proofport_drata.answers import CREATE_DEVICE, DELETE_DEVICE, LIST_DEVICES
from proofport_drata.bodies import DeviceBody
from proofport_drata.devices import listing, written
from proofport_drata.operations.parameters import Listing, Number, OnConnection, Parameters, ask, listed

Expansion = Literal["asset", "complianceChecks", "documents", "identifiers"]


class ListDevices(OnConnection, Listing):
    external_id: str | None = Field(None, max_length=191)
    mac_address: str | None = None
    serial_number: str | None = None
    personnel_id: Number | None = None
    expand: list[Expansion] = Field(default_factory=list)


class UpsertDevice(OnConnection):
    """`device`: the body under the vendor's names, as JSON or @FILE."""

    device: DeviceBody


class GetDevice(Parameters):
    device_id: Number
    expand: list[Expansion | Literal["deviceApps"]] = Field(default_factory=list)


class DeleteDevice(OnConnection):
    device_id: Number


def list_devices(parameters: ListDevices) -> Flow[Answer]:
    path = listing(parameters.connection_id)
    return (yield from listed("list_connection_devices", path, parameters, LIST_DEVICES, "connection_id"))


def upsert_device(parameters: UpsertDevice) -> Flow[Answer]:
    body = parameters.device.model_dump_json(by_alias=True, exclude_unset=True).encode()
    call = Call("upsert_device", "POST", written(parameters.connection_id), body=body)
    return Answer((yield from ask(call, "store the device (a 404 may be about its owner)", CREATE_DEVICE)))


def get_device(parameters: GetDevice) -> Flow[Answer]:
    path = f"/public/v2/devices/{parameters.device_id}"
    call = Call("get_device", "GET", path, parameters.query("device_id"))
    return Answer((yield from ask(call, f"read the device {parameters.device_id}", LIST_DEVICES)))


def delete_device(parameters: DeleteDevice) -> Flow[Answer]:
    path = f"{written(parameters.connection_id)}/{parameters.device_id}"
    call = Call("delete_connection_device", "DELETE", path, destructive=True)
    return Answer((yield from ask(call, f"delete the device {parameters.device_id}", DELETE_DEVICE)))


OPERATIONS = (
    Operation("list_connection_devices", "Devices of a connection, by key or owner", ListDevices, list_devices),
    Operation("upsert_device", "Create or update one device", UpsertDevice, upsert_device),
    Operation("get_device", "One device, of any connection", GetDevice, get_device),
    Operation("delete_connection_device", "Delete one device", DeleteDevice, delete_device, destructive=True),
)
