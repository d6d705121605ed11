"""Custom connections: list, read, create, rename, delete."""

from __future__ import annotations

import json
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from proofport.adapter import Answer, Flow, Operation
from proofport.errors import OutcomeUnknown, UsageError
from proofport.wire import Call
from proofport_drata.answers import (
    CREATE_CONNECTION,
    DELETE_CONNECTION,
    LIST_CONNECTIONS,
    UPDATE_CONNECTION,
    malformed,
)
from proofport_drata.operations.parameters import Listing, OnConnection, Parameters, ask, listed
from proofport_drata.provisioning import CONNECTIONS, find

Expansion = Literal["createdByUser", "customResources"]


class ListConnections(Listing):
    expand: list[Expansion] = Field(default_factory=list)


class GetConnection(OnConnection):
    expand: list[Expansion] = Field(default_factory=list)


class CreateConnection(Parameters):
    """CUSTOM needs `workspace_ids`, `display_name_key` and one of `json_schema` and `sample_data`; MDM and HRIS refuse
    all four (recipe)."""

    name: str = Field(min_length=1)
    provider_types: list[Literal["CUSTOM", "MDM", "HRIS"]] = Field(min_length=1, max_length=1)
    description: str | None = None
    workspace_ids: list[int] | None = Field(None, min_length=1)
    json_schema: dict[str, Any] | None = Field(None, serialization_alias="schema")
    sample_data: dict[str, Any] | None = None
    display_name_key: str | None = None

    @model_validator(mode="after")
    def _fits_the_provider(self) -> Self:
        custom = {"workspace_ids", "json_schema", "sample_data", "display_name_key"}
        given = {name for name in custom if getattr(self, name) is not None}
        if self.provider_types != ["CUSTOM"]:
            if given:
                raise ValueError(f"expected no {', '.join(sorted(given))} for {self.provider_types[0]}")
        elif not {"workspace_ids", "display_name_key"} <= given or len(given) != 3:
            raise ValueError("expected workspace_ids, display_name_key and either json_schema or sample_data")
        return self


class UpdateConnection(OnConnection):
    """The only fields that can change (recipe)."""

    client_alias: str | None = None
    description: str = ""


def connection_path(connection: int) -> str:
    return f"{CONNECTIONS}/{connection}"


def list_connections(parameters: ListConnections) -> Flow[Answer]:
    return (yield from listed("list_custom_connections", CONNECTIONS, parameters, LIST_CONNECTIONS))


def get_connection(parameters: GetConnection) -> Flow[Answer]:
    path = connection_path(parameters.connection_id)
    call = Call("get_custom_connection", "GET", path, parameters.query("connection_id"))
    return Answer((yield from ask(call, f"read the connection {parameters.connection_id}", LIST_CONNECTIONS)))


def create_connection(parameters: CreateConnection) -> Flow[Answer]:
    """Not idempotent at the vendor: there must be no connection of that name, and a lost answer is looked into."""
    (provider,) = parameters.provider_types
    existing = yield from find(parameters.name, provider)
    if existing is not None:
        raise UsageError(
            f"the Drata connection {existing} is named {parameters.name!r} already",
            hint="Creating again would make a second one: give another name, or use that connection.",
        )
    body = {name: value for name, value in parameters.given().items() if value is not None or name == "description"}
    schema = body.get("schema")
    if schema is not None and "required" not in schema:
        # Left out, every declared property becomes required (observed: gram, b5f47cb).
        body["schema"] = {**schema, "required": []}
    call = Call("create_custom_connection", "POST", CONNECTIONS, body=json.dumps(body).encode(), lost="ask")
    try:
        return Answer((yield from ask(call, f"create {parameters.name!r}", CREATE_CONNECTION)))
    except OutcomeUnknown:
        return Answer((yield from _created_all_the_same(parameters.name, provider)))


def _created_all_the_same(name: str, provider: str) -> Flow[Any]:
    made = yield from find(name, provider)
    if made is None:
        raise OutcomeUnknown(f"it is not known whether Drata made the connection {name!r}", hint="List, then repeat.")
    call = Call("get_custom_connection", "GET", connection_path(made))
    return (yield from ask(call, f"read the connection {made}", LIST_CONNECTIONS))


def update_connection(parameters: UpdateConnection) -> Flow[Answer]:
    body = parameters.given("connection_id")
    if not body:
        raise UsageError("nothing to change was given", hint="Give client_alias, description, or both.")
    path = connection_path(parameters.connection_id)
    call = Call("update_custom_connection", "PUT", path, body=json.dumps(body).encode())
    return Answer((yield from ask(call, f"change the connection {parameters.connection_id}", UPDATE_CONNECTION)))


def delete_connection(parameters: OnConnection) -> Flow[Answer]:
    number = parameters.connection_id
    call = Call("delete_custom_connection", "DELETE", connection_path(number), destructive=True)
    answer = yield from ask(call, f"delete the connection {number}", DELETE_CONNECTION)
    if answer is not None:
        raise malformed("delete_custom_connection gave an answer with a body")
    return Answer(None)


OPERATIONS = (
    Operation("list_custom_connections", "Custom connections, a page or all", ListConnections, list_connections),
    Operation("get_custom_connection", "One custom connection, with its resources", GetConnection, get_connection),
    Operation("create_custom_connection", "Make a connection", CreateConnection, create_connection),
    Operation("update_custom_connection", "Rename or describe a connection", UpdateConnection, update_connection),
    Operation(
        "delete_custom_connection",
        "Delete a connection and every record in it",
        OnConnection,
        delete_connection,
        destructive=True,
    ),
)
