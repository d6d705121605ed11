"""The state as JSON, which `/_emulator/state` shows and `/_emulator/seed` takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from proofport_drata.emulator.document import SCHEMAS
from proofport_drata.emulator.model import PERMISSIVE_SCHEMA, Company, Connection, CustomResource, Record, SessionStatus
from proofport_drata.emulator.schemas import violations


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class SessionState(_Part):
    session_id: str = Field(alias="sessionId")
    status: SessionStatus
    #: The records of a session in progress. `state` does not show them.
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
    #: The rows of an HRIS connection, or the people of an identity provider.
    identities: list[dict[str, Any]] = []


class CompanyState(_Part):
    connections: list[ConnectionState] = []
    #: The addresses of the people that devices may belong to.
    personnel: list[str] = []


def company_from(state: Mapping[str, Any]) -> Company:
    """A company that holds `state`. Raises ValueError."""
    company, checked = Company(), CompanyState.model_validate(state)
    for email in checked.personnel:
        company.owner(f"email:{email}")
    for part in checked.connections:
        connection = company.connect(part.type, part.name, number=part.id)
        for body in part.devices:
            _add_device(company, connection, body)
        for body in part.identities:
            _add_identity(company, connection, body)
        for each in part.resources:
            resource = company.add_resource(connection, each.json_schema, each.kind, each.id)
            _fill(company, resource, each)
    return company


def _add_device(company: Company, connection: Connection, body: dict[str, Any]) -> None:
    _refuse_wrong("DeviceUpsert", body)
    company.add_device(connection, body, company.owner(body["personnelId"]) or 0)


def _add_identity(company: Company, connection: Connection, body: dict[str, Any]) -> None:
    if connection.type == "IDENTITY":
        _refuse_wrong("V1Person", body)
        connection.people[body["id"]] = body
    else:
        _refuse_wrong("HrisIdentityInput", body)
        company.add_identity(connection, body)


def _refuse_wrong(schema: str, body: dict[str, Any]) -> None:
    for each in violations(SCHEMAS[schema], body):
        raise ValueError(f"a {schema} of the state is wrong: {each}")


def _fill(company: Company, resource: CustomResource, state: ResourceState) -> None:
    for each in state.sessions:
        session = company.open_session(resource, each.session_id, each.status)
        session.staged = _records(each.staged, each.session_id)
    active = resource.in_status("ACTIVE")
    resource.live = _records(state.records, active.session_id if active else None)


def _records(bodies: list[dict[str, Any]], session_id: str | None) -> dict[str, Record]:
    if wrong := [body.get("id") for body in bodies if not isinstance(body.get("id"), str)]:
        raise ValueError(f"a record of the state has the id {wrong[0]!r}, expected a text")
    return {body["id"]: Record(body, session_id) for body in bodies}


def state_of(company: Company) -> dict[str, Any]:
    """The state of a company. `records` are the live ones, each as it was sent."""
    connections = [_connection_state(connection) for connection in company.connections.values()]
    return {"connections": connections, "personnel": list(company.personnel)}


def _connection_state(connection: Connection) -> dict[str, Any]:
    identities = [each.body for each in connection.identities.values() if not each.deleted]
    return {
        "id": connection.id,
        "type": connection.type,
        "name": connection.alias,
        "resources": [_resource_state(resource) for resource in connection.resources.values()],
        "devices": [device.body for device in connection.devices.values()],
        "identities": [*identities, *connection.people.values()],
    }


def _resource_state(resource: CustomResource) -> dict[str, Any]:
    return {
        "id": resource.id,
        "kind": resource.kind,
        "schema": resource.schema,
        "records": [record.attributes for record in resource.live.values()],
        "sessions": [{"sessionId": each.session_id, "status": each.status} for each in resource.sessions.values()],
    }
