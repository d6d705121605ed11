"""Receipts: signed statements about runs, in one log for the whole journal. `proofport.audit` makes and reads them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

PAGE = 100
"""Receipts that are read at a time."""


@dataclass(frozen=True, slots=True)
class LogHead:
    """The end of the log, as the next receipt must know it."""

    #: How many receipts there are, of all branches.
    size: int
    #: The branch that goes on. A journal that was restored goes on with a branch of its own.
    branch: str
    #: How many receipts the branch has.
    sequence: int
    #: The SHA-256 of the last envelope, of whatever branch. Empty: there is none.
    digest: bytes


@dataclass(frozen=True, slots=True)
class NewReceipt:
    """A receipt to be added at the end of the log."""

    branch: str
    #: Its number in the branch, from 1 on.
    sequence: int
    #: The run and destination that it is about. Empty: a receipt about a key.
    run_id: str
    destination: str
    #: Its hash in the tree of the log.
    leaf: bytes
    digest: bytes
    envelope: bytes = field(repr=False)
    #: What is kept beside it, by name.
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """A receipt as it is kept."""

    #: Its place in the log, from 0 on.
    place: int
    branch: str
    sequence: int
    run_id: str
    destination: str
    at: float
    envelope: bytes = field(repr=False)
    #: The names of what is kept beside it.
    files: Sequence[str] = ()

    @property
    def name(self) -> str:
        return f"{self.branch}-{self.sequence}"


@dataclass(frozen=True, slots=True)
class Branch:
    """A part of the log that one history of the journal wrote. A restored journal goes on with a new one."""

    name: str
    begun: float
    #: How many receipts the log had then.
    size: int


@dataclass(frozen=True, slots=True)
class ReceiptKey:
    """A public key that has signed receipts."""

    public: bytes
    since: float
    until: float | None = None
    #: The envelope in which the key before says that this one follows. Empty: it is the first of its branch.
    rotation: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Stamp:
    """A time stamp of the log: an authority says when there was a checkpoint."""

    #: How many receipts the checkpoint covers.
    size: int
    #: What the authority says, in seconds since 1970.
    at: float
    #: The signed checkpoint.
    note: bytes = field(repr=False)
    #: The authority's answer (RFC 3161), as it came.
    answer: bytes = field(repr=False)


class Receipts(Protocol):
    async def log_head(self) -> LogHead:
        """The end of the log. The first branch is begun if there is none."""
        ...

    async def add_receipt(self, new: NewReceipt, *, after: int) -> bool:
        """Add a receipt at the end of a log that has `after` receipts. Durable when it returns.

        False, and nothing was done: another process was quicker, or the run has its receipt. The run is not due any
        more.
        """
        ...

    async def receipts(self, *, run_id: str | None = None, first: int = 0, limit: int = 100) -> list[ReceiptView]:
        """In the order of the log, from the place `first` on."""
        ...

    async def receipt_file(self, place: int, name: str) -> bytes | None:
        """Return what is kept beside a receipt under this name."""
        ...

    async def leaves(self, *, first: int = 0, limit: int = 10_000) -> list[bytes]:
        """The hashes of receipts in the tree of the log, in its order."""
        ...

    async def branches(self) -> list[Branch]:
        """In the order in which they were begun."""
        ...

    async def due(self, *, limit: int = 1_000) -> list[tuple[str, str]]:
        """Runs without the receipt that follows their end: `(run_id, destination), …`, the oldest first.

        They are open, or whoever carried them out has died before it was written.
        """
        ...

    async def due_lanes(self) -> list[tuple[str, int, float]]:
        """Lanes whose queued deliveries have ended without a receipt: `(lane, how many, since when), …`.

        Deliveries are due from their end on, once the log has a key.
        """
        ...

    async def receipt_keys(self) -> list[ReceiptKey]:
        """In the order in which they were added."""
        ...

    async def add_receipt_key(self, key: ReceiptKey) -> None:
        """Add a key that signs from now on; the one before ends. Nothing happens when it is the last one already."""
        ...

    async def add_stamp(self, stamp: Stamp) -> None:
        """Keep a time stamp. Nothing happens where the log has one of this size already."""
        ...

    async def stamps(self, *, after: int = 0, limit: int = 100) -> list[Stamp]:
        """The time stamps of more than `after` receipts, in the order of the log."""
        ...

    async def stamped(self) -> int:
        """How many receipts have a time stamp, from the first on."""
        ...

    async def keep_texts(self, texts: Mapping[str, str]) -> None:
        """Keep texts of mapping files and of those that they include, by their hexadecimal SHA-256."""
        ...

    async def kept_text(self, digest: str) -> str | None: ...


async def all_receipts(journal: Receipts) -> AsyncIterator[ReceiptView]:
    """Every receipt, in the order of the log."""
    first = 0
    while page := await journal.receipts(first=first, limit=PAGE):
        for receipt in page:
            yield receipt
        first = page[-1].place + 1
