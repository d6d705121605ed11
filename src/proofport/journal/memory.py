"""A journal that ends with its process, for tests and for trying things out. See `proofport.journal.contract`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace

import orjson

from proofport.adapter import Schema
from proofport.errors import JournalError
from proofport.journal import scheduler
from proofport.journal.contract import (
    Accepted,
    Attempt,
    Delivery,
    Filter,
    Kept,
    Known,
    LaneRun,
    LaneView,
    NewDelivery,
    Once,
    RunView,
    Sent,
    State,
    Submitted,
)
from proofport.journal.memory_access import MemoryAccessKeys
from proofport.journal.memory_lane import Lane, MemoryLaneRun, Run
from proofport.journal.memory_snapshots import MemorySnapshots
from proofport.tenancy import tenant_of


class MemoryJournal(MemoryAccessKeys, MemorySnapshots):
    """Keeps everything in dictionaries. `clock` gives seconds since 1970."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        MemoryAccessKeys.__init__(self)
        MemorySnapshots.__init__(self)
        self.clock = clock
        self.all_lanes: dict[str, Lane] = {}
        self.deliveries: dict[int, Delivery] = {}
        self.all_runs: dict[tuple[str, str], Run] = {}
        self.all_attempts: list[tuple[str, Attempt]] = []
        self.delivered: dict[tuple[str, str], dict[str, Known]] = {}
        self.items: dict[tuple[str, str], dict[str, Kept]] = {}
        self.frozen: dict[str, dict[str, Schema]] = {}
        self._keys: dict[str, int] = {}
        self._once: dict[tuple[str, str], tuple[Once, list[int]]] = {}
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
            bodies=new.bodies,
        )
        self.deliveries[delivery.id] = delivery
        if new.key is not None:
            self._keys[new.key] = delivery.id
        return delivery

    async def submit(self, deliveries: Sequence[NewDelivery], *, once: Once | None = None) -> Submitted:
        if once is not None and (once.tenant, once.key) in self._once:
            first, known = self._once[once.tenant, once.key]
            return Submitted(known, first)
        ids = [accepted.id for accepted in await self.accept(deliveries)]
        for each in ids:
            self.change(self.deliveries[each], submission=ids[0])
        if once is not None:
            self._once[once.tenant, once.key] = once, ids
        return Submitted(ids)

    async def find(
        self, chosen: Filter, *, after: int = 0, before: int | None = None, limit: int = 100
    ) -> list[Delivery]:
        found = [delivery for delivery in self._matching(chosen) if delivery.id > after]
        if before is not None:
            found = [delivery for delivery in reversed(found) if delivery.id < before]
        return found[:limit]

    def _matching(self, chosen: Filter) -> Iterator[Delivery]:
        for delivery in list(self.deliveries.values()):
            if (
                (chosen.ids is None or delivery.id in chosen.ids)
                and (chosen.lane is None or delivery.lane == chosen.lane)
                and (chosen.state is None or delivery.state == chosen.state)
                and (chosen.tenant is None or tenant_of(delivery.lane) == chosen.tenant)
                and (chosen.destinations is None or delivery.destination in chosen.destinations)
                and (chosen.kinds is None or delivery.kind in chosen.kinds)
                and (chosen.submission is None or delivery.submission == chosen.submission)
            ):
                yield delivery

    async def replay(self, chosen: Filter, *, as_it_was: bool = False) -> list[Accepted]:
        self.news.set()
        accepted = []
        for d in self._matching(chosen):
            if d.state == "dead":
                bodies = d.bodies if as_it_was else None
                new = NewDelivery(d.lane, d.destination, d.kind, d.mode, d.payload, d.records, bodies=bodies)
                accepted.append(self._accept(new))
                self.change(d, state="cancelled", outcome=orjson.dumps({"replayed_as": accepted[-1].id}).decode())
        return accepted

    async def cancel(self, chosen: Filter, reason: str) -> int:
        outcome = orjson.dumps({"reason": reason}).decode()
        ends = [delivery for delivery in self._matching(chosen) if delivery.state in ("queued", "dead")]
        for delivery in ends:
            self.change(delivery, state="cancelled", outcome=outcome, finished=self.clock())
        return len(ends)

    async def queued_bytes(self) -> int:
        return sum(len(delivery.payload) for delivery in self._matching(Filter(state="queued")))

    def change(self, delivery: Delivery, **changes: object) -> None:
        self.deliveries[delivery.id] = replace(self.deliveries[delivery.id], **changes)  # type: ignore[arg-type]

    # ------------------------------------------------------------------ lanes
    def lane(self, name: str) -> Lane:
        return self.all_lanes.setdefault(name, Lane(name))

    def queued(self, name: str) -> list[Delivery]:
        return list(self._matching(Filter(lane=name, state="queued")))

    def wake(self, lane: Lane) -> None:
        if lane.due is None:
            self.schedule(lane)

    def schedule(self, lane: Lane) -> None:
        lane.due = None
        if lane.parked is None and self.queued(lane.name):
            lane.due = max(self.clock(), lane.next_at, lane.lease_until or 0.0)

    async def lanes(self) -> list[LaneView]:
        return [self._view(self.all_lanes[name]) for name in sorted(self.all_lanes)]

    def _view(self, lane: Lane) -> LaneView:
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
        return MemoryLaneRun(self, found, lease)

    def _due(self) -> Lane | None:
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
    def deliver(
        self,
        lane: str,
        kind: str,
        sent: Sent,
        *,
        removed: bool,
        run_id: str | None = None,
        delivery: int | None = None,
    ) -> None:
        state = self.delivered.setdefault((lane, kind), {})
        bodies = sent.bodies or [0] * len(sent.ids)
        observed = sent.observed or [0.0] * len(sent.ids)
        for text, body, at in zip(sent.ids, bodies, observed, strict=True):
            if removed:
                state.pop(text, None)
            elif body:
                state[text] = Known(body, at)
        items = self.items.setdefault((lane, kind), {})
        if removed:
            items.update({text: Kept(text, run_id, b"", delivery, removed=True) for text in sent.ids if text in items})
        else:
            kept = zip(sent.ids, sent.items, strict=True) if sent.items else ()
            items.update({text: Kept(text, run_id, item, delivery) for text, item in kept if item})

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

    async def bodies(self, lane: str, kind: str, ids: Sequence[str]) -> list[bytes | None]:
        items = self.items.get((lane, kind), {})
        return [items[text].body if text in items else None for text in ids]

    async def kept(self, lane: str, kind: str, *, after: str = "", limit: int = 500) -> list[Kept]:
        items = self.items.get((lane, kind), {})
        return [items[text] for text in sorted(items) if text > after][:limit]

    async def amend(self, run_id: str, destination: str, report: str) -> None:
        run = self.all_runs.get((run_id, destination))
        if run is not None and run.view.state != "open":
            run.view = replace(run.view, report=report)

    async def amend_delivery(self, delivery: int, outcome: str) -> None:
        if self.deliveries[delivery].state == "done":
            self.change(self.deliveries[delivery], outcome=outcome)

    # ------------------------------------------------------------------ schemas
    async def schemas(self, lane: str) -> list[Schema]:
        return list(self.frozen.get(lane, {}).values())

    async def confirm_schema(self, lane: str, slug: str) -> bool:
        schemas = self.frozen.get(lane, {})
        if slug not in schemas:
            return False
        schemas[slug] = replace(schemas[slug], defined=schemas[slug].defined or self.clock())
        return True

    # ------------------------------------------------------------------ the pacer
    async def permit(self, key: str, *, per_minute: int, burst: int) -> float:
        if per_minute == 0:
            return 0.0
        now, interval = self.clock(), 60 / per_minute
        at = max(self._permits.get(key, 0.0), now - interval * (burst - 1))
        self._permits[key] = at + interval
        return max(0.0, at - now)
