"""Every exception of proofport, sorted by what the caller must do about it.

ProofportError
├── UsageError                   change what was asked
│   ├── ConfigError              … in the configuration file
│   ├── MappingError             … in a mapping file (file, line, column)
│   └── UnsupportedFeature       … the vendor has no way to express it
├── Rejected                     change this record; the others go on
│   └── ValueUnknown             … its source does not know what the vendor requires
├── GuardRefused                 a person decides whether the loss is meant
├── Blocked                      a person acts at the vendor (credentials, plan, terms); everything is kept
├── Retryable                    wait, then repeat
├── TooLarge                     send less at once
├── OutcomeUnknown               look before repeating: the request may have taken effect
├── LaneLost                     stop writing: another process has taken over the lane
├── JournalError                 repair its store (disk full, read-only, damaged): what it acknowledged is kept
├── AdapterFault                 report it: an adapter failed on an answer; the outcome of the records is unknown
└── AccountingError              stop: the five counts do not sum to the input
"""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault in one record, field or file."""

    found: str
    expected: str
    field: str | None = None
    #: How to fix it.
    hint: str | None = None
    vendor_message: str | None = None

    def __str__(self) -> str:
        where = f"{self.field}: " if self.field else ""
        text = f"{where}found {self.found}, expected {self.expected}"
        if self.vendor_message:
            text += f" (the vendor says: {self.vendor_message})"
        return f"{text}. {self.hint}" if self.hint else text

    def as_dict(self) -> dict[str, str | None]:
        return asdict(self)


class ProofportError(Exception):
    """The base of every error that proofport raises on purpose."""

    #: A request may have taken effect before this happened.
    lost = False

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        #: The next step for whoever reads it.
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class UsageError(ProofportError):
    """The request cannot be carried out as it was made."""


class ConfigError(UsageError):
    """The configuration file, or a secret it refers to, is missing or wrong."""


class MappingError(UsageError):
    """A mapping file is wrong. Lines and columns count from 1."""

    def __init__(self, problem: Problem, *, file: str, line: int, column: int) -> None:
        super().__init__(f"{file}:{line}:{column}: {problem}")
        self.problem = problem
        self.file = file
        self.line = line
        self.column = column


class UnsupportedFeature(UsageError):
    """The vendor cannot express this. Raised instead of dropping or changing it."""


class Rejected(ProofportError):
    """One record cannot be delivered as it is."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class ValueUnknown(Rejected):
    """One record lacks a value that the vendor requires. It is withheld: nobody has said anything wrong."""

    def __init__(self, problem: Problem, *, excluded: bool = False) -> None:
        super().__init__(problem)
        #: The configuration says that such records are left out.
        self.excluded = excluded


class GuardRefused(ProofportError):
    """A destructive step was refused: too many records would be removed, or the source was not read to its end."""


class Blocked(ProofportError):
    """The vendor refuses every request until a person acts: credentials, permission, plan or terms."""


class Retryable(ProofportError):
    """The vendor, or the network, does not work at the moment."""

    def __init__(
        self, message: str, *, after: float | None = None, lost: bool = False, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        #: The seconds to wait that the vendor asked for.
        self.after = after
        self.lost = lost


class TooLarge(ProofportError):
    """The vendor refused the request for its size; the engine halves the batch."""


class OutcomeUnknown(ProofportError):
    """The answer was lost: the request may or may not have taken effect."""


class LaneLost(ProofportError):
    """The lane's lease ran out, and another owner has taken it. Nothing more may be written or sent for the lane."""


class JournalError(ProofportError):
    """The journal cannot be read or written now. What it has acknowledged before is kept."""


class AdapterFault(ProofportError):
    """An adapter failed, for example on an answer that it does not expect. A bug in the adapter."""


class AccountingError(ProofportError):
    """The outcomes do not sum to the input. A bug: nothing about this run can be trusted."""
