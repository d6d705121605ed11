"""The entities of the read endpoints, and their attributes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias

from proofport_secureframe.emulator.mapping import DOCUMENT, SCHEMAS, mapped
from proofport_secureframe.emulator.model import Company, Connection, Stored

Attributes: TypeAlias = dict[str, Any]
"""The attributes of one row, its id among them."""


@dataclass(frozen=True, slots=True)
class Entity:
    """One kind of row that the vendor lists."""

    path: str
    type: str
    #: Its name in the vendor's error messages.
    label: str
    rows: Callable[[Company], Iterator[Attributes]]

    @property
    def filterable(self) -> Sequence[str]:
        """The fields by which the list can be filtered and sorted."""
        fields: list[str] = DOCUMENT["paths"][f"/{self.path}"]["get"]["x-filterable-fields"]
        return fields


def _timestamp(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _mapped(company: Company, model: str) -> Iterator[tuple[Connection, Stored]]:
    """Every resource whose schema is mapped onto `model`, with the fields of that."""
    for connection in company.connections.values():
        for schema in connection.schemas.values():
            if schema.model == model:
                for stored in schema.resources.values():
                    yield connection, replace(stored, data=mapped(schema, stored.data))


def _common(stored: Stored) -> Attributes:
    created, updated = _timestamp(stored.created_at), _timestamp(stored.updated_at)
    return {"id": stored.uuid, "created_at": created, "updated_at": updated}


def _cloud_resources(company: Company) -> Iterator[Attributes]:
    for connection, stored in _mapped(company, "cloud_resource"):
        yield {
            **_common(stored),
            "cloud_resource_type": stored.data.get("cloud_resource_type"),
            "in_audit_scope": True,
            "out_of_audit_scope_reason": None,
            "region": stored.data.get("region"),
            "tags": [],
            "third_party_id": stored.data.get("id"),
            "vendor_name": connection.vendor_name,
        }


def _user_accounts(company: Company) -> Iterator[Attributes]:
    emails = {user.get("email") for user in company.users}
    for connection, stored in _mapped(company, "personnel_account"):
        data = stored.data
        active = data.get("active")
        yield {
            **_common(stored),
            "active": True if active is None else active,
            "email": data.get("email"),
            "first_name": data.get("first_name"),
            "has_user": data.get("email") in emails,
            "last_name": data.get("last_name"),
            "third_party_id": data.get("id"),
            "username": data.get("username"),
            "vendor_name": connection.vendor_name,
        }


_NOT_PUBLISHED = {"id", "created_at", "updated_at", "in_audit_scope", "out_of_audit_scope_reason"}
DEVICE_FIELDS = tuple(name for name in SCHEMAS["Device"]["properties"] if name not in _NOT_PUBLISHED)


def _devices(company: Company) -> Iterator[Attributes]:
    for _, stored in _mapped(company, "device"):
        shown = {name: stored.data.get(name) for name in DEVICE_FIELDS}
        yield {**_common(stored), **shown, "in_audit_scope": True, "out_of_audit_scope_reason": None}


def _connections(company: Company) -> Iterator[Attributes]:
    for connection in company.connections.values():
        yield {
            "id": connection.id,
            "name": connection.vendor_name,
            "status": "connected",
            "vendor_name": connection.vendor_name,
            "updated_at": _timestamp(connection.updated_at),
        }


ENTITIES = (
    Entity("integration_connections", "integration_connection", "IntegrationConnection", _connections),
    Entity("cloud_resources", "cloud_resource", "CloudResource", _cloud_resources),
    Entity("user_accounts", "user_account", "UserAccount", _user_accounts),
    Entity("users", "user", "User", lambda company: map(dict, company.users)),
    Entity("devices", "device", "Device", _devices),
)
