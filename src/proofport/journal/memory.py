"""A journal that ends with its process, for tests and for trying things out. See `proofport.journal.contract`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import orjson

from proofport.adapter import Memory
from proofport.errors import JournalError, LaneLost, UsageError
from proofport.journal import scheduler
from proofport.journal.contract import (
    NOTHING_SENT,
    Accepted,
    Attempt,
    BatchDone,
    Delivery,
    Failure,
    Filter,
    Known,
    LaneRun,
    LaneView,
    NewDelivery,
    NewRun,
    RunState,
    RunView,
    Sent,
    State,
)


@dataclass(slots=True)
class _Lane:
    name: str
    epoch: int = 0
    owner: str | None = None
    lease_until: float | None = None
    next_at: float = 0.0
    parked: str | None = None
    due: float | None = None


@dataclass(slots=True)
class _Run:
    view: RunView
    staged: bool
    batches: dict[int, BatchDone] = field(default_factory=dict)
    held_back: list[Sent] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)


class MemoryJournal:
    """Keeps everything in dictionaries. `clock` gives seconds since 1970."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.all_lanes: dict[str, _Lane] = {}
        self.deliveries: dict[int, Delivery] = {}
        self.all_runs: dict[tuple[str, str], _Run] = {}
        self.all_attempts: list[tuple[str, Attempt]] = []
        self.delivered: dict[tuple[str, str], dict[str, Known]] = {}
        self._keys: dict[str, int] = {}
        self._permits: dict[str, float] = {}
        self._news: asyncio.Event | None = None

    async def open(self) -> None:
        self._news = asyncio.Event()

    async def close(self) -> None:
        self._news = None

    @property
    def news(self) -> asyncio.Event:
        if self._news is None:
            raise JournalError("the journal is not open")
        return self._news

    # ------------------------------------------------------------------ accepting and looking
    async def accept(self, deliveries: Sequence[NewDelivery]) -> list[Accepted]:
        self.news.set()
        return [self._accept(new) for new in deliveries]

    def _accept(self, new: NewDelivery) -> Accepted:
        lane = self.lane(new.lane)
        if new.key is not None and new.key in self._keys:
            return Accepted(self._keys[new.key], duplicate=True)
        delivery = self.add(new, "queued")
        self.wake(lane)
        return Accepted(delivery.id, duplicate=False)

    def add(self, new: NewDelivery, state: State) -> Delivery:
        delivery = Delivery(
            id=len(self.deliveries) + 1,
            lane=new.lane,
            destination=new.destination,
            kind=new.kind,
            mode=new.mode,
            payload=new.payload,
            records=new.records,
            state=state,
            attempts=0,
            created=self.clock(),
            key=new.key,
        )
        self.deliveries[delivery.id] = delivery
        if new.key is not None:
            self._keys[new.key] = delivery.id
        return delivery

    async def find(self, chosen: Filter, *, after: int = 0, limit: int = 100) -> list[Delivery]:
        return [delivery for delivery in self._matching(chosen) if delivery.id > after][:limit]

    def _matching(self, chosen: Filter) -> Iterator[Delivery]:
        for delivery in list(self.deliveries.values()):
            if (
                (chosen.ids is None or delivery.id in chosen.ids)
                and (chosen.lane is None or delivery.lane == chosen.lane)
                and (chosen.state is None or delivery.state == chosen.state)
            ):
                yield delivery

    async def replay(self, chosen: Filter) -> list[Accepted]:
        self.news.set()
        accepted = []
        for d in self._matching(chosen):
            if d.state == "dead":
                new = NewDelivery(d.lane, d.destination, d.kind, d.mode, d.payload, d.records)
                accepted.append(self._accept(new))
                self.change(d, state="cancelled", outcome=orjson.dumps({"replayed_as": accepted[-1].id}).decode())
        return accepted

    async def cancel(self, chosen: Filter, reason: str) -> int:
        outcome = orjson.dumps({"reason": reason}).decode()
        ends = [delivery for delivery in self._matching(chosen) if delivery.state in ("queued", "dead")]
        for delivery in ends:
            self.change(delivery, state="cancelled", outcome=outcome, finished=self.clock())
        return len(ends)

    def change(self, delivery: Delivery, **changes: object) -> None:
        self.deliveries[delivery.id] = replace(self.deliveries[delivery.id], **changes)  # type: ignore[arg-type]

    # ------------------------------------------------------------------ lanes
    def lane(self, name: str) -> _Lane:
        return self.all_lanes.setdefault(name, _Lane(name))

    def queued(self, name: str) -> list[Delivery]:
        return list(self._matching(Filter(lane=name, state="queued")))

    def wake(self, lane: _Lane) -> None:
        if lane.due is None:
            self.schedule(lane)

    def schedule(self, lane: _Lane) -> None:
        lane.due = None
        if lane.parked is None and self.queued(lane.name):
            lane.due = max(self.clock(), lane.next_at, lane.lease_until or 0.0)

    async def lanes(self) -> list[LaneView]:
        return [self._view(self.all_lanes[name]) for name in sorted(self.all_lanes)]

    def _view(self, lane: _Lane) -> LaneView:
        queued = self.queued(lane.name)
        return LaneView(
            lane=lane.name,
            queued=len(queued),
            oldest=queued[0].created if queued else None,
            dead=len(list(self._matching(Filter(lane=lane.name, state="dead")))),
            epoch=lane.epoch,
            owner=lane.owner,
            lease_until=lane.lease_until,
            next_at=lane.next_at,
            parked=lane.parked,
        )

    async def resume(self, lane: str) -> bool:
        if lane not in self.all_lanes:
            return False
        found = self.all_lanes[lane]
        found.parked, found.next_at = None, 0.0
        self.schedule(found)
        self.news.set()
        return True

    async def claim(self, lane: str | None = None, *, owner: str, lease: float) -> LaneRun | None:
        found = self._due() if lane is None else self.lane(lane)
        if found is None or (lane is not None and found.owner is not None and (found.lease_until or 0) > self.clock()):
            return None
        found.epoch += 1
        found.owner, found.lease_until = owner, self.clock() + lease
        self.schedule(found)
        return _MemoryLaneRun(self, found, lease)

    def _due(self) -> _Lane | None:
        awake = [lane for lane in self.all_lanes.values() if lane.due is not None and lane.due <= self.clock()]
        return min((lane for lane in awake if self.queued(lane.name)), key=lambda lane: lane.due or 0.0, default=None)

    async def work(
        self, drain: Callable[[LaneRun], Awaitable[None]], *, owner: str, slots: int, lease: float, stop: asyncio.Event
    ) -> None:
        await scheduler.work(
            lambda: self.claim(owner=owner, lease=lease),
            lambda: self._due() is not None,
            self.news,
            drain,
            slots=slots,
            stop=stop,
        )

    # ------------------------------------------------------------------ bulk runs
    async def run(self, run_id: str, destination: str) -> RunView | None:
        run = self.all_runs.get((run_id, destination))
        if run is None:
            return None
        return replace(run.view, batches=[run.batches[number] for number in sorted(run.batches)])

    async def runs(self, *, lane: str | None = None, limit: int = 20) -> list[RunView]:
        views = [run.view for run in self.all_runs.values() if lane is None or run.view.lane == lane]
        return views[::-1][:limit]

    async def attempts(self, *, run_id: str | None = None, lane: str | None = None, limit: int = 100) -> list[Attempt]:
        found = [
            attempt
            for of_lane, attempt in reversed(self.all_attempts)
            if (run_id is None or attempt.run_id == run_id) and (lane is None or of_lane == lane)
        ]
        return found[:limit]

    # ------------------------------------------------------------------ the last delivered state
    def deliver(self, lane: str, kind: str, sent: Sent, *, removed: bool) -> None:
        state = self.delivered.setdefault((lane, kind), {})
        bodies = sent.bodies or [0] * len(sent.ids)
        observed = sent.observed or [0.0] * len(sent.ids)
        for text, body, at in zip(sent.ids, bodies, observed, strict=True):
            if removed:
                state.pop(text, None)
            elif body:
                state[text] = Known(body, at)

    async def known(self, lane: str, kind: str, ids: Sequence[str]) -> list[Known | None]:
        state = self.delivered.get((lane, kind), {})
        return [state.get(text) for text in ids]

    async def gone(self, lane: str, kind: str, run_id: str, *, after: str = "", limit: int = 500) -> list[str]:
        runs = [run for run in self.all_runs.values() if run.view.run_id == run_id and run.view.lane == lane]
        named = {text for run in runs if run.view.kind == kind for text in run.ids}
        state = self.delivered.get((lane, kind), {})
        return sorted(text for text in state if text > after and text not in named)[:limit]

    async def known_count(self, lane: str, kind: str) -> int:
        return len(self.delivered.get((lane, kind), {}))

    # ------------------------------------------------------------------ the pacer
    async def permit(self, key: str, *, per_minute: int, burst: int) -> float:
        if per_minute == 0:
            return 0.0
        now, interval = self.clock(), 60 / per_minute
        at = max(self._permits.get(key, 0.0), now - interval * (burst - 1))
        self._permits[key] = at + interval
        return max(0.0, at - now)


class _MemoryLaneRun:
    """See `proofport.journal.contract.LaneRun`."""

    def __init__(self, journal: MemoryJournal, lane: _Lane, lease: float) -> None:
        self.lane = lane.name
        self.epoch = lane.epoch
        self._journal = journal
        self._lane = lane
        self._lease = lease
        self._begun: dict[str, _Run] = {}

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
        self._journal.deliver(self.lane, found.kind, sent, removed=found.mode == "remove")
        if dead is not None:
            new, failure = dead
            self._journal.change(self._journal.add(new, "dead"), finished=now, failure=failure)

    async def dead(self, delivery: Delivery, failure: Failure) -> None:
        found, now = self._mine(delivery), self._journal.clock()
        if found.state == "queued":
            self._journal.change(found, state="dead", attempts=found.attempts + 1, finished=now, failure=failure)

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
            found = journal.all_runs[key] = _Run(view, run.staged)
        elif found.view.lane != self.lane:
            raise UsageError(f"the run {run.run_id} of {run.destination} was begun in another lane than {self.lane}")
        else:
            found.view = replace(found.view, state="open", ended=None, report=None)
        self._begun[run.run_id] = found
        for other in journal.all_runs.values():
            view = other.view
            same = (view.lane, view.destination, view.kind) == (self.lane, run.destination, run.kind)
            if same and view.state == "open" and other is not found:
                other.view = replace(view, state="ended", ended=journal.clock())

    def _run(self, run_id: str) -> _Run:
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
            self._journal.deliver(self.lane, run.view.kind, batch.sent, removed=run.view.mode == "remove")

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

    async def attempted(self, attempts: Sequence[Attempt]) -> None:
        self._check()
        self._journal.all_attempts += [(self.lane, attempt) for attempt in attempts]
