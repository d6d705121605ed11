"""`provision`: find or make the connection of a kind, and compare the schema that it has with the mapping."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from proofport.adapter import Blueprint, Flow, Provisioned
from proofport.errors import ConfigError, UsageError
from proofport_drata.connections import create, find, id_of, read, resources
from proofport_drata.settings import DrataSettings

SHARED = "The connection {alias!r} existed; everything that delivers to it shares its records."


def provision_custom(blueprint: Blueprint, settings: DrataSettings) -> Flow[Provisioned]:
    """Find or make a CUSTOM connection with its resource. A configured one is only read."""
    configured = settings.objects.get(blueprint.kind)
    if configured is not None and configured.connection_id is not None:
        connection, wanted = configured.connection_id, configured.resource_id
        return (yield from _found(blueprint, connection, wanted, ()))
    if not settings.workspace_ids:
        raise ConfigError(
            "Drata makes a connection in at least one workspace, and workspace_ids is empty",
            hint="Set `workspace_ids: [1]`: 1 is the usual id of a single workspace.",
        )
    alias = f"proofport {'+'.join(map(str, sorted(settings.workspace_ids)))}:{blueprint.kind}"
    request = _creation(blueprint, settings, alias)
    existing = yield from find(alias, "CUSTOM")
    if existing is not None:
        return (yield from _found(blueprint, existing, None, (SHARED.format(alias=alias),)))
    made = yield from create(alias, "CUSTOM", request)
    resource = _only_resource(made, (yield from resources(made)))
    return Provisioned({"connection_id": made, "resource_id": resource["id"]}, created=True)


def provision_plain(settings: DrataSettings, kind: str, provider: str) -> Flow[Provisioned]:
    """Find or make the MDM or HRIS connection of `kind`: without schema and workspaces, which Drata refuses there."""
    configured = settings.objects.get(kind)
    if configured is not None and configured.connection_id is not None:
        yield from _require_provider(configured.connection_id, provider)
        return Provisioned({"connection_id": configured.connection_id}, created=False)
    alias = f"proofport {kind}"
    existing = yield from find(alias, provider)
    if existing is not None:
        return Provisioned({"connection_id": existing}, created=False, notes=(SHARED.format(alias=alias),))
    request = {"name": alias, "providerTypes": [provider], "description": f"{kind} evidence, written by proofport"}
    made = yield from create(alias, provider, json.dumps(request).encode())
    return Provisioned({"connection_id": made}, created=True)


def _found(blueprint: Blueprint, connection: int, wanted: int | None, notes: tuple[str, ...]) -> Flow[Provisioned]:
    held = yield from resources(connection)
    resource = _only_resource(connection, [row for row in held if wanted in (None, row.get("id"))])
    found = {"connection_id": connection, "resource_id": resource["id"]}
    return Provisioned(found, created=False, notes=(*notes, *drift(blueprint.schema, resource)))


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


def _only_resource(connection: int, held: list[dict[str, Any]]) -> dict[str, Any]:
    """Connections edited in the product can hold several (observed: drata-rv/microsoft-multi-connection)."""
    if len(held) != 1:
        names = ", ".join(f"{row.get('id')} ({row.get('name')})" for row in held) or "none"
        raise UsageError(
            f"the Drata connection {connection} holds {len(held)} resources that fit, expected one: {names}",
            hint="Write the resource_id that is meant into `objects`, or take the kind out of it to have one made.",
        )
    id_of(held[0], "get_connection")
    return held[0]


# ------------------------------------------------------------------ the schema
def drift(wanted: Mapping[str, Any], resource: Mapping[str, Any]) -> tuple[str, ...]:
    """One sentence for each field that the mapping makes and the live schema does not accept.

    The last sentence says what to do: Drata has no call that changes a schema (recipe).
    """
    stored = resource.get("schema")
    found = list(_misfits(wanted, stored if isinstance(stored, dict) else {}))
    if not found:
        return ()
    what_to_do = (
        f"The schema of resource {resource.get('id')} cannot be changed. For another one, rename the connection "
        "(`proofport call DEST update_custom_connection connection_id=N client_alias=NAME`), take the kind out of "
        "`objects`, provision again, push a snapshot, and delete the old connection; or change the mapping."
    )
    return (*found, what_to_do)


def _misfits(wanted: Mapping[str, Any], stored: Mapping[str, Any]) -> Iterator[str]:
    declared = stored.get("properties")
    declared = declared if isinstance(declared, dict) else {}
    made = wanted.get("properties", {})
    unknown = [name for name in made if name not in declared]
    if unknown and stored.get("additionalProperties") is False:
        yield f"Records are refused: the schema allows no {_list(unknown)}."
    elif unknown:
        yield f"The schema does not declare {_list(unknown)}: tests in Drata cannot use these fields."
    for name in made:
        if name in declared:
            yield from _type_misfit(name, made[name], declared[name])
    always = set(wanted.get("required", ()))
    demanded = [name for name in stored.get("required", ()) if name not in always]
    never = [name for name in demanded if name not in made]
    sometimes = [name for name in demanded if name in made]
    if never:
        yield f"Records are refused: the schema requires {_list(never)}, which the mapping never makes."
    if sometimes:
        yield f"Records without {_list(sometimes)} are refused: the schema requires what the mapping may leave out."


def _type_misfit(name: str, made: Mapping[str, Any], declared: object) -> Iterator[str]:
    takes = _types(declared) if isinstance(declared, dict) else set()
    extra = sorted(_types(made) - takes - ({"integer"} if "number" in takes else set()))
    if takes and extra:
        yield f"{name} may be {_list(extra, 'or')}, and the schema takes only {_list(sorted(takes), 'or')}."


def _types(rule: Mapping[str, Any]) -> set[str]:
    """The JSON types of a rule. Empty: any."""
    named = rule.get("type", ())
    return {named} if isinstance(named, str) else set(named)


def _list(names: Sequence[str], word: str = "and") -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {word} {names[-1]}"
