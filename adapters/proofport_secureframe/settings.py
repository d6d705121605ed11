"""The configuration of one Secureframe destination."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, model_validator

from proofport.adapter import Credential, ObjectSettings, Settings
from proofport.wire import checked_origin
from proofport_secureframe.bodies import HAVE_ACTIVE, MODELS, TrainingSlug

SECUREFRAME_HOSTS = {"us": "https://api.secureframe.com", "uk": "https://api-uk.secureframe.com"}
"""By region, from `servers` of the vendor's OpenAPI document. A key works in its own region only (assumed)."""


def _names_alone(given: object) -> object:
    """The names of a list, each without a type."""
    if not isinstance(given, list):
        return given
    if not given or not all(isinstance(name, str) for name in given):
        raise ValueError("expected a list of the names of fields")
    return dict.fromkeys(given)


FieldType = Literal["string", "number", "boolean", "object"]
Fields = Annotated[dict[str, FieldType | None], BeforeValidator(_names_alone)]


class SecureframeObject(ObjectSettings):
    """The schema that one kind is published under."""

    #: Form and length are not published: lower-case letters, digits and underscores, at most 63 of them (assumed).
    schema_slug: str = Field(pattern=r"^[a-z0-9_]{1,63}$")
    #: A person has completed Define Schema for this slug. The vendor processes nothing before that.
    defined: bool = False
    #: Names: no other field is sent, and the first record must fill all of them. With types, for a schema that was made
    #: elsewhere: a record with any other field is refused.
    fields: Fields = Field(
        default_factory=dict,
        description="the names of those to send; or, of a schema that was made elsewhere, each with its JSON type",
    )
    #: A field of your own that every record carries, `active` or `removed`: the vendor deletes nothing.
    lifecycle_field: str | None = Field(None, pattern=r"^[a-z0-9_]{1,63}$")
    allow_nested_patch: bool = Field(False, description="send nested objects in a patch; whether they merge is unknown")
    courses: dict[str, TrainingSlug] = Field(default_factory=dict, description="your names of courses, to its six")

    @property
    def typed(self) -> Mapping[str, str]:
        """The fields that a schema made elsewhere has. Empty: not known."""
        return {name: kind for name, kind in self.fields.items() if kind is not None}

    @property
    def named(self) -> tuple[str, ...]:
        """The only fields to send. Empty: all."""
        return () if self.typed else tuple(self.fields)

    @property
    def sent(self) -> tuple[str, ...]:
        """The same, with the lifecycle field: a record may carry that itself."""
        return (*self.named, self.lifecycle_field) if self.named and self.lifecycle_field else self.named


def ended_fields(kind: str, configured: SecureframeObject | None) -> Mapping[str, JsonValue]:
    """The field, with its value, that says of a record that it is gone. Empty: the kind has none."""
    if configured is not None and configured.lifecycle_field is not None:
        return {configured.lifecycle_field: "removed"}
    return {"active": False} if has_active(kind, configured) else {}


def has_active(kind: str, configured: SecureframeObject | None) -> bool:
    """True if the records of a kind can carry `active`."""
    return kind in HAVE_ACTIVE and (configured is None or not configured.fields or "active" in configured.fields)


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
            if configured.lifecycle_field is not None and has_active(kind, configured):
                raise ValueError(
                    f"expected no lifecycle_field for {kind}: it has `active`, unless `fields` leaves that out"
                )
            if configured.lifecycle_field == "id":
                raise ValueError("expected another lifecycle_field than `id`, the primary ID")
            if configured.typed and len(configured.typed) < len(configured.fields):
                raise ValueError(f"expected a type for each of the fields of {kind}, or a list of their names")
            if configured.typed and not configured.defined:
                raise ValueError(
                    f"expected `defined: true` beside the types of the fields of {kind}: else the first record makes "
                    "them. To leave other fields out, list the names alone"
                )
            if configured.fields and "id" not in configured.fields:
                raise ValueError(f"expected `id`, the primary ID, among the fields of {kind}")
            if configured.named and kind in MODELS:
                _check_names(kind, set(configured.named) - {configured.lifecycle_field})
            if configured.courses and kind != "training_record":
                raise ValueError(f"expected no courses for {kind}: only training_record has them")
        return self

    @property
    def origin(self) -> str:
        return self.base_url or SECUREFRAME_HOSTS[self.region or "us"]


def _check_names(kind: str, names: Collection[str]) -> None:
    """Raises ValueError for a field that the model does not have, and for one that it requires and that is missing."""
    known = MODELS[kind].model_fields
    for name in sorted(set(names) - set(known)):
        raise ValueError(f"expected as fields of {kind} some of {', '.join(known)}: {name!r} is none of them")
    for name, field in known.items():
        if field.is_required() and name not in names:
            raise ValueError(f"expected `{name}` among the fields of {kind}: Secureframe requires it")
