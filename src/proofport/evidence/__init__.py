"""The vendor-neutral model: six kinds of evidence."""

from __future__ import annotations

import re

from proofport.errors import UsageError
from proofport.evidence.assets import (
    BrowserExtension,
    CloudResource,
    Device,
    DeviceUser,
    Drive,
    ScreenLock,
    Software,
    SystemService,
    Tag,
)
from proofport.evidence.base import BETWEEN, Custom, Evidence, Neutral, format_timestamp, moment_of, read_moment
from proofport.evidence.people import Person, PersonnelAccount, TrainingRecord

__all__ = [
    "BETWEEN",
    "KINDS",
    "BrowserExtension",
    "CloudResource",
    "Custom",
    "Device",
    "DeviceUser",
    "Drive",
    "Evidence",
    "Neutral",
    "Person",
    "PersonnelAccount",
    "ScreenLock",
    "Software",
    "SystemService",
    "Tag",
    "TrainingRecord",
    "format_timestamp",
    "model_of",
    "moment_of",
    "read_moment",
]

KINDS: dict[str, type[Evidence]] = {
    "cloud_resource": CloudResource,
    "training_record": TrainingRecord,
    "personnel_account": PersonnelAccount,
    "device": Device,
    "person": Person,
}
_CUSTOM = re.compile(r"custom:[a-z][a-z0-9_]{0,62}")


def model_of(kind: str) -> type[Evidence]:
    """The model of a kind. Raises UsageError naming the kinds there are."""
    if _CUSTOM.fullmatch(kind):
        return Custom
    if kind in KINDS:
        return KINDS[kind]
    known = ", ".join(KINDS)
    raise UsageError(
        f"there is no kind {kind!r}; the kinds are {known} and custom:<type>",
        hint="A custom type is lower-case letters, digits and underscores, for example custom:software_package.",
    )
