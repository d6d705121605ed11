"""The configuration of what one kind is delivered to."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, JsonValue, model_validator

from proofport.adapter import ObjectSettings
from proofport_vanta.definitions import Declared


def _quoted(given: object) -> object:
    """YAML reads an id of digits alone as a number, and may change it."""
    if isinstance(given, int | float) and not isinstance(given, bool):
        raise ValueError(  # noqa: TRY004 - pydantic tells of a ValueError alone
            f'expected an id in quotes, as "{given}": without them YAML reads it as a number'
        )
    return given


ResourceId = Annotated[str, BeforeValidator(_quoted), Field(pattern=r"^[A-Za-z0-9_-]+$")]
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


def _has_false(value: JsonValue) -> bool:
    """True: it is false or null, or has one of them anywhere in it."""
    if isinstance(value, list | dict):
        return any(map(_has_false, value.values() if isinstance(value, dict) else value))
    return value is None or value is False
