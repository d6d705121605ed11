"""Connections: find or make the resource that a kind is delivered to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from proofport.adapter import Blueprint, Flow, Provisioned
from proofport.errors import ConfigError, OutcomeUnknown, UsageError
from proofport.wire import Call
from proofport_drata.answers import CREATE_CONNECTION, LIST_CONNECTIONS, expect_ok, malformed
from proofport_drata.paging import every_row
from proofport_drata.settings import DrataObject, DrataSettings

CONNECTIONS = "/public/v2/custom-connections"


def resource_path(connection: int, resource: int) -> str:
    return f"{CONNECTIONS}/{connection}/resources/{resource}"


def alias_of(kind: str, workspace_ids: tuple[int, ...]) -> str:
    """The name by which a connection of ours is found again: the vendor has no other key (`name` = `clientAlias`)."""
    return f"proofport {'+'.join(map(str, sorted(workspace_ids)))}:{kind}"


def find_or_create(blueprint: Blueprint, settings: DrataSettings) -> Flow[Provisioned]:
    """What is configured is only looked at. Creating is not idempotent, so we look first, and after a lost answer."""
    configured = settings.objects.get(blueprint.kind)
    if configured is not None:
        return (yield from _configured(blueprint, configured))
    if not settings.workspace_ids:
        raise ConfigError(
            "Drata makes a connection in at least one workspace, and workspace_ids is empty",
            hint="Set `workspace_ids: [1]`: 1 is the usual id of a single workspace.",
        )
    alias = alias_of(blueprint.kind, settings.workspace_ids)
    request = _creation(blueprint, settings, alias)
    connection = yield from _find(alias)
    created = connection is None
    if connection is None:
        connection = yield from _create(alias, request)
    resource = _only_resource(connection, (yield from resources(connection)))
    shared = f"The connection {alias!r} existed; whatever delivers to it shares its records."
    notes = () if created else (shared, *_differences(blueprint.schema, resource))
    return Provisioned({"connection_id": connection, "resource_id": resource["id"]}, created, notes)


def _configured(blueprint: Blueprint, configured: DrataObject) -> Flow[Provisioned]:
    connection, wanted = configured.connection_id, configured.resource_id
    held = yield from resources(connection)
    fitting = [row for row in held if wanted in (None, row.get("id"))]
    resource = _only_resource(connection, fitting)
    notes = _differences(blueprint.schema, resource)
    return Provisioned({"connection_id": connection, "resource_id": resource["id"]}, False, notes)


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


def _find(alias: str) -> Flow[int | None]:
    rows = yield from every_row("list_connections", CONNECTIONS)
    ours = [row for row in rows if row.get("clientAlias") == alias]
    if len(ours) > 1:
        raise UsageError(
            f"{len(ours)} Drata connections are named {alias!r}: {', '.join(str(row.get('id')) for row in ours)}",
            hint="Write connection_id and resource_id of the right one into `objects`, and rename the others.",
        )
    if not ours:
        return None
    if ours[0].get("providerTypes", ["CUSTOM"]) != ["CUSTOM"]:
        raise UsageError(f"the Drata connection {alias!r} is not a CUSTOM one", hint="Rename it, then provision again.")
    return _id_of(ours[0], "list_connections")


def _create(alias: str, request: bytes) -> Flow[int]:
    try:
        reply = yield Call("create_connection", "POST", CONNECTIONS, body=request, lost="ask")
        if reply.status < 500:
            return _id_of(expect_ok(reply, f"create {alias!r}", CREATE_CONNECTION), "create_connection")
    except OutcomeUnknown:
        pass
    found = yield from _find(alias)
    if found is None:
        raise OutcomeUnknown(
            f"it is not known whether Drata made the connection {alias!r}",
            hint="Provision again in a moment: a connection of that name is used, not made twice.",
        )
    return found


def resources(connection: int) -> Flow[list[dict[str, Any]]]:
    """The resources that a connection holds now."""
    call = Call("get_connection", "GET", f"{CONNECTIONS}/{connection}", (("expand[]", "customResources"),))
    answer = expect_ok((yield call), f"read the connection {connection}", LIST_CONNECTIONS)
    rows = answer.get("customResources") if isinstance(answer, dict) else None
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


def _differences(wanted: Mapping[str, Any], resource: dict[str, Any]) -> tuple[str, ...]:
    stored = resource.get("schema")
    declared = stored.get("properties") if isinstance(stored, dict) else None
    missing = [name for name in wanted.get("properties", {}) if name not in (declared or {})]
    if not missing:
        return ()
    return (
        f"The schema of resource {resource['id']} does not declare {', '.join(missing)}, and a Drata schema cannot be "
        "changed: tests cannot use these fields until the kind moves to a new connection.",
    )
