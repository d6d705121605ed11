"""The state as JSON: `/_emulator/state` shows it, and `/_emulator/seed` takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from proofport_secureframe.emulator.mapping import MODELS
from proofport_secureframe.emulator.model import Company, Connection, Schema


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SchemaState(_Part):
    """One schema. `dropped` and `held` count items that came before it was defined; a seed ignores them."""

    slug: str = Field(min_length=1)
    defined: bool = True
    primary_id: str | None = "id"
    model: str | None = None
    fields: dict[str, str] = {}
    resources: list[dict[str, Any]] = []
    failures: list[dict[str, Any]] = []
    dropped: int = 0
    held: int = 0


class ConnectionState(_Part):
    id: str
    vendor_slug: str
    vendor_name: str = ""
    queued: int = 0
    schemas: list[SchemaState] = []


class CompanyState(_Part):
    connections: list[ConnectionState] = []
    users: list[dict[str, Any]] = []


def company_from(state: Mapping[str, Any]) -> Company:
    """A company that holds `state`. Raises ValueError."""
    checked = CompanyState.model_validate(state)
    company = Company()
    for part in checked.connections:
        connection = company.connect(part.id.lower(), part.vendor_slug, part.vendor_name or part.vendor_slug.title())
        for each in part.schemas:
            connection.schemas[each.slug] = _schema(company, each)
    company.users = [{**user, "id": user.get("id") or company.uuid()} for user in checked.users]
    return company


def _schema(company: Company, state: SchemaState) -> Schema:
    if state.model is not None and state.model not in MODELS:
        raise ValueError(f"there is no model {state.model!r}; the models are {', '.join(MODELS)}")
    schema = Schema(state.slug, None, state.defined, state.primary_id, state.model, state.fields)
    for body in state.resources:
        match body.get(state.primary_id or "id"):
            case str(key):
                company.store(schema, key, body)
            case other:
                raise ValueError(f"a resource of {state.slug} has the primary ID {other!r}, expected a text")
    return schema


def state_of(company: Company) -> dict[str, Any]:
    return {
        "connections": [_connection_state(connection) for connection in company.connections.values()],
        "users": company.users,
    }


def _connection_state(connection: Connection) -> dict[str, Any]:
    return {
        "id": connection.id,
        "vendor_slug": connection.vendor_slug,
        "vendor_name": connection.vendor_name,
        "queued": len(connection.queue),
        "schemas": [
            {
                "slug": schema.slug,
                "defined": schema.defined,
                "primary_id": schema.primary_id,
                "model": schema.model,
                "fields": schema.field_map,
                "resources": [stored.data for stored in schema.resources.values()],
                "failures": schema.failures,
                "dropped": schema.dropped,
                "held": sum(len(each.items) for each in schema.held),
            }
            for schema in connection.schemas.values()
        ],
    }
