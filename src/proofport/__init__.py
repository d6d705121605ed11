"""proofport delivers compliance evidence to the systems that auditors read.

Each public name is loaded at its first use, so that importing proofport takes almost no time.
"""

from __future__ import annotations

TYPE_CHECKING = False
"""Type checkers read this name as true. Importing it from `typing` takes as long as starting Python."""

if TYPE_CHECKING:
    from proofport.config import Config as Config
    from proofport.delivery.report import RunReport as RunReport
    from proofport.errors import AccountingError as AccountingError
    from proofport.errors import AdapterFault as AdapterFault
    from proofport.errors import Blocked as Blocked
    from proofport.errors import ConfigError as ConfigError
    from proofport.errors import GuardRefused as GuardRefused
    from proofport.errors import JournalError as JournalError
    from proofport.errors import LaneLost as LaneLost
    from proofport.errors import MappingError as MappingError
    from proofport.errors import OutcomeUnknown as OutcomeUnknown
    from proofport.errors import Problem as Problem
    from proofport.errors import ProofportError as ProofportError
    from proofport.errors import Rejected as Rejected
    from proofport.errors import Retryable as Retryable
    from proofport.errors import TooLarge as TooLarge
    from proofport.errors import UnsupportedFeature as UnsupportedFeature
    from proofport.errors import UsageError as UsageError
    from proofport.errors import ValueUnknown as ValueUnknown
    from proofport.evidence import BrowserExtension as BrowserExtension
    from proofport.evidence import CloudResource as CloudResource
    from proofport.evidence import Custom as Custom
    from proofport.evidence import Device as Device
    from proofport.evidence import DeviceUser as DeviceUser
    from proofport.evidence import Drive as Drive
    from proofport.evidence import Evidence as Evidence
    from proofport.evidence import Person as Person
    from proofport.evidence import PersonnelAccount as PersonnelAccount
    from proofport.evidence import ScreenLock as ScreenLock
    from proofport.evidence import Software as Software
    from proofport.evidence import SystemService as SystemService
    from proofport.evidence import Tag as Tag
    from proofport.evidence import TrainingRecord as TrainingRecord
    from proofport.gateway import Gateway as Gateway
    from proofport.gateway import Input as Input

__version__ = "0.1.0"

_HOMES = {
    "proofport.config": "Config",
    "proofport.delivery.report": "RunReport",
    "proofport.errors": "AccountingError AdapterFault Blocked ConfigError GuardRefused JournalError LaneLost "
    "MappingError OutcomeUnknown Problem ProofportError Rejected Retryable TooLarge UnsupportedFeature UsageError "
    "ValueUnknown",
    "proofport.evidence": "BrowserExtension CloudResource Custom Device DeviceUser Drive Evidence Person "
    "PersonnelAccount ScreenLock Software SystemService Tag TrainingRecord",
    "proofport.gateway": "Gateway Input",
}
_HOME = {name: module for module, names in _HOMES.items() for name in names.split()}


if not TYPE_CHECKING:  # a type checker would conclude that every name exists

    def __getattr__(name):
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
