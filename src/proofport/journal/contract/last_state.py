"""The last delivered state, per lane and kind: what skipping the unchanged and finding what is gone rely on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from proofport.adapter import Tombstone

IN_DOUBT = 1
"""Noted as the last delivered digest where no body is known to have arrived: no digest equals it, so none is unchanged.
Noted over a body that was delivered, it makes that PERHAPS_OVERWRITTEN."""
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
    #: The number of the source of each id (`LaneRun.number_sources`), 0 for unknown. Empty: unknown for all. An unknown
    #: one leaves the one before.
    sources: Sequence[int] = ()
    #: How an id is written where that is not its key (`ids`), else None. Empty: all like their keys. The first spelling
    #: of an id stays until the id leaves the state.
    spellings: Sequence[str | None] = ()


NOTHING_SENT = Sent()


@dataclass(frozen=True, slots=True)
class Known:
    """The last delivery for one id."""

    #: The digest of the body.
    body: int
    #: When the source had looked; 0: unknown.
    observed: float
    #: The number of its source; 0: unknown.
    source: int = 0


@dataclass(frozen=True, slots=True)
class Intent:
    """A batch that is about to be sent: of a run, or as much of it as comes from one queued delivery.

    One that is left when the next run of its lane and kind begins was cut off: its ids become IN_DOUBT, with their
    bodies. Those of a staged run do so only if the vendor may have been told to complete it.
    """

    #: The number of the batch.
    batch: int
    #: Without digests.
    sent: Sent = field(repr=False)
    #: Over the ids and bodies of the batch.
    digest: bytes = b""
    #: The queued delivery. None: of the run that intends it.
    delivery: int | None = None


@dataclass(frozen=True, slots=True)
class SourceCount:
    """A source of the last delivered state. A source of which nothing is left is not listed."""

    number: int
    name: str
    #: The number of its ids.
    ids: int


@dataclass(frozen=True, slots=True)
class SpellingState:
    """How the ids of a last delivered state stand there."""

    #: Every id stands under its key. False: an older version wrote some of them.
    keyed: bool = True
    #: Some id is written otherwise than its key, or was.
    differ: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """The body that was last sent for one id, and the run or the queued delivery that sent it."""

    id: str
    run_id: str | None
    body: bytes = field(repr=False)
    delivery: int | None = None
    #: It was removed since, by that run or delivery if any is named, and its body is empty.
    removed: bool = False


@dataclass(frozen=True, slots=True)
class Left:
    """Sends that were cut off in a lane and kind. The next run that begins there puts them in doubt."""

    #: What was about to be sent, in its order: all of it IN_DOUBT.
    sent: Sequence[Sent] = ()
    #: The names of sources, by their numbers.
    sources: Mapping[int, str] = field(default_factory=dict)
    #: A run has not ended: all that was delivered before the next one is PERHAPS_OVERWRITTEN from then on.
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Arrival:
    """When something of a kind last arrived in a lane. None: never."""

    lane: str
    kind: str
    #: The last whole set was complete.
    complete: float | None
    #: A record was last delivered, by a run or from the queue, or found unchanged by a run.
    delivered: float | None
    #: The vendor's answer last confirmed a record.
    confirmed: float | None


class Delivered(Protocol):
    """Looking at the records of the last delivered state."""

    async def known(self, lane: str, kind: str, ids: Sequence[str]) -> list[Known | None]: ...
    async def gone(self, lane: str, kind: str, run_id: str, *, after: str = "", limit: int = 500) -> list[str]:
        """Ids delivered before and in no batch of `run_id`, the latest run of its lane and kind; in id order."""
        ...

    async def known_count(self, lane: str, kind: str) -> int: ...
    async def spellings(self, lane: str, kind: str, ids: Sequence[str]) -> list[str | None]:
        """How ids were written first. None: like the key, or not known."""
        ...

    async def spelling_state(self, lane: str, kind: str) -> SpellingState: ...
    async def sources(self, lane: str, kind: str) -> list[SourceCount]:
        """The sources of the last delivered state, by their numbers. Ids of an unknown source are not counted."""
        ...

    async def bodies(self, lane: str, kind: str, ids: Sequence[str]) -> list[bytes | None]:
        """The bodies that were last sent; an empty one for an id that was removed since. None: none was kept."""
        ...

    async def tombstones(
        self, lane: str, kind: str, *, since: float, after: str = "", limit: int = 500
    ) -> list[Tombstone]:
        """Records forgotten as gone at `since` or later, in id order. An id that is delivered again, with its body,
        is no tombstone any more.
        """
        ...


class LastState(Delivered, Protocol):
    """Looking at all of the last delivered state. A `LaneRun` writes it."""

    async def arrivals(self) -> list[Arrival]:
        """Of each lane and kind, in their order."""
        ...

    async def left(self, lane: str, kind: str) -> Left: ...
    async def kept(self, lane: str, kind: str, *, after: str = "", limit: int = 500) -> list[Kept]:
        """The last delivered state with its bodies, and what was removed of it, in id order.

        Without ids whose body was never kept.
        """
        ...
