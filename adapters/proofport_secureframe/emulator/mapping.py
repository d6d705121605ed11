"""The model mappings: the fields that make a published object a cloud resource, a training, an account or a device.

They are read from the vendor's document, with the values that it lists for a field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proofport.testing import Switches, document

DOCUMENT = document(__package__)
SCHEMAS = DOCUMENT["components"]["schemas"]

TRAINING_SLUGS = frozenset(SCHEMAS["TrainingSlug"]["enum"])
_TYPES = SCHEMAS["CloudResourceType"]
CLOUD_RESOURCE_TYPES = {
    "R2": frozenset(_TYPES["enum"]) - frozenset(_TYPES["x-added-after-R2"]),
    "R3": frozenset(_TYPES["enum"]),
}
"""The listed types, by the revision of the document."""


@dataclass(frozen=True, slots=True)
class Model:
    """The fields of one model."""

    required: tuple[str, ...]
    strings: frozenset[str]
    booleans: frozenset[str]


def _model(schema: Mapping[str, Any]) -> Model:
    fields = schema["properties"]
    booleans = frozenset(name for name, rule in fields.items() if rule.get("type") == "boolean")
    return Model(tuple(schema.get("required", ())), frozenset(fields) - booleans, booleans)


MODELS = {
    "cloud_resource": _model(SCHEMAS["CloudResourceRecord"]),
    "training_record": _model(SCHEMAS["TrainingRecord"]),
    "personnel_account": _model(SCHEMAS["PersonnelAccountRecord"]),
    "device": _model(SCHEMAS["DeviceRecord"]),
}


def mapping_problem(model: str | None, data: Mapping[str, Any], switches: Switches) -> str | None:
    """The reason why an object cannot be mapped onto its model. None: it can. Without a model every object can."""
    if model is None:
        return None
    return (
        _missing(MODELS[model], data, switches, model)
        or _wrong_type(MODELS[model], data, switches)
        or _unlisted(data, switches, model)
    )


def _missing(model: Model, data: Mapping[str, Any], switches: Switches, name: str) -> str | None:
    if switches["missing_required"] == "kept":
        return None
    required = model.required
    if name == "training_record" and switches["completed_at_required"]:
        required = (*required, "completed_at")
    absent = [field for field in required if data.get(field) is None]
    return f"missing required field {absent[0]}" if absent else None


def _wrong_type(model: Model, data: Mapping[str, Any], switches: Switches) -> str | None:
    if switches["wrong_type"] == "kept":
        return None
    for name, value in data.items():
        expected = str if name in model.strings else bool if name in model.booleans else None
        if expected is not None and value is not None and not isinstance(value, expected):
            return f"{name} is not a {'string' if expected is str else 'boolean'}"
    return None


def _unlisted(data: Mapping[str, Any], switches: Switches, model: str) -> str | None:
    if switches["unlisted_enum"] == "kept":
        return None
    match model:
        case "training_record":
            name, listed = "training_slug", TRAINING_SLUGS
        case "cloud_resource":
            name, listed = "cloud_resource_type", CLOUD_RESOURCE_TYPES[switches["cloud_resource_types"]]
        case _:
            return None
    return None if data.get(name) in listed else f"{name} {data.get(name)!r} is not one of the listed values"
