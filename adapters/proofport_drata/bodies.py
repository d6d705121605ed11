"""The bodies that Drata accepts: records of a CUSTOM resource, whose schema is the tenant's own, and three of Drata's.

Sources: V2, the vendor's OpenAPI v2 (devices, hris-user-identities); V1, its OpenAPI v1 (connections, upload).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from proofport.adapter import Body, Mode
from proofport.evidence.base import Timestamp
from proofport.evidence.placeholders import is_placeholder

CUSTOM_KINDS = ("cloud_resource", "training_record", "personnel_account")

Short = Annotated[str, Field(max_length=191)]
ShortText = Annotated[str, Field(min_length=1, max_length=191)]
Email = Annotated[str, Field(max_length=191, pattern=r"^[^@\s]+@[^@\s]+$")]


def custom_record(kind: str, mode: Mode) -> Body:
    """A record of a CUSTOM resource. It has no model: its JSON Schema comes from the mapping, and `provision` sends it.

    A plain `string` property refuses null, a type union accepts it (observed: speakeasy-api/gram, commit b5f47cb), so
    nulls go where the mapping says `nullable`. Arrays are stored, yet tests over them are fragile (observed:
    drata-rv/OCI-custom-connection): the built-in mappings keep records flat.
    """
    return Body(
        name="custom_record",
        mapping=f"drata/{kind}" if kind in CUSTOM_KINDS else None,
        nulls="nullable",
        arrays="send",
        partial=mode == "patch",
    )


class _Body(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", alias_generator=to_camel)


def _has_a_word(platform: object) -> object:
    if platform in ("ios", "chromeos"):
        raise PydanticCustomError(
            "platform",
            "expected a platform that Drata can express: macos, windows, linux, unix or android",
            {"hint": f"Drata has no word for {platform} devices; sent as another platform they would be wrong."},
        )
    return platform


def _of_one_device(key: str) -> str:
    if is_placeholder(key):
        raise PydanticCustomError(
            "match_key",
            "expected a value that is this device's own",
            {"hint": "Drata takes devices that share it for one. Leave the field out of the mapping or the extras."},
        )
    return key


MatchKey = Annotated[str, AfterValidator(_of_one_device)]


class InstalledApp(_Body):
    name: Short = Field(description="V2")
    version: Short = Field(description="V2")
    description: str | None = Field(None, description="V2")


class WindowsService(_Body):
    name: Short = Field(description="V2")
    description: Short = Field(description="V2")
    start_type: Short = Field(description="V2")
    status: Short = Field(description="V2")


class DeviceBody(_Body):
    """A device of an MDM connection, matched on external id, serial number or MAC address (V2).

    Drata does not publish the meaning of null for a posture flag, so a flag that is unknown is left out (as
    drata-rv/custom-intune does).
    """

    external_id: ShortText = Field(description="V2: in the filter and the answers at most 191 characters")
    personnel_id: int | Annotated[str, Field(pattern="^email:.+$")] = Field(description="V2: number, or email:ADDRESS")
    platform_name: Annotated[Literal["MACOS", "WINDOWS", "LINUX", "UNIX", "ANDROID"], BeforeValidator(_has_a_word)] = (
        Field(description="V2: no value for iOS")
    )
    platform_version: Short = Field(description="V2")
    serial_number: MatchKey | None = Field(None, description="V2: a match key")
    mac_address: MatchKey | None = Field(None, description="V2: a match key")
    alias: Short | None = Field(None, description="V2: never returned")
    model: Short | None = Field(None, description="V2")
    antivirus_enabled: bool | None = Field(None, description="V2")
    antivirus_explanation: str | None = Field(None, description="V2: an object by schema, a text by example")
    auto_update_enabled: bool | None = Field(None, description="V2")
    auto_update_explanation: str | None = Field(None, description="V2: as above")
    encryption_enabled: bool | None = Field(None, description="V2")
    encryption_explanation: str | None = Field(None, description="V2: as above")
    firewall_enabled: bool | None = Field(None, description="V2")
    firewall_explanation: str | None = Field(None, description="V2: as above")
    password_manager_enabled: bool | None = Field(None, description="V2")
    password_manager_explanation: str | None = Field(None, description="V2: as above")
    screen_lock_enabled: bool | None = Field(None, description="V2: never returned")
    screen_lock_explanation: str | None = Field(None, description="V2: as above")
    screen_lock_time: int | float | None = Field(None, description="V2: its unit is not published; seconds assumed")
    app_list: list[InstalledApp] | None = Field(None, description="V2")
    browser_extensions: list[InstalledApp] | None = Field(None, description="V2")
    windows_services: list[WindowsService] | None = Field(None, description="V2")


class IdentityBody(_Body):
    """A person of an HRIS connection (V2). A field that is left out stays as it was, null clears it."""

    identity_id: Annotated[str, Field(min_length=1)] = Field(description="V2: the key; no limit published")
    email: Email | None = Field(None, description="V2: matches a Drata user")
    secondary_email: Email | None = Field(None, description="V2")
    first_name: Short | None = Field(None, description="V2")
    last_name: Short | None = Field(None, description="V2")
    job_title: Short | None = Field(None, description="V2")
    manager_id: Short | None = Field(None, description="V2: the caller's own id")
    manager_name: Short | None = Field(None, description="V2")
    started_at: Timestamp | None = Field(None, description="V2")
    separated_at: Timestamp | None = Field(None, description="V2: written once; null clears it")
    is_contractor: bool | None = Field(None, description="V2: null is unknown")


class IdpPersonBody(_Body):
    """A person of an identity provider that is fed by lists (V1)."""

    id: ShortText = Field(description="V1")
    first_name: Short = Field(description="V1")
    last_name: Short = Field(description="V1")
    email: Email = Field(description="V1")
    contractor: bool = Field(description="V1: there is no value for unknown")
    is_mfa_enabled: bool = Field(description="V1: there is no value for unknown")
    date: Timestamp = Field(description="V1: the start date; RFC 3339 is one of its forms")
    avatar_url: Annotated[str, Field(max_length=768)] | None = Field(None, description="V1")
    job_title: Short | None = Field(None, description="V1")
    customer_id: Short | None = Field(None, description="V1")


def device() -> Body:
    return Body("device", "drata/device", DeviceBody, id_field="externalId", nulls="omit")


def hris_person(mode: Mode) -> Body:
    return Body(
        "hris_identity", "drata/person", IdentityBody, id_field="identityId", nulls="nullable", partial=mode == "patch"
    )


def idp_person() -> Body:
    return Body("idp_person", "drata/idp_person", IdpPersonBody, nulls="omit")
