"""The configuration of one Secureframe destination."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

from proofport.adapter import Credential, ObjectSettings, Settings
from proofport.wire import checked_origin
from proofport_secureframe.bodies import HAVE_ACTIVE, TrainingSlug

SECUREFRAME_HOSTS = {"us": "https://api.secureframe.com", "uk": "https://api-uk.secureframe.com"}
"""By region, from `servers` of the vendor's OpenAPI document. A key works in its own region only (assumed)."""


class SecureframeObject(ObjectSettings):
    """The schema that one kind is published under."""

    #: Form and length are not published: lower-case letters, digits and underscores, at most 63 of them (assumed).
    schema_slug: str = Field(pattern=r"^[a-z0-9_]{1,63}$")
    #: A person has completed Define Schema for this slug. The vendor processes nothing before that.
    defined: bool = False
    #: With it, a record with any other field is refused.
    fields: dict[str, Literal["string", "number", "boolean", "object"]] = Field(
        default_factory=dict, description="of a schema that was made elsewhere, each with its JSON type"
    )
    #: A field of your own that every record carries, `active` or `removed`: the vendor deletes nothing.
    lifecycle_field: str | None = Field(None, pattern=r"^[a-z0-9_]{1,63}$")
    allow_nested_patch: bool = Field(False, description="send nested objects in a patch; whether they merge is unknown")
    courses: dict[str, TrainingSlug] = Field(default_factory=dict, description="your names of courses, to its six")


class SecureframeSettings(Settings):
    """One custom connection of a Secureframe company, and the schema of each kind in it."""

    region: Literal["us", "uk"] | None = None
    base_url: Annotated[str, AfterValidator(checked_origin)] | None = Field(
        None, description="instead of region: scheme and host of an emulator or a proxy"
    )
    api_key: Credential
    api_secret: Credential
    connection_id: UUID = Field(description="of the custom connection, in Secureframe's web application")
    vendor_slug: str = Field(min_length=1, description="of the vendor that the connection is configured for")
    vendor_name: str | None = Field(None, min_length=1, description="its display name; with it, lists can be read back")
    batch_records: int = Field(500, ge=1, description="at most so many records a request; no limit is published")
    batch_bytes: int = Field(1_048_576, ge=65_536, description="at most so many bytes a request; no limit is published")
    allow_newest_types: bool = Field(False, description="accept cloud resource types that only the newest list has")
    objects: dict[str, SecureframeObject] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_host(self) -> Self:
        if (self.region is None) == (self.base_url is None):
            raise ValueError("expected either region (us or uk) or base_url")
        return self

    @model_validator(mode="after")
    def _one_kind_a_schema(self) -> Self:
        slugs = [configured.schema_slug for configured in self.objects.values()]
        if len(set(slugs)) < len(slugs):
            raise ValueError("expected another schema_slug for each kind: all objects of a schema have one format")
        return self

    @model_validator(mode="after")
    def _fields_fit_their_kind(self) -> Self:
        for kind, configured in self.objects.items():
            if configured.lifecycle_field is not None and kind in HAVE_ACTIVE:
                raise ValueError(f"expected no lifecycle_field for {kind}: it has `active`")
            if configured.lifecycle_field == "id":
                raise ValueError("expected another lifecycle_field than `id`, the primary ID")
            if configured.fields and not configured.defined:
                raise ValueError(
                    f"expected `defined: true` beside the fields of {kind}: else the first record makes them"
                )
            if configured.fields and "id" not in configured.fields:
                raise ValueError(f"expected `id`, the primary ID, among the fields of {kind}")
            if configured.courses and kind != "training_record":
                raise ValueError(f"expected no courses for {kind}: only training_record has them")
        return self

    @property
    def origin(self) -> str:
        return self.base_url or SECUREFRAME_HOSTS[self.region or "us"]
