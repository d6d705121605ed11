"""What the configuration says about one Secureframe destination."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

from proofport.adapter import Credential, ObjectSettings, Settings
from proofport.errors import ConfigError
from proofport.wire import checked_origin

REGIONS = {"us": "https://api.secureframe.com", "uk": "https://api-uk.secureframe.com"}
"""The vendor's OpenAPI, `servers`. A key works in its own region only (assumed)."""


class SecureframeObject(ObjectSettings):
    """`defined`: a person has completed Define Schema for this slug, the vendor processes nothing before that.

    Format and length of slugs are not published: lower-case letters, digits and underscores, 63 of them (assumed).
    """

    schema_slug: str = Field(pattern=r"^[a-z0-9_]{1,63}$")
    defined: bool = False


class SecureframeSettings(Settings):
    """Either `region` or `base_url`. `connection_id` and `vendor_slug` stand in the web application.

    `vendor_name` is the display name that lists are filtered by; with it, what arrived can be read back.
    `allow_newest_types` accepts cloud resource types that only the newest revision of the documentation lists.
    """

    region: Literal["us", "uk"] | None = None
    base_url: Annotated[str, AfterValidator(checked_origin)] | None = None
    api_key: Credential
    api_secret: Credential
    connection_id: UUID
    vendor_slug: str = Field(min_length=1)
    vendor_name: str | None = Field(None, min_length=1)
    allow_newest_types: bool = False
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

    @property
    def origin(self) -> str:
        return self.base_url or REGIONS[self.region or "us"]

    def object(self, kind: str) -> SecureframeObject:
        """The schema that `kind` is published under. Raises ConfigError when it is not configured."""
        configured = self.objects.get(kind)
        if configured is None:
            raise ConfigError(
                f"no Secureframe schema is configured for {kind}",
                hint=f"Set `objects.{kind}: {{schema_slug: {kind.removeprefix('custom:')}}}`.",
            )
        return configured
