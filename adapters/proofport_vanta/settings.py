"""The configuration of one Vanta destination."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, JsonValue, field_validator, model_validator

from proofport.adapter import Credential, ObjectSettings, Settings
from proofport.errors import ConfigError
from proofport.wire import checked_origin
from proofport_vanta.definitions import Declared

ORIGIN, GOV = "https://api.vanta.com", "https://api.vanta-gov.com"
"""Regional hosts redirect to the first (observed: speakeasy-api/gram), so there is no setting for a region."""

ResourceId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
"""24 hexadecimal digits; the slug of a resource works, too (observed: llamalync)."""


class VantaObject(ObjectSettings):
    """The resource of one kind. A person makes it in Vanta's developer console."""

    #: For devices: the custom resource of what is neither macOS nor Windows.
    resource_id: ResourceId | None = None
    macos_resource_id: ResourceId | None = Field(
        None, description="devices: the resource of base type MacosUserComputer"
    )
    windows_resource_id: ResourceId | None = Field(None, description="devices: of base type WindowsUserComputer")
    #: Of a custom resource. With it, a record that does not fit is found before anything is sent.
    properties: Declared | None = Field(
        None, description="the JSON Type Definition of a custom resource, or file:PATH of it"
    )
    #: Every property is required at Vanta. A record that lacks one is withheld; `exclude` says that this is meant.
    unknown_required: Literal["withhold", "exclude"] = Field(
        "withhold", description="exclude: leave out, with exit code 0, records that lack what Vanta requires"
    )
    when_unknown: dict[str, JsonValue] = Field(
        default_factory=dict, description="by property: the value to send where the source does not know it"
    )
    keep_deactivated: int = Field(
        90, ge=0, le=3650, description="accounts: days for which one that has left is sent as DEACTIVATED"
    )

    @model_validator(mode="after")
    def _never_false(self) -> Self:
        for name, value in self.when_unknown.items():
            if _has_false(value):
                raise ValueError(f"expected no false and no null for {name}: unknown is never sent as false")
            if name in ("uniqueId", "platform"):
                raise ValueError(f"expected other properties than {name}, which every record has")
        return self

    @property
    def resources(self) -> dict[str, str]:
        """The ids of its resources, by the setting that names them."""
        named = {
            "macos_resource_id": self.macos_resource_id,
            "windows_resource_id": self.windows_resource_id,
            "resource_id": self.resource_id,
        }
        return {setting: each for setting, each in named.items() if each is not None}


class VantaSettings(Settings):
    """One application ("Build Integrations") of a Vanta company, and its resources."""

    gov: bool = Field(False, description="the company is on Vanta Gov")
    base_url: Annotated[str, AfterValidator(checked_origin)] | None = Field(
        None, description="instead of Vanta's own host: scheme and host of an emulator or a proxy"
    )
    client_id: str = Field(min_length=1, description="of the application; each one has a set of resources of its own")
    client_secret: Credential
    objects: dict[str, VantaObject] = Field(default_factory=dict)

    @field_validator("client_id")
    @classmethod
    def _no_reference(cls, given: str) -> str:
        if given.startswith(("env:", "file:")) or any(each.isspace() for each in given):
            raise ValueError("expected the id itself: it is no secret, and stands in Vanta's developer console")
        return given

    @model_validator(mode="after")
    def _one_host(self) -> Self:
        if self.gov and self.base_url is not None:
            raise ValueError("expected either gov or base_url")
        return self

    @model_validator(mode="after")
    def _fit_their_kind(self) -> Self:
        first: dict[str, str] = {}
        for kind, configured in self.objects.items():
            computers = configured.macos_resource_id or configured.windows_resource_id
            if computers and kind != "device":
                raise ValueError(f"expected resource_id for {kind}: macos_resource_id is for device")
            if configured.properties is not None and not _is_custom(kind, configured):
                raise ValueError(f"expected no properties for {kind}: only a custom resource has its own")
            for resource in configured.resources.values():
                other = first.setdefault(resource, kind)
                if other != kind or [*configured.resources.values()].count(resource) > 1:
                    raise ValueError(
                        f"expected a resource of its own for each kind: {other} and {kind} have {resource}"
                    )
        return self

    @property
    def origin(self) -> str:
        return self.base_url or (GOV if self.gov else ORIGIN)

    def of(self, kind: str) -> VantaObject:
        """The resources of a kind. Raises ConfigError when none is configured."""
        configured = self.objects.get(kind)
        if configured is None or not configured.resources:
            keys = "macos_resource_id, windows_resource_id" if kind == "device" else "resource_id"
            raise ConfigError(
                f"no Vanta resource is configured for {kind}",
                hint=f"Make it in Vanta's developer console (`proofport provision` prints the steps), and set {keys} "
                f"in `objects.{kind}`.",
            )
        return configured


def _has_false(value: JsonValue) -> bool:
    """True: it is false or null, or has one of them anywhere in it."""
    if isinstance(value, list | dict):
        return any(map(_has_false, value.values() if isinstance(value, dict) else value))
    return value is None or value is False


def _is_custom(kind: str, configured: VantaObject) -> bool:
    return kind == "cloud_resource" or kind.startswith("custom:") or (kind == "device" and bool(configured.resource_id))
