"""Connections: find or make the resource that a kind is delivered to, and look at the configured ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from proofport.adapter import Blueprint, Finding, Flow, Provisioned
from proofport.errors import Blocked, ConfigError, OutcomeUnknown, UsageError
from proofport.wire import Call
from proofport_drata.answers import CREATE_CONNECTION, LIST_CONNECTIONS, expect_ok, malformed
from proofport_drata.paging import every_row
from proofport_drata.sessions import statuses
from proofport_drata.settings import DrataObject, DrataSettings

CONNECTIONS = "/public/v2/custom-connections"


def resource_path(connection: int, resource: int) -> str:
    return f"{CONNECTIONS}/{connection}/resources/{resource}"


def alias_of(kind: str, workspace_ids: tuple[int, ...]) -> str:
    """The name by which a connection of ours is found again: the vendor has no other key (`name` = `clientAlias`)."""
    return f"proofport {'+'.join(map(str, sorted(workspace_ids)))}:{kind}"


def find_or_create(blueprint: Blueprint, settings: DrataSettings) -> Flow[Provisioned]:
    """Creating is not idempotent, so we look first, and again after a lost answer."""
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
    resource = _only_resource(connection, (yield from _resources(connection)))
    ids = {"connection_id": connection, "resource_id": resource["id"]}
    return Provisioned(ids, created, () if created else _differences(alias, blueprint.schema, resource))


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


def _resources(connection: int) -> Flow[list[dict[str, Any]]]:
    call = Call("get_connection", "GET", f"{CONNECTIONS}/{connection}", (("expand[]", "customResources"),))
    answer = expect_ok((yield call), f"read the connection {connection}", LIST_CONNECTIONS)
    rows = answer.get("customResources") if isinstance(answer, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise malformed("get_connection gave no customResources")
    return [row for row in rows if not row.get("deletedAt")]


def _only_resource(connection: int, resources: list[dict[str, Any]]) -> dict[str, Any]:
    """Connections edited in the product can hold several (observed: drata-rv/microsoft-multi-connection)."""
    if len(resources) != 1:
        names = ", ".join(f"{row.get('id')} ({row.get('name')})" for row in resources) or "none"
        raise UsageError(
            f"the Drata connection {connection} holds {len(resources)} resources, expected one: {names}",
            hint="Write the resource_id that is meant into `objects`.",
        )
    _id_of(resources[0], "get_connection")
    return resources[0]


def _id_of(row: Any, operation: str) -> int:
    found = row.get("id") if isinstance(row, dict) else None
    if not isinstance(found, int) or isinstance(found, bool):
        raise malformed(f"{operation} gave no id")
    return found


def _differences(alias: str, wanted: Mapping[str, Any], resource: dict[str, Any]) -> tuple[str, ...]:
    notes = [f"The connection {alias!r} existed; whatever delivers to it shares its records."]
    stored = resource.get("schema")
    declared = stored.get("properties") if isinstance(stored, dict) else None
    missing = [name for name in wanted.get("properties", {}) if name not in (declared or {})]
    if missing:
        notes.append(
            f"Its schema does not declare {', '.join(missing)}, and a Drata schema cannot be changed: tests cannot use "
            "these fields until the kind moves to a new connection."
        )
    return tuple(notes)


def check(settings: DrataSettings) -> Flow[list[Finding]]:
    """What `doctor` prints: key, connections, resources, open sessions."""
    try:
        yield from every_row("list_connections", CONNECTIONS)
    except (Blocked, UsageError) as error:
        return [Finding(False, "api_key", error.message, error.hint)]
    findings = [Finding(True, "api_key", "accepted, and may list connections")]
    for kind, configured in settings.objects.items():
        try:
            findings += yield from _check_object(kind, configured)
        except (Blocked, UsageError) as error:
            findings.append(Finding(False, f"objects.{kind}", error.message, error.hint))
    return findings


def _check_object(kind: str, configured: DrataObject) -> Flow[list[Finding]]:
    subject, connection, wanted = f"objects.{kind}", configured.connection_id, configured.resource_id
    if wanted is None:
        return [Finding(False, subject, "no resource_id is configured", "Run `proofport provision`.")]
    held = [row.get("id") for row in (yield from _resources(connection))]
    if wanted not in held:
        detail = f"connection {connection} has no resource {wanted}; it has {', '.join(map(str, held)) or 'none'}"
        return [Finding(False, subject, detail, f"Correct resource_id in `{subject}`.")]
    found = yield from statuses(resource_path(connection, wanted))
    is_open = [session for session, status in found.items() if status == "IN_PROGRESS"]
    findings = [Finding(True, subject, f"connection {connection} holds resource {wanted}")]
    if is_open:
        hint = "Sessions of this instance are cancelled by the next push; another program must end its own."
        findings.append(Finding(False, subject, f"open sessions: {', '.join(is_open)}", hint))
    return findings
