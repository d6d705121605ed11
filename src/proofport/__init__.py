"""proofport delivers compliance evidence to the systems that auditors read.

Each public name is loaded at its first use, so that importing proofport takes almost no time.
"""

from __future__ import annotations

TYPE_CHECKING = False
"""Type checkers read this name as true. Importing it from `typing` takes as long as starting Python."""

if TYPE_CHECKING:
    from proofport.accounting import Assurance as Assurance
    from proofport.accounting import Outcome as Outcome
    from proofport.accounting import Status as Status
    from proofport.accounting import Tally as Tally
    from proofport.adapter import Adapter as Adapter
    from proofport.adapter import Answer as Answer
    from proofport.adapter import Finding as Finding
    from proofport.adapter import Mode as Mode
    from proofport.adapter import Operation as Operation
    from proofport.adapter import Provisioned as Provisioned
    from proofport.adapter import Schema as Schema
    from proofport.audit.explain import Explanation as Explanation
    from proofport.audit.explain import FieldTold as FieldTold
    from proofport.audit.explain import Whereabouts as Whereabouts
    from proofport.config import Config as Config
    from proofport.delivery.order import DestinationProgress as DestinationProgress
    from proofport.delivery.order import Progress as Progress
    from proofport.delivery.plan import Plan as Plan
    from proofport.delivery.queue.books import Watch as Watch
    from proofport.delivery.queue.shown import DeliveredRecord as DeliveredRecord
    from proofport.delivery.queue.shown import DeliveryReport as DeliveryReport
    from proofport.delivery.reading.decoder import Decoder as Decoder
    from proofport.delivery.report.problem_groups import ProblemGroup as ProblemGroup
    from proofport.delivery.report.problem_groups import ProblemGroups as ProblemGroups
    from proofport.delivery.report.report import DestinationReport as DestinationReport
    from proofport.delivery.report.report import Difference as Difference
    from proofport.delivery.report.report import Exit as Exit
    from proofport.delivery.report.report import Group as Group
    from proofport.delivery.report.report import RecordProblem as RecordProblem
    from proofport.delivery.report.report import RunReport as RunReport
    from proofport.delivery.report.report import SourceReport as SourceReport
    from proofport.delivery.report.unmatched import Unmatched as Unmatched
    from proofport.delivery.target import Target as Target
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
    from proofport.gateway import Preview as Preview
    from proofport.gateway import Records as Records
    from proofport.gateway.portability import Portability as Portability
    from proofport.gateway.portability import Ported as Ported
    from proofport.gateway.verify import Look as Look
    from proofport.gateway.verify import Verification as Verification
    from proofport.http.sender import Sender as Sender
    from proofport.journal.contract import Accepted as Accepted
    from proofport.journal.contract import Commit as Commit
    from proofport.journal.contract import Delivery as Delivery
    from proofport.journal.contract import Journal as Journal
    from proofport.mapping import MappingLibrary as MappingLibrary

__version__ = "0.1.0"

_HOMES = {
    "proofport.accounting": "Assurance Outcome Status Tally",
    "proofport.adapter": "Adapter Answer Finding Mode Operation Provisioned Schema",
    "proofport.audit.explain": "Explanation FieldTold Whereabouts",
    "proofport.config": "Config",
    "proofport.delivery.order": "DestinationProgress Progress",
    "proofport.delivery.plan": "Plan",
    "proofport.delivery.report.problem_groups": "ProblemGroup ProblemGroups",
    "proofport.delivery.queue.books": "Watch",
    "proofport.delivery.queue.shown": "DeliveredRecord DeliveryReport",
    "proofport.delivery.reading.decoder": "Decoder",
    "proofport.delivery.report.report": "DestinationReport Difference Exit Group RecordProblem RunReport SourceReport",
    "proofport.delivery.target": "Target",
    "proofport.delivery.report.unmatched": "Unmatched",
    "proofport.errors": "AccountingError AdapterFault Blocked ConfigError GuardRefused JournalError LaneLost "
    "MappingError OutcomeUnknown Problem ProofportError Rejected Retryable TooLarge "
    "UnsupportedFeature UsageError ValueUnknown",
    "proofport.evidence": "BrowserExtension CloudResource Custom Device DeviceUser Drive Evidence Person "
    "PersonnelAccount ScreenLock Software SystemService Tag TrainingRecord",
    "proofport.gateway": "Gateway Input Preview Records",
    "proofport.gateway.portability": "Portability Ported",
    "proofport.gateway.verify": "Look Verification",
    "proofport.http.sender": "Sender",
    "proofport.journal.contract": "Accepted Commit Delivery Journal",
    "proofport.mapping": "MappingLibrary",
}
_HOME = {name: module for module, names in _HOMES.items() for name in names.split()}
__all__ = sorted(_HOME)
"""All that a program handles: what the methods of Gateway take and return, the model, and the errors."""


if not TYPE_CHECKING:  # a type checker would conclude that every name exists

    def __getattr__(name):
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
