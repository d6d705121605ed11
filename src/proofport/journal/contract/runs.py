"""Runs, their batches, and what was asked of vendors. The evidence of a run stays in the user's files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

import orjson

from proofport.adapter import Memory, Mode
from proofport.journal.contract.last_state import NOTHING_SENT, Sent

RunState: TypeAlias = Literal["open", "complete", "ended"]


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run of one destination, as it begins."""

    run_id: str
    destination: str
    kind: str
    mode: Mode
    inputs: Sequence[str] = ()
    #: Nothing of it counts as delivered until it is complete.
    staged: bool = False
    #: A receipt is to follow its end.
    due: bool = False


@dataclass(frozen=True, slots=True)
class BatchDone:
    """One acknowledged batch of a run: where it was in the input, what was sent, what became of it."""

    number: int
    first: int
    last: int
    records: int
    #: Over the ids and bodies.
    digest: bytes
    #: Text of the counts and problems.
    outcomes: str
    #: Updates the last delivered state of the run's lane and kind. Empty when the run is read back.
    sent: Sent = field(default=NOTHING_SENT, repr=False)


@dataclass(frozen=True, slots=True)
class RunView:
    """A run as it stands."""

    run_id: str
    lane: str
    destination: str
    kind: str
    mode: Mode
    #: `complete`: the whole set was delivered (a snapshot: completed).
    state: RunState
    memory: Memory
    started: float
    ended: float | None
    #: JSON.
    report: str | None
    inputs: Sequence[str] = ()
    batches: Sequence[BatchDone] = field(default=(), repr=False)
    #: The digests of the batches that were about to be sent and are not noted, by their numbers.
    intents: Mapping[int, bytes] = field(default_factory=dict, repr=False)

    @property
    def books(self) -> dict[str, Any]:
        """The report. Empty: it has none."""
        found = orjson.loads(self.report) if self.report else {}
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call to a vendor. Never a body, never a secret."""

    operation: str
    #: 0: no answer.
    status: int
    seconds: float
    sent_bytes: int
    digest: str
    message: str
    at: float
    run_id: str | None = None
    delivery: int | None = None


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs. Every given field must match."""

    run_id: str | None = None
    destination: str | None = None
    kind: str | None = None
    mode: Mode | None = None
    state: RunState | None = None
    #: Begun at this time or later.
    since: float | None = None
    #: Only those that have ended, and not well.
    failed: bool = False


EVERY_RUN = RunFilter()
ALL = 2**31 - 1
"""A limit for those who look at everything."""


class Runs(Protocol):
    """Looking at runs. A `LaneRun` writes them."""

    async def run(self, run_id: str, destination: str) -> RunView | None:
        """With its batches and intents."""
        ...

    async def runs(self, *, lane: str | None = None, limit: int = 20, chosen: RunFilter = EVERY_RUN) -> list[RunView]:
        """The latest first, without batches and intents."""
        ...

    async def last_runs(self) -> list[RunView]:
        """Of each destination, kind and mode the latest run that has ended with a report. As `runs` gives them."""
        ...

    async def attempts(self, *, run_id: str | None = None, lane: str | None = None, limit: int = 100) -> list[Attempt]:
        """The latest first."""
        ...

    async def amend(self, run_id: str, destination: str, report: str) -> None:
        """Replace the report of a run that has ended: what was found out about it later."""
        ...
