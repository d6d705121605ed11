"""Assets: what exists in a cloud account, and computers and phones."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import model_validator

from proofport.evidence.base import Evidence, Part, Text, Timestamp
from proofport.evidence.placeholders import is_placeholder


class Tag(Part):
    key: Text
    value: str | None = None


class CloudResource(Evidence):
    """One resource: a machine, a bucket, a user of the account."""

    #: `<provider>.<service>.<thing>`, for example `aws.ec2.instance`: free text, checked by the mappings.
    type: Text
    provider: Text | None = None
    account_id: str | None = None
    region: str | None = None
    name: str | None = None
    description: str | None = None
    state: str | None = None
    #: For vendors that cannot delete: `removed` says that the resource is gone.
    lifecycle_state: str | None = None
    owner_email: str | None = None
    #: A link to the resource, for people.
    url: str | None = None
    created_at: Timestamp | None = None
    encrypted: bool | None = None
    public: bool | None = None
    mfa_enabled: bool | None = None
    tags: list[Tag] | None = None


class Software(Part):
    name: Text
    version: Text
    description: str | None = None
    #: The name that its maker gives it for programs: a bundle id such as `com.example.editor`, the id of an extension.
    identifier: Text | None = None


class BrowserExtension(Software):
    browser: Literal["chrome", "firefox", "opera", "safari", "edge"] | None = None


class Drive(Part):
    """One volume. That a flag is null or omitted means that the source did not say."""

    name: Text
    encrypted: bool | None = None
    filevault_enabled: bool | None = None
    boot: bool | None = None


class ScreenLock(Part):
    """A setting, or a rule of the management system, by which a screen locks itself."""

    #: A password is needed to unlock.
    password_required: bool | None = None
    #: In seconds.
    after: int | None = None


class DeviceUser(Part):
    """One account of the device's system."""

    username: Text
    screen_lock: ScreenLock | None = None
    #: The rules for this user. Empty: there are none.
    screen_lock_policies: list[ScreenLock] | None = None
    last_login_at: Timestamp | None = None


class SystemService(Part):
    name: Text
    description: str
    start_type: str
    status: str


class Device(Evidence):
    """One computer or phone and its security posture.

    Posture flags are three-state: null or omitted means that the source did not say. Each may have a note. A serial
    number or MAC address that is empty or a placeholder, such as `To be filled by O.E.M.`, is left out: vendors take
    two devices that share one for the same device.
    """

    name: str | None = None
    owner_email: str | None = None
    owner_id: int | None = None
    #: A link to the device in the system that manages it, for people.
    url: str | None = None
    platform: Literal["macos", "windows", "linux", "unix", "android", "ios", "chromeos"] | None = None
    os_name: str | None = None
    os_version: str | None = None
    make: str | None = None
    model: str | None = None
    serial_number: str | None = None
    uuid: str | None = None
    mac_address: str | None = None
    ip_address: str | None = None
    cpu: str | None = None
    memory: str | None = None
    enrolled_at: Timestamp | None = None
    last_seen_at: Timestamp | None = None
    active: bool | None = None
    #: A management system controls the device.
    managed: bool | None = None
    disk_encrypted: bool | None = None
    disk_encrypted_note: str | None = None
    drives: list[Drive] | None = None
    filevault_enabled: bool | None = None
    antivirus_enabled: bool | None = None
    antivirus_note: str | None = None
    antivirus_software: str | None = None
    native_antivirus_enabled: bool | None = None
    auto_update_enabled: bool | None = None
    auto_update_note: str | None = None
    firewall_enabled: bool | None = None
    firewall_note: str | None = None
    password_required: bool | None = None
    password_manager_enabled: bool | None = None
    password_manager_note: str | None = None
    screen_lock_enabled: bool | None = None
    screen_lock_note: str | None = None
    #: In seconds.
    screen_lock_after: int | None = None
    #: The rules for everybody who uses the device. Empty: there are none.
    screen_lock_policies: list[ScreenLock] | None = None
    session_timeout_enabled: bool | None = None
    users: list[DeviceUser] | None = None
    applications: list[Software] | None = None
    browser_extensions: list[BrowserExtension] | None = None
    system_services: list[SystemService] | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_placeholders(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        missing = [name for name in ("serial_number", "mac_address") if _stands_for_nothing(given.get(name))]
        return {name: value for name, value in given.items() if name not in missing} if missing else given


def _stands_for_nothing(value: object) -> bool:
    return isinstance(value, str) and is_placeholder(value)
