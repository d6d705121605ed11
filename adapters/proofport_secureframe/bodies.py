"""What Secureframe accepts for each kind: the suggested fields of its model mappings.

Sources: R1, the published page “Custom Integration”; R2 and R3, the vendor's OpenAPI of June and of August 2026. Field
names are the vendor's suggestions; using them is what makes the mapping in Define Schema obvious. All values are
scalar: arrays are ignored by the vendor (R1), so they are refused here.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from proofport.adapter import Body, Mode
from proofport.errors import UnsupportedFeature
from proofport_secureframe.cloud_resource_types import AnyCloudResourceType, CloudResourceType

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

    id: Text


class CloudResourceBody(_Body):
    """Appears in the asset inventory."""

    cloud_resource_type: CloudResourceType = Field(description="required (R1)")
    description: str | None = Field(None, description="R1")
    account: str | None = Field(None, description="R3")
    region: str | None = Field(None, description="shown as location (R3)")
    lifecycle_state: str | None = Field(None, description="no vendor field: a free one for tests, `removed` (assumed)")


class NewestCloudResourceBody(CloudResourceBody):
    """With `allow_newest_types`: the types that only R3 lists, too."""

    cloud_resource_type: AnyCloudResourceType = Field(description="required (R3)")  # type: ignore[assignment]


class TrainingBody(_Body):
    """Appears in the training records."""

    user_email: Text = Field(description="required (R1)")
    training_slug: TrainingSlug = Field(description="required (R1)")
    completed_at: Text | None = Field(None, description="ISO 8601; required in R1, “set when completed” in R2 and R3")


class PersonnelAccountBody(_Body):
    """Appears in Personnel. `active` reads true when it was never given (R2, R3), so give it."""

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


MODELS: dict[str, type[_Body]] = {
    "cloud_resource": CloudResourceBody,
    "training_record": TrainingBody,
    "personnel_account": PersonnelAccountBody,
}


def require_supported(kind: str) -> None:
    if kind not in MODELS and not kind.startswith("custom:"):
        raise UnsupportedFeature(
            f"the Secureframe adapter does not deliver {kind} yet",
            hint="It delivers cloud_resource, training_record, personnel_account and custom:<type>.",
        )


def body_of(kind: str, mode: Mode, *, newest_types: bool) -> Body:
    """A full publish replaces the resource, so null and absent are one and nulls are left out; in a partial one null
    deletes a field (R1)."""
    require_supported(kind)
    name = "custom" if kind.startswith("custom:") else kind
    model = MODELS.get(kind)
    return Body(
        name=name,
        mapping=f"secureframe/{kind}" if model else None,
        model=NewestCloudResourceBody if model is CloudResourceBody and newest_types else model,
        nulls="send" if mode == "patch" else "omit",
        arrays="refuse",
        partial=mode == "patch",
    )
