"""Custom connections: create, list, read, change two fields, delete with everything in them."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from proofport.testing import VendorError, json_body, json_response
from proofport_drata.emulator.answers import NUMBER, expansions, timestamp
from proofport_drata.emulator.context import Part
from proofport_drata.emulator.model import Connection, Resource, now
from proofport_drata.emulator.schemas import schema_from_sample, schema_problem, stored_schema

PATH = "/public/v2/custom-connections"
PROVIDER_TYPES = ("CUSTOM", "MDM", "HRIS")
CUSTOM_ONLY = ("schema", "sampleData", "displayNameKey", "workspaceIds")
EXPANSIONS = ("createdByUser", "customResources")


class Connections(Part):
    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(PATH, self.list_connections),
            web.post(PATH, self.create),
            web.get(PATH + "/{connectionId}", self.get),
            web.put(PATH + "/{connectionId}", self.update),
            web.delete(PATH + "/{connectionId}", self.delete),
        ]

    async def list_connections(self, request: web.Request) -> web.Response:
        expand = expansions(request, EXPANSIONS)
        connections = self._context.tenant.connections.values()
        return self._context.page(request, connections, lambda each: _rendered(each, expand))

    async def get(self, request: web.Request) -> web.Response:
        expand = expansions(request, EXPANSIONS)
        return json_response(_rendered(self._context.connection(request), expand))

    async def create(self, request: web.Request) -> web.Response:
        body = _object(await json_body(request))
        provider = self._provider(body)
        description = _text(body, "description", nullable=True)
        alias = _text(body, "name")
        if alias is None:
            raise VendorError(400, "name should not be empty")
        if provider == "CUSTOM":
            schema = self._schema(body)
            connection = self._context.tenant.connect(provider, alias, description)
            self._context.tenant.add_resource(connection, schema)
        else:
            for name in CUSTOM_ONLY:
                if name in body:
                    raise VendorError(400, f"{name} is only allowed for CUSTOM connections")
            connection = self._context.tenant.connect(provider, alias, description)
        return json_response(_rendered(connection), 201)

    async def update(self, request: web.Request) -> web.Response:
        connection = self._context.connection(request)
        body = _object(await json_body(request))
        alias, description = _text(body, "clientAlias", nullable=True), _text(body, "description")
        if "clientAlias" in body:
            connection.alias = alias
        if "description" in body:
            connection.description = description
        connection.updated_at = now()
        return json_response(_rendered(connection))

    async def delete(self, request: web.Request) -> web.Response:
        # 400 is not declared here, so an id that is no number is an unknown connection.
        connections, text = self._context.tenant.connections, request.match_info["connectionId"]
        former = connections.pop(int(text), None) if NUMBER.fullmatch(text) else None
        if former is None and self._switches["delete_unknown_connection"] != 204:
            raise VendorError(404, f"Connection with id {text} not found")
        return web.Response(status=204)

    def _provider(self, body: dict[str, Any]) -> str:
        types = body.get("providerTypes")
        if not isinstance(types, list) or not types or any(each not in PROVIDER_TYPES for each in types):
            raise VendorError(400, f"each value in providerTypes must be one of: {', '.join(PROVIDER_TYPES)}")
        if len(types) > 1 and not self._switches["mixed_provider_types"]:
            raise VendorError(400, "providerTypes must contain exactly one type")
        return str(types[0])

    def _schema(self, body: dict[str, Any]) -> dict[str, Any]:
        workspaces = body.get("workspaceIds")
        if (
            not isinstance(workspaces, list)
            or not workspaces
            or any(type(each) not in (int, float) for each in workspaces)
        ):
            raise VendorError(400, "workspaceIds must contain at least 1 number for a CUSTOM connection")
        if ("schema" in body) == ("sampleData" in body):
            raise VendorError(400, "exactly one of schema and sampleData must be given for a CUSTOM connection")
        if "schema" in body:
            schema = body["schema"]
            if problem := schema_problem(schema):
                raise VendorError(400, problem)
            schema = stored_schema(schema, keep_empty_required=self._switches["empty_required_kept"])
        else:
            schema = schema_from_sample(_object(body["sampleData"], "sampleData"))
            if self._switches["sample_data_required"]:
                schema = stored_schema(schema, keep_empty_required=False)
        if not isinstance(key := body.get("displayNameKey"), str) or key not in schema.get("properties", {}):
            raise VendorError(400, "displayNameKey must be a top-level property of the schema")
        return schema


def _object(value: Any, name: str = "the request body") -> dict[str, Any]:
    if not isinstance(value, dict):
        raise VendorError(400, f"{name} must be an object")
    return value


def _text(body: dict[str, Any], name: str, *, nullable: bool = False) -> str | None:
    value = body.get(name)
    if name in body and not isinstance(value, str) and not (value is None and nullable):
        raise VendorError(400, f"{name} must be a string")
    return value


def _rendered(connection: Connection, expand: list[str] | tuple[()] = ()) -> dict[str, Any]:
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


def _resource(resource: Resource) -> dict[str, Any]:
    return {
        "id": resource.id,
        "name": resource.name,
        "description": None,
        "schema": resource.schema,
        "createdAt": timestamp(resource.created_at),
        "updatedAt": timestamp(resource.created_at),
        "deletedAt": None,
    }
