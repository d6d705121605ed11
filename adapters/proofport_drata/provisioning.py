"""Connections: find or make the object that a kind is delivered to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from proofport.adapter import Blueprint, Flow, Provisioned
from proofport.errors import ConfigError, OutcomeUnknown, UsageError
from proofport.wire import Call
from proofport_drata.answers import CREATE_CONNECTION, LIST_CONNECTIONS, expect_ok, malformed
from proofport_drata.drift import drift
from proofport_drata.paging import every_row
from proofport_drata.settings import DrataSettings

CONNECTIONS = "/public/v2/custom-connections"


def resource_path(connection: int, resource: int) -> str:
    return f"{CONNECTIONS}/{connection}/resources/{resource}"


def alias_of(kind: str, workspace_ids: tuple[int, ...]) -> str:
    """The name by which a connection of ours is found again: the vendor has no other key (`name` = `clientAlias`)."""
    return f"proofport {'+'.join(map(str, sorted(workspace_ids)))}:{kind}"


def find_or_create(blueprint: Blueprint, settings: DrataSettings) -> Flow[Provisioned]:
    """What is configured is only looked at. Creating is not idempotent, so we look first, and after a lost answer."""
    configured = settings.objects.get(blueprint.kind)
    if configured is not None and configured.connection_id is not None:
        return (yield from _configured(blueprint, configured.connection_id, configured.resource_id))
    if not settings.workspace_ids:
        raise ConfigError(
            "Drata makes a connection in at least one workspace, and workspace_ids is empty",
            hint="Set `workspace_ids: [1]`: 1 is the usual id of a single workspace.",
        )
    alias = alias_of(blueprint.kind, settings.workspace_ids)
    request = _creation(blueprint, settings, alias)
    connection = yield from find(alias, "CUSTOM")
    created = connection is None
    if connection is None:
        connection = yield from _create(alias, "CUSTOM", request)
    resource = _only_resource(connection, (yield from resources(connection)))
    shared = f"The connection {alias!r} existed; whatever delivers to it shares its records."
    notes = () if created else (shared, *drift(blueprint.schema, resource))
    return Provisioned({"connection_id": connection, "resource_id": resource["id"]}, created, notes)


def _configured(blueprint: Blueprint, connection: int, wanted: int | None) -> Flow[Provisioned]:
    held = yield from resources(connection)
    fitting = [row for row in held if wanted in (None, row.get("id"))]
    resource = _only_resource(connection, fitting)
    notes = drift(blueprint.schema, resource)
    return Provisioned({"connection_id": connection, "resource_id": resource["id"]}, False, notes)


def find_or_create_plain(settings: DrataSettings, kind: str, provider: str) -> Flow[Provisioned]:
    """The MDM or HRIS connection of `kind`: without schema, workspaces and resource, which Drata refuses there."""
    configured = settings.objects.get(kind)
    if configured is not None and configured.connection_id is not None:
        yield from _require_provider(configured.connection_id, provider)
        return Provisioned({"connection_id": configured.connection_id}, created=False)
    alias = f"proofport {kind}"
    connection = yield from find(alias, provider)
    created = connection is None
    if connection is None:
        request = {"name": alias, "providerTypes": [provider], "description": f"{kind} evidence, written by proofport"}
        connection = yield from _create(alias, provider, json.dumps(request).encode())
    notes = () if created else (f"The connection {alias!r} existed; whatever delivers to it shares its records.",)
    return Provisioned({"connection_id": connection}, created, notes)


def _require_provider(connection: int, provider: str) -> Flow[None]:
    found = yield from read(connection)
    types = found.get("providerTypes", [provider])
    if types != [provider]:
        raise UsageError(
            f"the Drata connection {connection} is for {', '.join(map(str, types))}, expected {provider}",
            hint="Correct connection_id in `objects`, or take the kind out of it to have a connection made.",
        )


def _creation(blueprint: Blueprint, settings: DrataSettings, alias: str) -> bytes:
    """`required` is always explicit: left out, every declared property becomes required (observed: gram, b5f47cb)."""
    schema = {"type": "object", "required": [], "additionalProperties": True} | dict(blueprint.schema)
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or blueprint.display_name not in properties:
        raise UsageError(
            f"the display name {blueprint.display_name!r} is no top-level field of {blueprint.kind}",
            hint="Name one of the mapping's fields in `to: {display_name: FIELD}`.",
        )
    body = {
        "name": alias,
        "providerTypes": ["CUSTOM"],
        "workspaceIds": list(settings.workspace_ids),
        "description": f"{blueprint.kind} evidence, written by proofport",
        "schema": schema,
        "displayNameKey": blueprint.display_name,
    }
    return json.dumps(body).encode()


def find(alias: str, provider: str) -> Flow[int | None]:
    """The connection of that name. Raises UsageError when several have it, or it is for something else."""
    rows = yield from every_row("list_connections", CONNECTIONS)
    ours = [row for row in rows if row.get("clientAlias") == alias]
    if len(ours) > 1:
        raise UsageError(
            f"{len(ours)} Drata connections are named {alias!r}: {', '.join(str(row.get('id')) for row in ours)}",
            hint="Write connection_id and resource_id of the right one into `objects`, and rename the others.",
        )
    if not ours:
        return None
    if ours[0].get("providerTypes", [provider]) != [provider]:
        hint = "Rename it, then provision again."
        raise UsageError(f"the Drata connection {alias!r} is not a {provider} one", hint=hint)
    return _id_of(ours[0], "list_connections")


def _create(alias: str, provider: str, request: bytes) -> Flow[int]:
    try:
        reply = yield Call("create_connection", "POST", CONNECTIONS, body=request, lost="ask")
        if reply.status < 500:
            return _id_of(expect_ok(reply, f"create {alias!r}", CREATE_CONNECTION), "create_connection")
    except OutcomeUnknown:
        pass
    found = yield from find(alias, provider)
    if found is None:
        raise OutcomeUnknown(
            f"it is not known whether Drata made the connection {alias!r}",
            hint="Provision again in a moment: a connection of that name is used, not made twice.",
        )
    return found


def read(connection: int) -> Flow[dict[str, Any]]:
    call = Call("get_connection", "GET", f"{CONNECTIONS}/{connection}", (("expand[]", "customResources"),))
    answer = expect_ok((yield call), f"read the connection {connection}", LIST_CONNECTIONS)
    if not isinstance(answer, dict):
        raise malformed("get_connection gave no connection")
    return answer


def resources(connection: int) -> Flow[list[dict[str, Any]]]:
    """The resources that a connection holds now."""
    rows = (yield from read(connection)).get("customResources")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise malformed("get_connection gave no customResources")
    return [row for row in rows if not row.get("deletedAt")]


def _only_resource(connection: int, held: list[dict[str, Any]]) -> dict[str, Any]:
    """Connections edited in the product can hold several (observed: drata-rv/microsoft-multi-connection)."""
    if len(held) != 1:
        names = ", ".join(f"{row.get('id')} ({row.get('name')})" for row in held) or "none"
        raise UsageError(
            f"the Drata connection {connection} holds {len(held)} resources that fit, expected one: {names}",
            hint="Write the resource_id that is meant into `objects`, or take the kind out of it to have one made.",
        )
    _id_of(held[0], "get_connection")
    return held[0]


def _id_of(row: Any, operation: str) -> int:
    found = row.get("id") if isinstance(row, dict) else None
    if not isinstance(found, int) or isinstance(found, bool):
        raise malformed(f"{operation} gave no id")
    return found
