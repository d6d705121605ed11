"""State as JSON: what `/_emulator/state` shows and `/_emulator/seed` takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from proofport_drata.emulator.model import PERMISSIVE_SCHEMA, Record, Resource, Status, Tenant, now


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class SessionState(_Part):
    """`staged`: the records of a session in progress, which `state` does not show."""

    session_id: str = Field(alias="sessionId")
    status: Status
    staged: list[dict[str, Any]] = []


class ResourceState(_Part):
    id: int | None = None
    kind: str | None = None
    name: str | None = None
    json_schema: dict[str, Any] = Field(PERMISSIVE_SCHEMA, alias="schema")
    records: list[dict[str, Any]] = []
    sessions: list[SessionState] = []


class ConnectionState(_Part):
    id: int | None = None
    type: str = "CUSTOM"
    name: str | None = None
    resources: list[ResourceState] = []
    devices: list[dict[str, Any]] = []
    identities: list[dict[str, Any]] = []


class TenantState(_Part):
    connections: list[ConnectionState] = []


def tenant_from(state: Mapping[str, Any]) -> Tenant:
    """A tenant that holds `state`. Raises ValueError."""
    tenant = Tenant()
    for part in TenantState.model_validate(state).connections:
        connection = tenant.connect(part.type, part.name, number=part.id)
        for each in part.resources:
            resource = tenant.add_resource(connection, each.json_schema, each.kind, each.id)
            _fill(tenant, resource, each)
    return tenant


def _fill(tenant: Tenant, resource: Resource, state: ResourceState) -> None:
    for each in state.sessions:
        session = tenant.open_session(resource, each.session_id, each.status)
        session.staged = _records(each.staged, each.session_id)
    active = resource.in_status("ACTIVE")
    resource.live = _records(state.records, active.session_id if active else None)


def _records(bodies: list[dict[str, Any]], session_id: str | None) -> dict[str, Record]:
    when = now()
    return {_id_of(body): Record(body, session_id, when, when) for body in bodies}


def _id_of(body: dict[str, Any]) -> str:
    match body.get("id"):
        case str(record_id):
            return record_id
        case other:
            raise ValueError(f"a record of the state has the id {other!r}, expected a text")


def state_of(tenant: Tenant) -> dict[str, Any]:
    """`records` are the live ones, each as it was sent."""
    return {
        "connections": [
            {
                "id": connection.id,
                "type": connection.type,
                "name": connection.alias,
                "resources": [_resource_state(resource) for resource in connection.resources.values()],
                "devices": list(connection.devices.values()),
                "identities": list(connection.identities.values()),
            }
            for connection in tenant.connections.values()
        ]
    }


def _resource_state(resource: Resource) -> dict[str, Any]:
    return {
        "id": resource.id,
        "kind": resource.kind,
        "schema": resource.schema,
        "records": [record.attributes for record in resource.live.values()],
        "sessions": [{"sessionId": each.session_id, "status": each.status} for each in resource.sessions.values()],
    }
