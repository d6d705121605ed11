"""The model mappings: the fields that make a published object a cloud resource, a training, an account or a device.

They are read from the vendor's document, with the values that it lists for a field.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    """The first reason why an object does not map onto its model. None: it does. Without a model every object does."""
    return None if model is None else next(_problems(model, data, switches), None)


def _problems(name: str, data: Mapping[str, Any], switches: Switches) -> Iterator[str]:
    model, required = MODELS[name], MODELS[name].required
    if name == "training_record" and switches["completed_at_required"]:
        required = (*required, "completed_at")
    if switches["missing_required"] == "fails":
        yield from (f"missing required field {field}" for field in required if data.get(field) is None)
    if switches["wrong_type"] == "fails":
        for field, value in data.items():
            if field in model.strings and not isinstance(value, str | None):
                yield f"{field} is not a string"
            if field in model.booleans and not isinstance(value, bool | None):
                yield f"{field} is not a boolean"
    if switches["unlisted_enum"] == "fails":
        types = CLOUD_RESOURCE_TYPES[switches["cloud_resource_types"]]
        enums = {"training_record": ("training_slug", TRAINING_SLUGS), "cloud_resource": ("cloud_resource_type", types)}
        for field, listed in [enums[name]] if name in enums else []:
            if data.get(field) not in listed:
                yield f"{field} {data.get(field)!r} is not one of the listed values"
