"""The model mappings: the fields that make a published object a cloud resource, a training, an account or a device.

They are read from the vendor's document, with the values that it lists for a field.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from proofport.testing import Switches, document
from proofport_secureframe.emulator.model import Schema

DOCUMENT = document(__package__)
SCHEMAS = DOCUMENT["components"]["schemas"]

TRAINING_SLUGS = frozenset(SCHEMAS["TrainingSlug"]["enum"])
_TYPES = SCHEMAS["CloudResourceType"]
_PRINTED = (*_TYPES["enum"], *_TYPES["x-withdrawn-after-R1"])
CLOUD_RESOURCE_TYPES = {
    "R2": frozenset(_PRINTED) - frozenset(_TYPES["x-added-after-R2"]),
    "R3": frozenset(_PRINTED),
}
"""The listed types, by the revision of the document. Those that only R1 prints are among them."""


@dataclass(frozen=True, slots=True)
class Model:
    """The fields of one model."""

    required: tuple[str, ...]
    strings: frozenset[str]
    booleans: frozenset[str]
    datetimes: frozenset[str]


def _model(schema: Mapping[str, Any]) -> Model:
    fields = schema["properties"]
    booleans = frozenset(name for name, rule in fields.items() if rule.get("type") == "boolean")
    datetimes = frozenset(name for name, rule in fields.items() if rule.get("format") == "date-time")
    return Model(tuple(schema.get("required", ())), frozenset(fields) - booleans, booleans, datetimes)


MODELS = {
    "cloud_resource": _model(SCHEMAS["CloudResourceRecord"]),
    "training_record": _model(SCHEMAS["TrainingRecord"]),
    "personnel_account": _model(SCHEMAS["PersonnelAccountRecord"]),
    "device": _model(SCHEMAS["DeviceRecord"]),
}


def mapped(schema: Schema, data: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the model, from those that the schema maps onto them. The others keep their names."""
    if schema.model is None:
        return dict(data)
    model = MODELS[schema.model]
    places = {name: name for name in sorted(model.strings | model.booleans)}
    places |= {"id": schema.primary_id or "id"} | schema.field_map
    found = {name: _at(data, place) for name, place in places.items()}
    return {name: value for name, value in found.items() if value is not None}


def _at(data: Any, place: str) -> Any:
    """The value at `place`: a name, or names with dots between them."""
    if isinstance(data, Mapping) and place in data:
        return data[place]
    for name in place.split("."):
        data = data.get(name) if isinstance(data, Mapping) else None
    return data


def mapping_problem(schema: Schema, data: Mapping[str, Any], switches: Switches) -> str | None:
    """The first reason why an object does not map onto its model. None: it does. Without a model every object does."""
    return None if schema.model is None else next(_problems(schema.model, mapped(schema, data), switches), None)


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
    if switches["datetimes"] == "fails":
        untimely = (field for field in sorted(model.datetimes & data.keys()) if not _is_datetime(data[field]))
        yield from (f"{field} is not an ISO 8601 datetime" for field in untimely)
    if switches["unlisted_enum"] == "fails":
        types = CLOUD_RESOURCE_TYPES[switches["cloud_resource_types"]]
        enums = {"training_record": ("training_slug", TRAINING_SLUGS), "cloud_resource": ("cloud_resource_type", types)}
        for field, listed in [enums[name]] if name in enums else []:
            if data.get(field) not in listed:
                yield f"{field} {data.get(field)!r} is not one of the listed values"


def _is_datetime(value: Any) -> bool:
    try:
        return bool(datetime.fromisoformat(value))
    except (TypeError, ValueError):
        return False
