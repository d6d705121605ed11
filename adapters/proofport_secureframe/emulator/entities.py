"""The entities of the read endpoints: their attributes, and the fields that the document lists as filterable."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from proofport_secureframe.emulator.enums import words
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
    #: These fields are sortable as well.
    filterable: frozenset[str]
    rows: Callable[[Company], Iterator[Attributes]]


def _timestamp(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _mapped(company: Company, model: str) -> Iterator[tuple[Connection, Stored]]:
    """Every resource whose schema is mapped onto `model`."""
    for connection in company.connections.values():
        for schema in connection.schemas.values():
            if schema.model == model:
                for stored in schema.resources.values():
                    yield connection, stored


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


DEVICE_FIELDS = words(
    """
    cpu device_name hard_drive_encrypted last_checkin_at local_firewall_enabled mac_address make memory model
    native_anti_virus_enabled os password_enforcement_enabled remote_ip serial_number session_timeout_enabled
    """
)


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
    Entity(
        "integration_connections",
        "integration_connection",
        "IntegrationConnection",
        words("id name status updated_at vendor_name"),
        _connections,
    ),
    Entity(
        "cloud_resources",
        "cloud_resource",
        "CloudResource",
        words("cloud_resource_type created_at id in_audit_scope region third_party_id updated_at vendor_name"),
        _cloud_resources,
    ),
    Entity(
        "user_accounts",
        "user_account",
        "UserAccount",
        words("active created_at email first_name has_user id last_name third_party_id updated_at vendor_name"),
        _user_accounts,
    ),
    Entity(
        "users",
        "user",
        "User",
        words(
            """
            active department_id email employee_type end_date first_name id in_audit_scope invited invited_at last_name
            name onboarding_status personnel_status preferred_first_name secureframe_agent_acknowledged_at start_date
            title
            """
        ),
        lambda company: map(dict, company.users),
    ),
    Entity(
        "devices",
        "device",
        "Device",
        # device_user_name and owner_name are listed, too, although rows have no field for a person.
        DEVICE_FIELDS
        | words("created_at device_user_name id in_audit_scope out_of_audit_scope_reason owner_name updated_at"),
        _devices,
    ),
)
