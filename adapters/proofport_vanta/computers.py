"""The bodies of computers. Vanta has one base type for macOS and one for Windows, and none for anything else.

Sources: OAS, the vendor's OpenAPI document; GRAM, the observations of a public client. A record of the kind `device`
says by `platform`, which is not sent, which of the three resources of a destination it belongs to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, ValidationError, model_validator
from pydantic.functional_validators import ModelWrapValidatorHandler
from pydantic_core import InitErrorDetails, PydanticCustomError

from proofport_vanta.common import Int32, Moment, Part, Text, VantaBody, wire_names

Browser = Literal["CHROME", "FIREFOX", "OPERA", "SAFARI", "EDGE"]
Rating = Literal["GOOD", "POOR", "SNOOZED", "NOT_MONITORED", "ERROR"]


# ------------------------------------------------------------------ what they are made of
class Application(Part):
    name: Text
    bundle_id: str
    last_opened_timestamp: Moment | None = None


class Program(Part):
    name: Text


class BrowserExtension(Part):
    extension_id: Text
    name: Text
    browser: Browser


class MacosDrive(Part):
    name: Text
    encrypted: bool
    filevault_enabled: bool
    is_boot_volume: bool | None = None


class WindowsDrive(Part):
    name: Text
    encrypted: bool

    @model_validator(mode="before")
    @classmethod
    def _without_macos(cls, data: Any) -> Any:
        drop = ("filevaultEnabled", "isBootVolume")
        return {name: value for name, value in data.items() if name not in drop} if isinstance(data, dict) else data


class Drive(Part):
    """A drive of either platform, as a mapping makes it."""

    name: Text
    encrypted: bool
    filevault_enabled: bool | None = Field(None, description="macOS")
    is_boot_volume: bool | None = Field(None, description="macOS")


class Screenlock(Part):
    requires_password: bool
    screen_sleep_timeout_ms: Int32


class ComputerUser(Part):
    username: Text
    screenlock_policies: list[Screenlock]
    screenlock_settings: Screenlock
    last_login_timestamp: Moment | None = None


class PasswordPolicy(Part):
    minimum_length_requirement: Int32


class SecurityProduct(Part):
    name: Text
    category: Literal["FIREWALL", "ANTIVIRUS", "ANTISPYWARE"]
    state: Literal["ON", "OFF", "UNKNOWN"]
    state_timestamp: Moment
    signatures_up_to_date: bool


class SecurityCenter(Part):
    firewall: Rating
    autoupdate: Rating
    antivirus: Rating
    internet_setting: Rating
    user_account_control: Rating
    windows_security_center_service: Rating


# ------------------------------------------------------------------ the two base types
class _Computer(VantaBody):
    collected_timestamp: Moment
    os_name: Text
    os_version: Text
    hardware_uuid: Text
    serial_number: Text
    browser_extensions: list[BrowserExtension]
    users: list[ComputerUser]
    system_screenlock_policies: list[Screenlock]
    is_managed: bool
    auto_updates_enabled: bool
    owner: Text | None = Field(None, description="an e-mail address (OAS); of anybody (observed: llamalync)")
    password_policy: PasswordPolicy | None = None
    last_enrolled_timestamp: Moment | None = None


class MacosComputer(_Computer):
    platform: Literal["macos"]
    applications: list[Application]
    drives: list[MacosDrive]
    is_x_protect_enabled: bool | None = None


class WindowsComputer(_Computer):
    platform: Literal["windows"]
    programs: list[Program]
    drives: list[WindowsDrive]
    windows_security_products: list[SecurityProduct] | None = None
    windows_security_center: SecurityCenter | None = None


COMPUTERS: dict[str, type[VantaBody]] = {"macos": MacosComputer, "windows": WindowsComputer}
NAMES = {"macos": "macOS", "windows": "Windows"}
NEITHER = (
    "Vanta has computers with macOS and with Windows only. Leave the others out at the source; or let them be a custom "
    "resource, by `objects.device.resource_id` and, for its own properties, `objects.device.properties`."
)

NO_RESOURCE = (
    "No resource is configured for such devices. Make it in Vanta's developer console and set "
    "`objects.device.{}_resource_id`, or leave them out at the source."
)


class DeviceBody(VantaBody):
    """A device of any platform. Which fields are required, and allowed, its `platform` says."""

    #: The forms by platform. A device of a platform that is not among them is refused.
    forms: ClassVar[Mapping[str, type[VantaBody]]] = COMPUTERS
    #: The form of what is neither macOS nor Windows. None: it is refused.
    others: ClassVar[type[VantaBody] | None] = None

    platform: Text = Field(description="macos, windows or another: chooses the resource, and is not sent")
    collected_timestamp: Moment | None = None
    os_name: Text | None = None
    os_version: Text | None = None
    hardware_uuid: Text | None = None
    serial_number: Text | None = None
    applications: list[Application] | None = Field(None, description="macOS")
    programs: list[Program] | None = Field(None, description="Windows")
    browser_extensions: list[BrowserExtension] | None = None
    drives: list[Drive] | None = Field(None, description="filevaultEnabled and isBootVolume: macOS")
    users: list[ComputerUser] | None = None
    system_screenlock_policies: list[Screenlock] | None = None
    is_managed: bool | None = None
    auto_updates_enabled: bool | None = None
    owner: Text | None = None
    password_policy: PasswordPolicy | None = None
    last_enrolled_timestamp: Moment | None = None
    is_x_protect_enabled: bool | None = Field(None, description="macOS")
    windows_security_products: list[SecurityProduct] | None = None
    windows_security_center: SecurityCenter | None = None
    custom_properties: dict[str, Any] | None = Field(None, description="of what is neither macOS nor Windows")

    @model_validator(mode="wrap")
    @classmethod
    def _by_platform(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Any:
        """Check a device as what its platform makes it. Fields of the other platforms are left out."""
        platform = data.get("platform") if isinstance(data, dict) else None
        if not isinstance(platform, str) or not platform:
            return handler(data)
        form = cls.forms.get(platform) if platform in COMPUTERS else cls.others
        if form is None:
            hint = NO_RESOURCE.format(platform) if platform in COMPUTERS else NEITHER
            names = " or ".join(NAMES[each] for each in cls.forms) or "another platform"
            wrong = PydanticCustomError("platform", "expected a device with {names}", {"names": names, "hint": hint})
            detail = InitErrorDetails(type=wrong, loc=("platform",), input=platform)
            raise ValidationError.from_exception_data(cls.__name__, [detail])
        foreign = set(wire_names(DeviceBody)).difference(wire_names(form))
        return form.model_validate({name: value for name, value in data.items() if name not in foreign}, strict=True)
