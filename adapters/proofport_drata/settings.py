"""What the configuration says about one Drata destination."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from proofport.adapter import Credential, ObjectSettings, Settings
from proofport.errors import ConfigError
from proofport.wire import checked_origin

REGIONS = {
    "us": "https://public-api.drata.com",
    "eu": "https://public-api.eu.drata.com",
    "apac": "https://public-api.apac.drata.com",
}
"""One host per data region (the `servers` of the vendor's OpenAPI, v1 and v2)."""

PUT_MERGE = "put_merge"
"""Assumed: PUT of a record keeps the fields it does not name. The vendor publishes neither merge nor replace."""


class DrataObject(ObjectSettings):
    """The object of one kind; `proofport provision` finds or makes it.

    `connection_id` (and `resource_id` where records go to a CUSTOM connection), or, for people, the number of an
    identity provider's connection. `empty_set`: what an empty snapshot of a CUSTOM resource means.
    """

    connection_id: int | None = Field(None, gt=0)
    resource_id: int | None = Field(None, gt=0)
    idp_connection_id: int | None = Field(None, gt=0)
    empty_set: Literal["refuse", "delete_all"] = "refuse"

    @model_validator(mode="after")
    def _one_connection(self) -> Self:
        if (self.connection_id is None) == (self.idp_connection_id is None):
            raise ValueError("expected either connection_id or, for people, idp_connection_id")
        return self


class DrataSettings(Settings):
    """Where, with which key, and the object of each kind."""

    region: Literal["us", "eu", "apac"] | None = None
    base_url: Annotated[str, AfterValidator(checked_origin)] | None = Field(
        None, description="instead of region: scheme and host of an emulator or a proxy"
    )
    api_key: Credential
    workspace_ids: tuple[int, ...] = Field((), description="where `provision` makes connections; [1] is usual")
    allow_assumed: frozenset[Literal["put_merge"]] = Field(
        frozenset(), description="[put_merge] lets a patch rely on what the vendor does not publish"
    )
    objects: dict[str, DrataObject] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_host(self) -> Self:
        if (self.region is None) == (self.base_url is None):
            raise ValueError("expected either region (us, eu or apac) or base_url")
        return self

    @model_validator(mode="after")
    def _people_only(self) -> Self:
        for kind, configured in self.objects.items():
            if kind != "person" and configured.connection_id is None:
                raise ValueError(f"expected connection_id in objects.{kind}: idp_connection_id is for person")
        return self

    @property
    def origin(self) -> str:
        return self.base_url or REGIONS[self.region or "us"]

    def resource(self, kind: str) -> tuple[int, int]:
        """Connection and resource id that `kind` is delivered to. Raises ConfigError when they are not configured."""
        configured = self.objects.get(kind)
        if configured is None or configured.connection_id is None or configured.resource_id is None:
            raise ConfigError(
                f"no Drata resource is configured for {kind}",
                hint=f"Let `proofport provision` make one, or set connection_id and resource_id in `objects.{kind}`.",
            )
        return configured.connection_id, configured.resource_id

    def connection(self, kind: str) -> int:
        """The connection that devices or people are delivered to. Raises ConfigError when it is not configured."""
        configured = self.objects.get(kind)
        if configured is None or configured.connection_id is None:
            raise ConfigError(
                f"no Drata connection is configured for {kind}",
                hint=f"Let `proofport provision` make one, or set connection_id in `objects.{kind}`.",
            )
        return configured.connection_id
