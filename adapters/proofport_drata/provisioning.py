"""`provision`: find or make the connection of a kind, and compare the schema that it has with the mapping."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from proofport.adapter import Blueprint, Flow, Provisioned
from proofport.errors import ConfigError, UsageError
from proofport_drata.connections import create, find, read, resources, with_id
from proofport_drata.settings import DrataSettings


def provision_custom(blueprint: Blueprint, settings: DrataSettings) -> Flow[Provisioned]:
    """A CUSTOM connection with its resource. A configured one is only looked at."""
    configured = settings.of(blueprint.kind)
    connection, wanted, made = configured.connection_id, configured.resource_id, False
    notes: tuple[str, ...] = ()
    if connection is None:
        if not settings.workspace_ids:
            raise ConfigError(
                "Drata makes a connection in at least one workspace, and workspace_ids is empty",
                hint="Set `workspace_ids: [1]`: 1 is the usual id of a single workspace.",
            )
        alias = f"proofport {'+'.join(map(str, sorted(settings.workspace_ids)))}:{blueprint.kind}"
        connection, made, notes = yield from _find_or_make(alias, "CUSTOM", _creation(blueprint, settings, alias))
        wanted = None
    held = yield from resources(connection)
    resource = _only_resource(connection, [row for row in held if wanted in (None, row.get("id"))])
    misfits = () if made else drift(blueprint.schema, resource)
    found = {"connection_id": connection, "resource_id": resource["id"]}
    return Provisioned(found, created=made, notes=(*notes, *misfits))


def provision_plain(settings: DrataSettings, kind: str, provider: str) -> Flow[Provisioned]:
    """The MDM or HRIS connection of `kind`: without schema, workspaces and resource, which Drata refuses there."""
    connection = settings.of(kind).connection_id
    if connection is not None:
        yield from _require_provider(connection, provider)
        return Provisioned({"connection_id": connection}, created=False)
    alias = f"proofport {kind}"
    request = {"name": alias, "providerTypes": [provider], "description": f"{kind} evidence, written by proofport"}
    connection, made, notes = yield from _find_or_make(alias, provider, json.dumps(request).encode())
    return Provisioned({"connection_id": connection}, created=made, notes=notes)


def _find_or_make(alias: str, provider: str, request: bytes) -> Flow[tuple[int, bool, tuple[str, ...]]]:
    """The connection of that name, whether it was made now, and what a person should know about it."""
    existing = yield from find(alias, provider)
    if existing is None:
        return (yield from create(alias, provider, request))["id"], True, ()
    return existing["id"], False, (f"The connection {alias!r} existed; whatever delivers to it shares its records.",)


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
    return with_id(held[0], "get_connection")


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
