"""Custom connections: create, list, read, change two fields, delete with everything in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from proofport.testing import VendorError, json_response
from proofport_drata.emulator.answers import timestamp
from proofport_drata.emulator.document import body_of, whole
from proofport_drata.emulator.emulated import EmulatedOperations, expansions
from proofport_drata.emulator.model import Connection, CustomResource, now
from proofport_drata.emulator.schemas import schema_from_sample, schema_problem, stored_schema

CUSTOM_ONLY = ("schema", "sampleData", "displayNameKey", "workspaceIds")


class EmulatedConnections(EmulatedOperations):
    async def list_custom_connections(self, request: web.Request) -> web.Response:
        expand, connections = expansions(request), self._drata.company.connections.values()
        return self._drata.page(request, connections, lambda each: _rendered(each, expand))

    async def get_custom_connection(self, request: web.Request) -> web.Response:
        return json_response(_rendered(self._drata.connection(request), expansions(request)))

    async def create_custom_connection(self, request: web.Request) -> web.Response:
        body = await body_of(request, "CustomConnectionCreate")
        types = body["providerTypes"]
        if not types or (len(types) > 1 and not self._switches["mixed_provider_types"]):
            raise VendorError(400, "providerTypes must contain exactly one type")
        given = [name for name in CUSTOM_ONLY if name in body]
        if types[0] != "CUSTOM" and given:
            raise VendorError(400, f"{given[0]} is only allowed for CUSTOM connections")
        schema = self._schema(body) if types[0] == "CUSTOM" else None
        connection = self._drata.company.connect(types[0], body["name"], body.get("description"))
        if schema is not None:
            resource = self._drata.company.add_resource(connection, schema)
            resource.required_by_default = schema.get("required") != body.get("schema", {}).get("required", [])
        return json_response(_rendered(connection), 201)

    async def update_custom_connection(self, request: web.Request) -> web.Response:
        connection, body = self._drata.connection(request), await body_of(request, "CustomConnectionUpdate")
        connection.alias = body.get("clientAlias", connection.alias)
        connection.description = body.get("description", connection.description)
        connection.updated_at = now()
        return json_response(_rendered(connection))

    async def delete_custom_connection(self, request: web.Request) -> web.Response:
        number = whole(request.match_info["connectionId"])
        former = self._drata.company.connections.pop(number, None)
        if former is None and self._switches["delete_unknown_connection"] != 204:
            raise VendorError(404, f"Connection with id {number} not found")
        return web.Response(status=204)

    def _schema(self, body: dict[str, Any]) -> dict[str, Any]:
        if "workspaceIds" not in body:
            raise VendorError(400, "workspaceIds must contain at least 1 number for a CUSTOM connection")
        takes_both = self._switches["schema_and_sample"] == "schema" and "schema" in body
        if ("schema" in body) == ("sampleData" in body) and not takes_both:
            raise VendorError(400, "exactly one of schema and sampleData must be given for a CUSTOM connection")
        if "schema" in body:
            schema = body["schema"]
            if problem := schema_problem(schema):
                raise VendorError(400, problem)
            schema = stored_schema(
                schema,
                keep_empty_required=self._switches["empty_required_kept"],
                by_default=self._switches["required_default"],
            )
        else:
            schema = schema_from_sample(body["sampleData"])
            if self._switches["sample_data_required"]:
                schema = stored_schema(schema, keep_empty_required=False)
        if body.get("displayNameKey") not in schema.get("properties", {}):
            raise VendorError(400, "displayNameKey must be a top-level property of the schema")
        return schema


def _rendered(connection: Connection, expand: Sequence[str] = ()) -> dict[str, Any]:
    """The name comes back as clientAlias; displayNameKey and workspaceIds never come back."""
    rendered: dict[str, Any] = {
        "id": connection.id,
        "clientAlias": connection.alias,
        "description": connection.description,
        "providerTypes": [connection.type],
        "createdAt": timestamp(connection.created_at),
        "updatedAt": timestamp(connection.updated_at),
        "createdById": 1,
    }
    if "customResources" in expand:
        rendered["customResources"] = [_resource(each) for each in connection.resources.values()]
    if "createdByUser" in expand:
        rendered["createdByUser"] = {
            "id": 1,
            "email": "owner@example.com",
            "firstName": "Olivia",
            "lastName": None,
            "createdAt": timestamp(connection.created_at),
            "updatedAt": timestamp(connection.created_at),
        }
    return rendered


def _resource(resource: CustomResource) -> dict[str, Any]:
    return {
        "id": resource.id,
        "name": resource.name,
        "description": None,
        "schema": resource.schema,
        "createdAt": timestamp(resource.created_at),
        "updatedAt": timestamp(resource.created_at),
        "deletedAt": None,
    }
