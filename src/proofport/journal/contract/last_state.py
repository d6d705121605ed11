"""The last delivered state, per lane and kind: what skipping the unchanged and finding what is gone rely on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from proofport.adapter import Tombstone

IN_DOUBT = 1
"""Noted as the last delivered digest where the body is not known to have arrived: no digest equals it, so none is
unchanged."""
PERHAPS_OVERWRITTEN = 2
"""Stands for a body that was delivered, and may have been followed by another that was not noted. None equals it."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The new last delivered state of some ids. In mode `remove` the ids leave the state.

    What is sent later wins, also when it was observed earlier.
    """

    ids: Sequence[str] = ()
    #: 64-bit unsigned digests of the bodies. 0: the id belongs to the run's set, and what was delivered for it before
    #: still holds.
    bodies: Sequence[int] = ()
    #: When the source had looked, in seconds; 0 for unknown. Empty when that is unknown for all.
    observed: Sequence[float] = ()
    #: The bodies themselves, where they are kept. An empty one leaves the one before. A removal empties them.
    items: Sequence[bytes] = ()


NOTHING_SENT = Sent()


@dataclass(frozen=True, slots=True)
class Known:
    """The last delivery for one id."""

    #: The digest of the body.
    body: int
    #: When the source had looked; 0: unknown.
    observed: float


@dataclass(frozen=True, slots=True)
class Kept:
    """The body that was last sent for one id, and the run or the queued delivery that sent it."""

    id: str
    run_id: str | None
    body: bytes = field(repr=False)
    delivery: int | None = None
    #: It was removed since, by that run or delivery if any is named, and its body is empty.
    removed: bool = False


class LastState(Protocol):
    """Looking at the last delivered state. A `LaneRun` writes it."""

    async def known(self, lane: str, kind: str, ids: Sequence[str]) -> list[Known | None]: ...
    async def gone(self, lane: str, kind: str, run_id: str, *, after: str = "", limit: int = 500) -> list[str]:
        """Ids delivered before and in no batch of `run_id`, the latest run of its lane and kind; in id order."""
        ...

    async def known_count(self, lane: str, kind: str) -> int: ...
    async def bodies(self, lane: str, kind: str, ids: Sequence[str]) -> list[bytes | None]:
        """The bodies that were last sent; an empty one for an id that was removed since. None: none was kept."""
        ...

    async def kept(self, lane: str, kind: str, *, after: str = "", limit: int = 500) -> list[Kept]:
        """The last delivered state with its bodies, and what was removed of it, in id order.

        Without ids whose body was never kept.
        """
        ...

    async def tombstones(
        self, lane: str, kind: str, *, since: float, after: str = "", limit: int = 500
    ) -> list[Tombstone]:
        """Records forgotten as gone at `since` or later, in id order. An id that is delivered again, with its body,
        is no tombstone any more.
        """
        ...
