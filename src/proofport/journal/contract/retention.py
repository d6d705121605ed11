"""The size of a journal, and dropping what is old: nothing that delivering, auditing or a person may still need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, get_args

Prunable: TypeAlias = Literal["deliveries", "attempts", "runs", "snapshots", "lists of plain ids"]
PRUNABLE: Sequence[Prunable] = get_args(Prunable)


@dataclass(frozen=True, slots=True)
class Holding:
    """Rows of one sort."""

    #: The sort, as people call it.
    what: str
    rows: int
    #: Of their contents, without what the store adds.
    bytes: int


@dataclass(frozen=True, slots=True)
class JournalSize:
    """The room that a journal takes up, and what it holds."""

    #: All that it takes up.
    bytes: int
    #: What of that is free, to be used again. 0 where the store does not say.
    free: int
    #: False: the store keeps what is free until the journal is rewritten.
    shrinks: bool
    holdings: Sequence[Holding]


@dataclass(frozen=True, slots=True)
class Pruned:
    """One window of pruning."""

    dropped: Sequence[Holding]
    #: The next window begins after this. None: there is none.
    after: int | None


class Retention(Protocol):
    async def size(self) -> JournalSize:
        """All of it is looked at. Nobody waits meanwhile."""
        ...

    async def prune(
        self, what: Prunable, *, before: float, after: int = 0, limit: int = 500, dry_run: bool = False
    ) -> Pruned:
        """Drop what ended before a time, of the next `limit` rows. A short transaction. `dry_run`: only count it.

        - deliveries: those that are done or cancelled, once all that was submitted with them is; with what was answered
          to the submission: its key is new from then on. Never one that waits, is dead, or is about to be sent.
        - attempts: the calls, but for those for deliveries that wait or are dead and for runs that are open or lack
          their receipt.
        - runs: batches, and all of a report but the counts. Never of one that is open, lacks its receipt, or can be
          resumed. The run itself stays.
        - snapshots: those that were delivered, aborted or have expired.
        - lists of plain ids: those beside receipts, which hold no digest of them.
        """
        ...

    async def give_space_back(self) -> bool:
        """Give a little of what is free back to the file system, in a short transaction. False: there is no more."""
        ...

    async def rewrite(self) -> None:
        """Make the store as small as what it holds. Whoever writes waits for as long as copying all of it takes."""
        ...
