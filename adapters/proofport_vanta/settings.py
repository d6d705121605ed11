"""The configuration of one Vanta destination."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from proofport.adapter import Credential, Settings
from proofport.errors import ConfigError
from proofport.wire import checked_origin
from proofport_vanta.bodies import require_fitting
from proofport_vanta.objects import VantaObject

ORIGIN, GOV = "https://api.vanta.com", "https://api.vanta-gov.com"
"""Regional hosts redirect to the first (observed: speakeasy-api/gram), so there is no setting for a region."""


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

    @field_validator("objects")
    @classmethod
    def _fitting_values(cls, objects: dict[str, VantaObject]) -> dict[str, VantaObject]:
        for kind, configured in objects.items():
            require_fitting(kind, configured)
        return objects

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


def _is_custom(kind: str, configured: VantaObject) -> bool:
    return kind == "cloud_resource" or kind.startswith("custom:") or (kind == "device" and bool(configured.resource_id))
