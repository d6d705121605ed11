"""What the read endpoints show of each entity, and the fields the published document says they can be filtered by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from proofport_secureframe.emulator.enums import words
from proofport_secureframe.emulator.model import Company, Connection, Stored


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a list: a stored resource of a connection, the connection itself, or a person."""

    id: str
    connection: Connection | None = None
    stored: Stored | None = None
    user: dict[str, Any] | None = None


Attributes: TypeAlias = Callable[[Company, Row], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Entity:
    """`label` is how the vendor's error messages name it; `filterable` fields are sortable as well."""

    path: str
    type: str
    label: str
    filterable: frozenset[str]
    rows: Callable[[Company], Iterator[Row]]
    attributes: Attributes


def _timestamp(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _mapped(model: str) -> Callable[[Company], Iterator[Row]]:
    """Every resource whose schema is mapped onto `model`."""

    def rows(company: Company) -> Iterator[Row]:
        for connection in company.connections.values():
            for schema in connection.schemas.values():
                if schema.model == model:
                    for stored in schema.resources.values():
                        yield Row(stored.uuid, connection, stored)

    return rows


def _common(row: Row) -> dict[str, Any]:
    assert row.stored is not None
    return {
        "id": row.id,
        "created_at": _timestamp(row.stored.created_at),
        "updated_at": _timestamp(row.stored.updated_at),
    }


def _data(row: Row) -> dict[str, Any]:
    assert row.stored is not None
    return row.stored.data


def _vendor_name(row: Row) -> str | None:
    return row.connection.vendor_name if row.connection else None


def _cloud_resource(_: Company, row: Row) -> dict[str, Any]:
    data = _data(row)
    return {
        **_common(row),
        "cloud_resource_type": data.get("cloud_resource_type"),
        "in_audit_scope": True,
        "out_of_audit_scope_reason": None,
        "region": data.get("region"),
        "tags": [],
        "third_party_id": data.get("id"),
        "vendor_name": _vendor_name(row),
    }


def _user_account(company: Company, row: Row) -> dict[str, Any]:
    data = _data(row)
    active = data.get("active")
    return {
        **_common(row),
        "active": True if active is None else active,
        "email": data.get("email"),
        "first_name": data.get("first_name"),
        "has_user": any(user.get("email") == data.get("email") for user in company.users),
        "last_name": data.get("last_name"),
        "third_party_id": data.get("id"),
        "username": data.get("username"),
        "vendor_name": _vendor_name(row),
    }


DEVICE_FIELDS = words(
    """
    cpu device_name hard_drive_encrypted last_checkin_at local_firewall_enabled mac_address make memory model
    native_anti_virus_enabled os password_enforcement_enabled remote_ip serial_number session_timeout_enabled
    """
)


def _device(_: Company, row: Row) -> dict[str, Any]:
    data = _data(row)
    shown = {name: data.get(name) for name in DEVICE_FIELDS}
    return {**_common(row), **shown, "in_audit_scope": True, "out_of_audit_scope_reason": None}


def _connections(company: Company) -> Iterator[Row]:
    for connection in company.connections.values():
        yield Row(connection.id, connection)


def _connection(_: Company, row: Row) -> dict[str, Any]:
    assert row.connection is not None
    return {
        "id": row.id,
        "name": row.connection.vendor_name,
        "status": "connected",
        "vendor_name": row.connection.vendor_name,
        "updated_at": _timestamp(row.connection.updated_at),
    }


def _users(company: Company) -> Iterator[Row]:
    for user in company.users:
        yield Row(user["id"], user=user)


def _user(_: Company, row: Row) -> dict[str, Any]:
    return dict(row.user or {})


ENTITIES = (
    Entity(
        "integration_connections",
        "integration_connection",
        "IntegrationConnection",
        words("id name status updated_at vendor_name"),
        _connections,
        _connection,
    ),
    Entity(
        "cloud_resources",
        "cloud_resource",
        "CloudResource",
        words("cloud_resource_type created_at id in_audit_scope region third_party_id updated_at vendor_name"),
        _mapped("cloud_resource"),
        _cloud_resource,
    ),
    Entity(
        "user_accounts",
        "user_account",
        "UserAccount",
        words("active created_at email first_name has_user id last_name third_party_id updated_at vendor_name"),
        _mapped("personnel_account"),
        _user_account,
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
        _users,
        _user,
    ),
    Entity(
        "devices",
        "device",
        "Device",
        # device_user_name and owner_name are listed too, but the responses have no person field to match.
        DEVICE_FIELDS
        | words("created_at device_user_name id in_audit_scope out_of_audit_scope_reason owner_name updated_at"),
        _mapped("device"),
        _device,
    ),
)
