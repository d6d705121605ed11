"""The vendor-neutral model: six kinds of evidence."""

from __future__ import annotations

import re

from proofport.errors import UsageError
from proofport.evidence.assets import BrowserExtension as BrowserExtension
from proofport.evidence.assets import CloudResource as CloudResource
from proofport.evidence.assets import Device as Device
from proofport.evidence.assets import DeviceUser as DeviceUser
from proofport.evidence.assets import Drive as Drive
from proofport.evidence.assets import ScreenLock as ScreenLock
from proofport.evidence.assets import Software as Software
from proofport.evidence.assets import SystemService as SystemService
from proofport.evidence.assets import Tag as Tag
from proofport.evidence.base import BETWEEN as BETWEEN
from proofport.evidence.base import Custom as Custom
from proofport.evidence.base import Evidence as Evidence
from proofport.evidence.base import Neutral as Neutral
from proofport.evidence.base import format_timestamp as format_timestamp
from proofport.evidence.base import moment_of as moment_of
from proofport.evidence.base import read_moment as read_moment
from proofport.evidence.people import Person as Person
from proofport.evidence.people import PersonnelAccount as PersonnelAccount
from proofport.evidence.people import TrainingRecord as TrainingRecord

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
