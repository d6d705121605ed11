"""Snapshots that come in parts: durable parts, until the whole set is delivered or given up.

open ---- commit ----> committed -- end(delivered) --> delivered
 | ^                    |      ^
 | +---- end(open) -----+------+ claimed by one process at a time, under a lease
 +------ abort -> aborted             open, and nobody adds to it for its lifetime -> expired
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from proofport.errors import UsageError

SnapshotState: TypeAlias = Literal["open", "committed", "delivered", "aborted", "expired"]


@dataclass(frozen=True, slots=True)
class NewSnapshot:
    """A snapshot as it is opened."""

    #: The caller's, unique.
    id: str
    tenant: str
    kind: str
    #: As configured.
    destinations: Sequence[str]
    #: Seconds that it stays open untouched.
    lifetime: float


@dataclass(frozen=True, slots=True)
class Part:
    """Some records of a snapshot, as a payload."""

    name: str
    records: int
    payload: bytes = field(repr=False)
    #: What its pages say about the list that they are of, as JSON; None where they are no pages.
    pages: str | None = None
    #: The name of its source, the same in every snapshot. None: an older version has taken the part.
    source: str | None = None
    #: The number of records that came with them, and that the source mapping leaves out. The payload lists them.
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class SnapshotView:
    """A snapshot as it stands."""

    id: str
    tenant: str
    kind: str
    destinations: Sequence[str]
    state: SnapshotState
    created: float
    #: When an open one expires, unless something is added.
    expires: float
    #: The number of parts. It stays when they are dropped, and so does that of the records.
    parts: int
    records: int
    #: Of its last commit, JSON.
    report: str | None = None


@dataclass(frozen=True, slots=True)
class Commit:
    """The right to deliver a committed snapshot."""

    snapshot: SnapshotView
    #: The same for everybody who takes the commit over: it is one run.
    run_id: str
    #: The reason for which the guard is overridden.
    override: str | None
    #: The sources that are left out on purpose.
    without: Sequence[str]
    #: Grows with every claim. What is written under an old one is refused.
    epoch: int
    #: How often in a row whoever delivered it died.
    breakdowns: int
    #: Who had it before, and did not give it back.
    before: str | None = None


class OtherNumber(UsageError):
    """A commit expects another number of records than the parts hold."""

    def __init__(self, found: int, expected: int, parts: int) -> None:
        super().__init__(f"the parts of the snapshot hold {found:,} records, and {expected:,} are expected")
        self.found = found
        self.parts = parts


class Snapshots(Protocol):
    async def open_snapshot(self, new: NewSnapshot) -> None:
        """Durable when it returns."""
        ...

    async def snapshot(self, snapshot: str) -> SnapshotView | None:
        """One whose time is over is expired, whether or not `expire_snapshots` has been there."""
        ...

    async def snapshots(
        self, *, tenant: str | None = None, state: SnapshotState | None = None, limit: int = 100
    ) -> list[SnapshotView]:
        """The latest first."""
        ...

    async def put_part(self, snapshot: str, part: Part) -> bool:
        """Add a part, or replace the one of its name; durable when it returns. False: the snapshot is not open."""
        ...

    async def parts(self, snapshot: str, *, after: str = "", limit: int = 10) -> list[Part]:
        """In the order of their names, those above `after`."""
        ...

    async def abort_snapshot(self, snapshot: str) -> bool:
        """Give up an open snapshot, and drop its parts. False: it is not open."""
        ...

    async def expire_snapshots(self) -> int:
        """End the open ones whose time is over, and drop their parts. The number of them."""
        ...

    # commits
    async def commit_snapshot(
        self,
        snapshot: str,
        *,
        run_id: str,
        override: str | None = None,
        without: Sequence[str] = (),
        expected: int | None = None,
    ) -> bool:
        """Commit an open snapshot: from now on its parts do not change. False: it is not open.

        Raises OtherNumber unless the parts that it commits hold `expected` records, the skipped ones included.
        """
        ...

    async def claim_commit(
        self, *, owner: str, lease: float, snapshot: str | None = None, full: Sequence[str] = ()
    ) -> Commit | None:
        """Take the oldest committed snapshot that nobody holds, or whose lease has run out; or this one. None: none."""
        ...

    async def renew_commit(self, commit: Commit, *, lease: float) -> None:
        """Extend the lease. Raises LaneLost when another has taken the commit over, or it has ended."""
        ...

    async def end_commit(self, commit: Commit, state: Literal["delivered", "open"], report: str) -> None:
        """End the commit with its report: `delivered`, which drops the parts, or `open` again, for a new lifetime.

        Raises LaneLost when another has taken the commit over, or it has ended.
        """
        ...

    async def release_commit(self, commit: Commit) -> None:
        """Give the commit back, so that another goes on with it. Does nothing when it is not ours."""
        ...
