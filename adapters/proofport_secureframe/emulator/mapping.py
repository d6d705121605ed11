"""The model mappings: the fields that make a published object a cloud resource, a training, an account or a device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proofport.testing import Switches
from proofport_secureframe.emulator import enums
from proofport_secureframe.emulator.enums import words


@dataclass(frozen=True, slots=True)
class Model:
    """The fields of one model."""

    required: tuple[str, ...]
    strings: frozenset[str]
    booleans: frozenset[str] = frozenset()


MODELS = {
    "cloud_resource": Model(("id", "cloud_resource_type"), words("id cloud_resource_type description account region")),
    "training_record": Model(("id", "user_email", "training_slug"), words("id completed_at user_email training_slug")),
    "personnel_account": Model(
        ("id", "email"),
        words("id email secondary_email username first_name preferred_first_name last_name roles"),
        words("admin active two_factor_enabled"),
    ),
    "device": Model(
        (),
        words(
            """
            device_name email model make serial_number enroll_date device_uuid last_checkin_at os cpu memory mac_address
            remote_ip anti_virus_software
            """
        ),
        words(
            """
            hard_drive_encrypted active native_anti_virus_enabled password_enforcement_enabled local_firewall_enabled
            session_timeout_enabled macos_filevault_enabled
            """
        ),
    ),
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
    if model == "training_record" and data.get("training_slug") not in enums.TRAINING_SLUGS:
        return f"training_slug {data.get('training_slug')!r} is not one of the listed values"
    if model == "cloud_resource":
        added = enums.CLOUD_RESOURCE_TYPES_ADDED if switches["cloud_resource_types"] == "R3" else frozenset()
        known = enums.CLOUD_RESOURCE_TYPES | added
        if data.get("cloud_resource_type") not in known:
            return f"cloud_resource_type {data.get('cloud_resource_type')!r} is not one of the listed values"
    return None
