"""`provision`: Vanta has no API that makes a resource (GUIDE). The steps for a person, and a look at what was made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from proofport.adapter import Blueprint, Flow, Provisioned
from proofport_vanta.bodies import BASE_TYPES
from proofport_vanta.definitions import PropertyType, shown
from proofport_vanta.objects import VantaObject
from proofport_vanta.parts import Part

TITLES = {"user_account": "UserAccount", "user_security_training_status": "UserSecurityTrainingStatus"}
"""The names of base types in the console (OAS)."""


def provision(blueprint: Blueprint, configured: VantaObject | None, parts: Sequence[Part]) -> Flow[Provisioned]:
    """Look at the configured resources, and hold the declared properties against the mapping. Where none is configured,
    give the steps."""
    if configured is None or not parts:
        return _guide(blueprint)
    for part in parts:
        yield from part.page()  # raises for a resource that the application does not have
    return Provisioned(dict(configured.resources), created=False, notes=list(_notes(blueprint, configured)))


def _notes(blueprint: Blueprint, configured: VantaObject) -> Iterator[str]:
    made, unfit = _properties(blueprint)
    if configured.resource_id is None or (not made and not unfit):
        return
    if configured.properties is None:
        yield "No API shows what is declared in Vanta. Say it, so that it can be checked: `properties:` in `objects`."
        yield f"The definition for this mapping:\n{shown(made)}"
    else:
        yield from _misfits(made, configured.properties.types)
    yield from unfit


def _misfits(made: Mapping[str, PropertyType], declared: Mapping[str, PropertyType]) -> Iterator[str]:
    """Sentences about the properties that are made or declared, but not both, or not as one type."""
    for name, kind in made.items():
        if name not in declared:
            yield f"{name} is not declared, and the mapping makes it: Vanta refuses every record that has it."
        elif kind != declared[name] and {kind, declared[name]} != {"string", "timestamp"}:
            yield f"{name} is declared as {declared[name]}, and the mapping makes {kind}."
    for name in declared:
        if name not in made:
            yield f"{name} is declared, and the mapping does not make it: Vanta requires it of every record."


def _guide(blueprint: Blueprint) -> Provisioned:
    """The steps that a person takes."""
    made, unfit = _properties(blueprint)
    kind = blueprint.kind
    title = TITLES.get(BASE_TYPES.get(kind, ""), "CustomResource")
    setting = f"`objects.{kind}.resource_id`"
    steps = [
        "In Vanta open Settings, Developer Console, and create an application of the type Build Integrations, private; "
        "or open the one whose client_id this destination has.",
        f"Under Resources, choose Create Resource, with the base type {title}.",
        f"Write its resourceId into {setting}.",
    ]
    if kind == "device":
        steps[1:] = [
            "Under Resources, create one resource with the base type MacosUserComputer, and one with "
            "WindowsUserComputer, as far as there are such devices.",
            "Write their resourceIds into `objects.device.macos_resource_id` and `windows_resource_id`.",
            "For devices that are neither, create one with the base type CustomResource and the definition below, and "
            "write its resourceId into `objects.device.resource_id`.",
        ]
    if made:
        steps.append(
            f"Paste this definition as the schema of the custom resource, and give it as `objects.{kind}.properties`, "
            f"too:\n{shown(made)}"
        )
    steps += unfit
    return Provisioned.by_hand(steps)


def _properties(blueprint: Blueprint) -> tuple[dict[str, PropertyType], list[str]]:
    """The own properties that the mapping makes, with their types, and a sentence for each that fits no type."""
    made: dict[str, PropertyType] = {}
    unfit: list[str] = []
    schema: Any = blueprint.schema.get("properties")
    own = schema.get("customProperties") if isinstance(schema, dict) else None
    properties = own.get("properties") if isinstance(own, dict) else None
    for name, rule in (properties or {}).items():
        found = _type_of(rule)
        if found is None:
            unfit.append(f"{name} fits none of Vanta's types (boolean, int32, string, timestamp): change the mapping.")
        else:
            made[name] = found
    return made, unfit


def _type_of(rule: Mapping[str, Any]) -> PropertyType | None:
    given = rule.get("type")
    names = {given} if isinstance(given, str) else set(given or ())
    names.discard("null")
    types: dict[str, PropertyType] = {"string": "string", "boolean": "boolean", "integer": "int32"}
    return types.get(names.pop()) if len(names) == 1 else None
