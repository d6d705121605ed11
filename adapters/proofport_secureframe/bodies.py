"""The body of each kind: the fields that Secureframe suggests for its model mappings.

Sources: R1 is the published page “Custom Integration”; R2 and R3 are the vendor's OpenAPI documents of June and August
2026. With the vendor's own names, the mapping in Define Schema is obvious. All values are scalar: the vendor ignores
arrays (R1), so they are refused here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from proofport.adapter import Body, Mode
from proofport_secureframe.cloud_resource_types import (
    NEWEST_OF_AZURE,
    AnyCloudResourceType,
    CloudResourceType,
    NewestCloudResourceType,
)

Text = Annotated[str, Field(min_length=1)]
TrainingSlug = Literal[
    "ccpa_training",
    "gdpr_training",
    "hipaa_training",
    "pci_secure_code_training",
    "pci_training",
    "security_awareness_training",
]


class _Body(BaseModel):
    """`id` is the primary ID: unique within the schema, chosen once in Define Schema (R1)."""

    model_config = ConfigDict(strict=True, extra="forbid")

    #: The name of the model in Define Schema.
    vendor_model: ClassVar[str]
    id: Text


class CloudResourceBody(_Body):
    """Appears in the asset inventory."""

    vendor_model = "Cloud resource"
    cloud_resource_type: CloudResourceType = Field(description="required (R1)")
    description: str | None = Field(None, description="R1")
    account: str | None = Field(None, description="R3")
    region: str | None = Field(None, description="shown as location (R3)")
    lifecycle_state: str | None = Field(None, description="no vendor field: a free one for tests, `removed` (assumed)")


class NewestCloudResourceBody(CloudResourceBody):
    """With `allow_newest_types`, the types that only R3 lists are accepted, too."""

    cloud_resource_type: AnyCloudResourceType = Field(description="required (R3)")  # type: ignore[assignment]


class TrainingBody(_Body):
    """Appears in the training records."""

    vendor_model = "Training record"
    user_email: Text = Field(description="required (R1)")
    training_slug: TrainingSlug = Field(description="required (R1)")
    completed_at: Text | None = Field(None, description="ISO 8601; required in R1, “set when completed” in R2 and R3")


class PersonnelAccountBody(_Body):
    """Appears in Personnel. `active` reads true when it was never given (R2, R3), so give it."""

    vendor_model = "Personnel account"
    email: Text = Field(description="required (R1)")
    secondary_email: str | None = Field(None, description="R1")
    username: str | None = Field(None, description="R1")
    first_name: str | None = Field(None, description="R1")
    preferred_first_name: str | None = Field(None, description="R1")
    last_name: str | None = Field(None, description="R1")
    admin: bool | None = Field(None, description="R1")
    active: bool | None = Field(None, description="R1")
    roles: str | None = Field(None, description="several are joined by commas (R3)")
    two_factor_enabled: bool | None = Field(None, description="R3")


class DeviceBody(_Body):
    """Appears in the asset inventory under computers. All of it is optional (R2, R3); the primary ID is ours."""

    vendor_model = "Device"
    device_name: str | None = Field(None, description="R2, R3")
    email: str | None = Field(None, description="of the person who uses it; cannot be read back (R2, R3)")
    model: str | None = Field(None, description="R2, R3")
    make: str | None = Field(None, description="R2, R3")
    serial_number: str | None = Field(None, description="R2, R3; what a device is found by when it is read back")
    device_uuid: str | None = Field(None, description="R2, R3")
    os: str | None = Field(None, description="name and version (R2, R3)")
    cpu: str | None = Field(None, description="R2, R3")
    memory: str | None = Field(None, description="R2, R3")
    mac_address: str | None = Field(None, description="R2, R3")
    remote_ip: str | None = Field(None, description="R2, R3")
    anti_virus_software: str | None = Field(None, description="R2, R3")
    enroll_date: str | None = Field(None, description="ISO 8601 (R2, R3)")
    last_checkin_at: str | None = Field(None, description="ISO 8601 (R2, R3)")
    hard_drive_encrypted: bool | None = Field(None, description="R2, R3")
    active: bool | None = Field(None, description="false: not in use any more (R2, R3)")
    native_anti_virus_enabled: bool | None = Field(None, description="R2, R3")
    password_enforcement_enabled: bool | None = Field(None, description="R2, R3")
    local_firewall_enabled: bool | None = Field(None, description="R2, R3")
    session_timeout_enabled: bool | None = Field(None, description="R2, R3")
    macos_filevault_enabled: bool | None = Field(None, description="R2, R3")


_NEWEST = dict.fromkeys(
    (*get_args(NewestCloudResourceType), *NEWEST_OF_AZURE),
    "Only the newest list of types has it (August 2026). Look into the documentation that your tenant shows; if it has "
    "the type, set `allow_newest_types: true` for this destination.",
)

MODELS: dict[str, type[_Body]] = {
    "cloud_resource": CloudResourceBody,
    "training_record": TrainingBody,
    "personnel_account": PersonnelAccountBody,
    "device": DeviceBody,
    "person": PersonnelAccountBody,
}
HAVE_ACTIVE = frozenset({"personnel_account", "device", "person"})
"""Kinds whose model has the field `active`. No other model can say that a record is gone (R1 to R3)."""


def body_of(
    kind: str,
    mode: Mode,
    *,
    newest_types: bool,
    own_mapping: bool = False,
    courses: Mapping[str, str] = MappingProxyType({}),
) -> Body:
    """The body of a kind in a mode.

    A full publish replaces the resource: null and absent are the same there, so nulls are left out. In a partial one
    null deletes a field (R1). A person is published as a personnel account: no call makes a user (R2, R3).
    """
    custom = kind.startswith("custom:")
    model = None if custom else MODELS[kind]
    words = {"training_slug": courses} if courses else {}
    if kind == "cloud_resource" and newest_types and not own_mapping:
        words = {"cloud_resource_type": NEWEST_OF_AZURE}
    return Body(
        name="custom" if custom else "personnel_account" if kind == "person" else kind,
        mapping=None if custom else f"secureframe/{kind}",
        model=NewestCloudResourceBody if model is CloudResourceBody and newest_types else model,
        nulls="send" if mode == "patch" else "omit",
        arrays="refuse",
        partial=mode == "patch",
        words=words,
        hints={} if newest_types or model is not CloudResourceBody else {"cloud_resource_type": _NEWEST},
    )
