"""A lane of the journal that ends with its process, and the right to write to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import orjson

from proofport.adapter import Memory, Schema
from proofport.errors import LaneLost, UsageError
from proofport.journal.contract import (
    IN_DOUBT,
    NOTHING_SENT,
    PERHAPS_OVERWRITTEN,
    Attempt,
    BatchDone,
    Delivery,
    Failure,
    Known,
    NewDelivery,
    NewRun,
    RunState,
    RunView,
    Sent,
)

if TYPE_CHECKING:
    from proofport.journal.memory import MemoryJournal


@dataclass(slots=True)
class Lane:
    name: str
    epoch: int = 0
    owner: str | None = None
    lease_until: float | None = None
    next_at: float = 0.0
    parked: str | None = None
    due: float | None = None


@dataclass(slots=True)
class Run:
    view: RunView
    staged: bool
    cut: bool = False
    batches: dict[int, BatchDone] = field(default_factory=dict)
    held_back: list[Sent] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)


class MemoryLaneRun:
    """See `proofport.journal.contract.LaneRun`."""

    def __init__(self, journal: MemoryJournal, lane: Lane, lease: float) -> None:
        self.lane = lane.name
        self.epoch = lane.epoch
        self._journal = journal
        self._lane = lane
        self._lease = lease
        self._begun: dict[str, Run] = {}

    def _check(self) -> None:
        if self._lane.epoch != self.epoch or self._lane.owner is None:
            raise LaneLost(f"the lane {self.lane} was given back or taken over: its epoch {self.epoch} is over")

    async def renew(self) -> None:
        self._check()
        self._lane.lease_until = self._journal.clock() + self._lease
        if self._lane.due is not None:
            self._journal.schedule(self._lane)

    async def release(self) -> None:
        if self._lane.epoch == self.epoch and self._lane.owner is not None:
            self._lane.owner = self._lane.lease_until = None
            self._journal.schedule(self._lane)
            self._journal.news.set()

    # ------------------------------------------------------------------ queued deliveries
    async def take(self, n: int) -> list[Delivery]:
        self._check()
        if self._lane.parked is not None or self._lane.next_at > self._journal.clock():
            return []
        return self._journal.queued(self.lane)[:n]

    def _mine(self, delivery: Delivery) -> Delivery:
        self._check()
        return self._journal.deliveries[delivery.id]

    async def done(
        self,
        delivery: Delivery,
        outcome: str,
        *,
        sent: Sent = NOTHING_SENT,
        dead: tuple[NewDelivery, Failure] | None = None,
    ) -> None:
        found, now = self._mine(delivery), self._journal.clock()
        if found.state not in ("queued", "cancelled"):
            return
        self._journal.change(found, state="done", attempts=found.attempts + 1, finished=now, outcome=outcome)
        self._journal.deliver(self.lane, found.kind, sent, removed=found.mode == "remove", delivery=found.id)
        if dead is not None:
            new, failure = dead
            letter = self._journal.add(new, "dead")
            self._journal.change(letter, attempts=found.attempts + 1, finished=now, failure=failure)

    async def dead(self, delivery: Delivery, failure: Failure, *, bodies: bytes | None = None) -> None:
        found, now = self._mine(delivery), self._journal.clock()
        if found.state == "queued":
            ended = {"attempts": found.attempts + 1, "finished": now, "failure": failure, "bodies": bodies}
            self._journal.change(found, state="dead", **ended)

    async def later(self, delivery: Delivery, delay: float, failure: Failure) -> None:
        found = self._mine(delivery)
        if found.state == "queued":
            self._journal.change(found, attempts=found.attempts + 1, failure=failure)
        self._lane.next_at = self._journal.clock() + delay
        self._journal.schedule(self._lane)

    async def park(self, reason: str) -> None:
        self._check()
        self._lane.parked, self._lane.due = reason, None

    # ------------------------------------------------------------------ bulk runs
    async def begin(self, run: NewRun) -> None:
        self._check()
        journal, key = self._journal, (run.run_id, run.destination)
        self._doubt_after_a_cut(run.kind)
        found = journal.all_runs.get(key)
        if found is None:
            view = RunView(
                run_id=run.run_id,
                lane=self.lane,
                destination=run.destination,
                kind=run.kind,
                mode=run.mode,
                state="open",
                memory={},
                started=journal.clock(),
                ended=None,
                report=None,
                inputs=list(run.inputs),
            )
            found = journal.all_runs[key] = Run(view, run.staged)
        elif found.view.lane != self.lane:
            raise UsageError(f"the run {run.run_id} of {run.destination} was begun in another lane than {self.lane}")
        else:
            found.view, found.cut = replace(found.view, state="open", ended=None, report=None), False
        self._begun[run.run_id] = found
        for other in journal.all_runs.values():
            view = other.view
            same = (view.lane, view.destination, view.kind) == (self.lane, run.destination, run.kind)
            if same and view.state == "open" and other is not found:
                other.view = replace(view, state="ended", ended=journal.clock())

    def _doubt_after_a_cut(self, kind: str) -> None:
        runs = (run for run in self._journal.all_runs.values() if (run.view.lane, run.view.kind) == (self.lane, kind))
        cut = [run for run in runs if run.view.state == "open" and not run.cut]
        for run in cut:
            run.cut = True
        state = self._journal.delivered.get((self.lane, kind), {}) if cut else {}
        for text, last in state.items():
            if last.body != IN_DOUBT:
                state[text] = Known(PERHAPS_OVERWRITTEN, last.observed)

    def _run(self, run_id: str) -> Run:
        if run_id not in self._begun:
            raise UsageError(f"the run {run_id} was not begun by this owner of the lane {self.lane}")
        self._check()
        return self._begun[run_id]

    async def remember(self, run_id: str, memory: Memory) -> None:
        run = self._run(run_id)
        run.view = replace(run.view, memory=orjson.loads(orjson.dumps(memory)))

    async def batch_done(self, run_id: str, batch: BatchDone) -> None:
        run = self._run(run_id)
        run.batches[batch.number] = replace(batch, sent=NOTHING_SENT)
        run.ids.update(batch.sent.ids)
        if run.staged:
            run.held_back.append(batch.sent)
        else:
            removed = run.view.mode == "remove"
            self._journal.deliver(self.lane, run.view.kind, batch.sent, removed=removed, run_id=run_id)

    async def end(self, run_id: str, *, complete: bool, report: str) -> None:
        run = self._run(run_id)
        state: RunState = "complete" if complete else "ended"
        run.view = replace(run.view, state=state, ended=self._journal.clock(), report=report)
        if complete:
            for sent in run.held_back:
                self._journal.deliver(self.lane, run.view.kind, sent, removed=False)
            run.held_back.clear()

    async def forget(self, kind: str, ids: Sequence[str]) -> None:
        self._check()
        self._journal.deliver(self.lane, kind, Sent(ids), removed=True)

    async def note_schema(self, schema: Schema) -> None:
        self._check()
        schemas = self._journal.frozen.setdefault(self.lane, {})
        if schema.slug not in schemas:
            schemas[schema.slug] = replace(schema, published=self._journal.clock(), defined=0.0)
            state = self._journal.delivered.get((self.lane, schema.kind), {})
            state.update({text: Known(IN_DOUBT, last.observed) for text, last in state.items()})

    async def attempted(self, attempts: Sequence[Attempt]) -> None:
        self._check()
        self._journal.all_attempts += [(self.lane, attempt) for attempt in attempts]
