"""What a journal keeps of snapshots that come in parts: durable parts, until the whole set is delivered or given up.

open ---- commit ----> committed ---- delivered ----> delivered
 | ^                       |
 | +---- not delivered ----+          open, and nobody adds to it for its lifetime -> expired
 +------ abort -> aborted
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

SnapshotState: TypeAlias = Literal["open", "committed", "delivered", "aborted", "expired"]


@dataclass(frozen=True, slots=True)
class NewSnapshot:
    """`id` is the caller's, unique. `destinations` as configured. `lifetime`: seconds that it stays open untouched."""

    id: str
    tenant: str
    kind: str
    destinations: Sequence[str]
    lifetime: float


@dataclass(frozen=True, slots=True)
class Part:
    """Some records of a snapshot, as a payload. `incomplete`: why its source was not read to its end, if it was not."""

    name: str
    records: int
    payload: bytes = field(repr=False)
    incomplete: str | None = None


@dataclass(frozen=True, slots=True)
class SnapshotView:
    """`parts` and `records` count what it holds, also after its parts were dropped. `report`: of its last commit, JSON.

    `expires`: when an open one does, unless something is added.
    """

    id: str
    tenant: str
    kind: str
    destinations: Sequence[str]
    state: SnapshotState
    created: float
    expires: float
    parts: int
    records: int
    report: str | None = None


class Snapshots(Protocol):
    """The part of a journal that keeps them."""

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

    async def move_snapshot(
        self, snapshot: str, before: SnapshotState, after: SnapshotState, *, report: str | None = None
    ) -> bool:
        """Give it its next state, in which it begins a new lifetime. False, and nothing done: it is not in `before`.

        In `delivered` and `aborted` its parts are dropped. A `report` replaces the last one.
        """
        ...

    async def expire_snapshots(self) -> int:
        """End the open ones whose time is over, and drop their parts. The number of them."""
        ...
