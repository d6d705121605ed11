"""The configuration of one Drata destination."""

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
"""Assumed: PUT of a record keeps the fields that it does not name. Drata does not publish whether PUT merges or
replaces."""


class DrataObject(ObjectSettings):
    """The object of one kind. `proofport provision` finds or makes it."""

    #: The connection of records, devices, or people of an HRIS.
    connection_id: int | None = Field(None, gt=0)
    #: The resource within a CUSTOM connection.
    resource_id: int | None = Field(None, gt=0)
    #: For people, in place of `connection_id`: the connection of an identity provider.
    idp_connection_id: int | None = Field(None, gt=0)
    #: The meaning of an empty snapshot of records.
    empty_set: Literal["refuse", "delete_all"] = "refuse"

    @model_validator(mode="after")
    def _one_connection(self) -> Self:
        if (self.connection_id is None) == (self.idp_connection_id is None):
            raise ValueError("expected either connection_id or, for people, idp_connection_id")
        return self


class DrataSettings(Settings):
    """Host, key, and the object of each kind."""

    region: Literal["us", "eu", "apac"] | None = None
    base_url: Annotated[str, AfterValidator(checked_origin)] | None = Field(
        None, description="instead of region: scheme and host of an emulator or a proxy"
    )
    api_key: Credential
    workspace_ids: tuple[int, ...] = Field(
        (), description="where `provision` makes connections", json_schema_extra={"ask": "[1]"}
    )
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

    @model_validator(mode="after")
    def _one_kind_each(self) -> Self:
        """A set of one kind would delete the records of the other."""
        first: dict[tuple[int | None, int], str] = {}
        for kind, configured in self.objects.items():
            if configured.resource_id is None:
                continue
            other = first.setdefault((configured.connection_id, configured.resource_id), kind)
            if other != kind:
                raise ValueError(f"expected a resource of its own for each kind: {other} and {kind} have the same one")
        return self

    @property
    def origin(self) -> str:
        return self.base_url or REGIONS[self.region or "us"]

    def of(self, kind: str) -> DrataObject:
        """The object of `kind`. One that is not configured has no ids."""
        return self.objects.get(kind) or DrataObject.model_construct()

    def connection(self, kind: str) -> int:
        """The connection that `kind` is delivered to. Raises ConfigError when it is not configured."""
        connection = self.of(kind).connection_id
        if connection is None:
            raise _missing("connection", kind, "connection_id")
        return connection

    def custom_resource(self, kind: str) -> tuple[int, int]:
        """Connection and resource of the records of `kind`. Raises ConfigError when they are not configured."""
        configured = self.of(kind)
        if configured.connection_id is None or configured.resource_id is None:
            raise _missing("resource", kind, "connection_id and resource_id")
        return configured.connection_id, configured.resource_id


def _missing(what: str, kind: str, keys: str) -> ConfigError:
    return ConfigError(
        f"no Drata {what} is configured for {kind}",
        hint=f"`proofport provision DEST --kind {kind}` makes one; or set {keys} in `objects.{kind}`.",
    )
