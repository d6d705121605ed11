"""Any sequence of steps: after each one the journal shows what the model shows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from tests.journal_contract.base import KIND, LEASE, new
from tests.journal_contract.model import Model, ModelDelivery, ModelRun
from tests.support.clock import Clock

from proofport.adapter import Tombstone
from proofport.errors import LaneLost
from proofport.journal.contract import (
    BatchDone,
    Delivery,
    Failure,
    Filter,
    IdempotencyRecord,
    Journal,
    Known,
    LaneRun,
    NewRun,
    Sent,
)

T = TypeVar("T")
LANES = st.sampled_from(["a", "b", "c"])
IDS = ["i", "j", "k", "l"]
SENT = st.dictionaries(st.sampled_from(IDS), st.integers(0, 3), max_size=4)
BATCHES = st.lists(SENT, max_size=3)
FILTERS = st.builds(
    Filter,
    ids=st.none() | st.lists(st.integers(1, 8), max_size=3),
    lane=st.none() | LANES,
    state=st.none() | st.sampled_from(["queued", "done", "dead", "cancelled"]),
)
FAILURE = Failure("vendor_unavailable", "503")


def with_bodies(sent: dict[str, int]) -> Sent:
    return Sent(list(sent), list(sent.values()), items=[b"%d" % body if body else b"" for body in sent.values()])


class JournalMachine(RuleBasedStateMachine):
    """Subclasses give `make`. Holds stay in their bundle when they are lost, so that stale owners write too.

    `ended`: those that ended with their process, and can do nothing any more.
    """

    make: Callable[[Callable[[], float]], Journal]

    holds: Bundle[LaneRun] = Bundle("holds")

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.held: list[LaneRun] = []
        self.ended: list[LaneRun] = []
        self.model = Model(self.clock.now)
        self.loop = asyncio.Runner()
        self.journal = type(self).make(self.clock)
        self.do(self.journal.open())

    def do(self, step: Coroutine[Any, Any, T]) -> T:
        return self.loop.run(step)

    def teardown(self) -> None:
        assert self.do(self.journal.damage()) == []
        self.do(self.journal.close())
        self.loop.close()

    def write(self, hold: LaneRun, step: Coroutine[Any, Any, T]) -> bool:
        """Do it, and say whether it counts: an owner that lost its lane is told so."""
        if hold in self.ended:
            step.close()
            return False
        if self.model.owns(hold.lane, hold.epoch):
            self.do(step)
            return True
        with pytest.raises(LaneLost):
            self.do(step)
        return False

    # ------------------------------------------------------------------ from outside
    @initialize()
    def begin_with_some(self) -> None:
        for lane in ("a", "b", "a"):
            self.accept([lane, lane], None)

    @rule(lanes=st.lists(LANES, min_size=1, max_size=3), key=st.sampled_from([None, None, "k", "l"]))
    def accept(self, lanes: list[str], key: str | None) -> None:
        record = None if key is None else IdempotencyRecord("default", key, b"d", b"a")
        accepted = self.do(self.journal.accept([new(lane) for lane in lanes], record=record))
        if known := self.model.with_key(key):
            assert (accepted.ids, accepted.first) == (known, record)
            return
        assert accepted.first is None
        assert accepted.ids[0] > max(self.model.deliveries, default=0)
        for lane, number in zip(lanes, accepted.ids, strict=True):
            self.model.lane(lane)
            self.model.deliveries[number] = ModelDelivery(number, lane, key)

    @rule(chosen=st.builds(Filter, ids=st.lists(st.integers(1, 8), max_size=2)) | FILTERS)
    def cancel(self, chosen: Filter) -> None:
        ends = [delivery for delivery in self.model.matching(chosen) if delivery.state in ("queued", "dead")]
        assert self.do(self.journal.cancel(chosen, "no")) == len(ends)
        for delivery in ends:
            delivery.state = "cancelled"

    @rule(chosen=FILTERS)
    def replay(self, chosen: Filter) -> None:
        dead = [delivery for delivery in self.model.matching(chosen) if delivery.state == "dead"]
        replayed = self.do(self.journal.replay(chosen))
        assert len(replayed) == len(dead)
        for old, one in zip(dead, replayed, strict=True):
            old.state = "cancelled"
            self.model.deliveries[one.id] = ModelDelivery(one.id, old.lane, None)

    @rule(chosen=FILTERS, after=st.integers(0, 5), limit=st.integers(1, 5))
    def find(self, chosen: Filter, after: int, limit: int) -> None:
        found = self.do(self.journal.find(chosen, after=after, limit=limit))
        expected = [delivery.id for delivery in self.model.matching(chosen) if delivery.id > after]
        assert [delivery.id for delivery in found] == expected[:limit]

    @rule(seconds=st.sampled_from([1.0, 20.0, LEASE]))
    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.model.now = self.clock.now

    @rule()
    def restart(self) -> None:
        """Every process ends: nobody releases anything."""
        self.do(self.journal.close())
        self.do(self.journal.open())
        self.ended += self.held

    def claimed(self) -> LaneRun | None:
        hold = self.do(self.journal.claim(owner="any", lease=LEASE))
        claimable = self.model.claimable()
        if hold is None:
            assert claimable == set()
            return None
        assert hold.lane in claimable
        assert hold.epoch == self.model.claim(hold.lane, LEASE)
        self.held.append(hold)
        return hold

    @rule(target=holds)
    def claim_any(self) -> Any:
        return self.claimed() or multiple()

    @rule(target=holds, lane=LANES)
    def claim_by_name(self, lane: str) -> Any:
        hold = self.do(self.journal.claim(lane, owner="named", lease=LEASE))
        if self.model.is_held(lane):
            assert hold is None
            return multiple()
        assert hold is not None
        assert hold.epoch == self.model.claim(lane, LEASE)
        self.held.append(hold)
        return hold

    @rule(lane=LANES)
    def resume(self, lane: str) -> None:
        assert self.do(self.journal.resume(lane)) == (lane in self.model.lanes)
        if lane in self.model.lanes:
            self.model.lane(lane).parked, self.model.lane(lane).next_at = None, 0.0

    # ------------------------------------------------------------------ by the owner of a lane
    @rule(hold=holds)
    def renew(self, hold: LaneRun) -> None:
        if self.write(hold, hold.renew()):
            self.model.lane(hold.lane).lease_until = self.clock.now + LEASE

    @rule(hold=consumes(holds))
    def release(self, hold: LaneRun) -> None:
        if hold in self.ended:
            return
        self.do(hold.release())
        if self.model.owns(hold.lane, hold.epoch):
            self.model.lane(hold.lane).held = False

    @rule(hold=holds, reason=st.just("no credentials"))
    def park(self, hold: LaneRun, reason: str) -> None:
        if self.write(hold, hold.park(reason)):
            self.model.lane(hold.lane).parked = reason

    def heads(self, hold: LaneRun, n: int) -> list[Delivery]:
        """The first deliveries, which a stale owner knows from before."""
        if hold in self.ended:
            return []
        if not self.model.owns(hold.lane, hold.epoch):
            with pytest.raises(LaneLost):
                self.do(hold.take(n))
            return self.do(self.journal.find(Filter(lane=hold.lane, state="queued"), limit=n))
        found = self.do(hold.take(n))
        expected = self.model.queued(hold.lane)[:n] if self.model.may_deliver(hold.lane) else []
        assert [delivery.id for delivery in found] == expected
        return found

    @rule(n=st.integers(1, 3), sent=SENT)
    def drain(self, n: int, sent: dict[str, int]) -> None:
        """What a worker does all day."""
        if hold := self.claimed():
            self.done(hold, n, sent)
            self.release(hold)

    @rule(hold=holds, n=st.integers(1, 3), sent=SENT)
    def done(self, hold: LaneRun, n: int, sent: dict[str, int]) -> None:
        for delivery in self.heads(hold, n):
            if self.write(hold, hold.done(delivery, "[]", sent=with_bodies(sent))):
                self._ended(delivery, "done")
                self.model.deliver(hold.lane, sent.items())
                self.model.keep(hold.lane, sent.items())

    @rule(hold=holds)
    def dead(self, hold: LaneRun) -> None:
        for delivery in self.heads(hold, 1):
            if self.write(hold, hold.dead(delivery, FAILURE)):
                self._ended(delivery, "dead")

    @rule(hold=holds, delay=st.sampled_from([0.0, 10.0, 2 * LEASE]))
    def later(self, hold: LaneRun, delay: float) -> None:
        for delivery in self.heads(hold, 1):
            if self.write(hold, hold.later(delivery, delay, FAILURE)):
                self.model.deliveries[delivery.id].attempts += 1
                self.model.lane(hold.lane).next_at = self.clock.now + delay

    def _ended(self, delivery: Delivery, state: Any) -> None:
        self.model.deliveries[delivery.id].state = state
        self.model.deliveries[delivery.id].attempts += 1

    # ------------------------------------------------------------------ bulk runs, one after the other in each lane
    @rule(
        hold=holds,
        staged=st.booleans(),
        batches=BATCHES,
        complete=st.sampled_from([True, True, False, None]),
        ask=st.booleans(),
    )
    def run(self, hold: LaneRun, staged: bool, batches: list[dict[str, int]], complete: bool | None, ask: bool) -> None:
        """`complete` None: it is cut off."""
        run_id = f"r{len(self.model.runs)}"
        if not self.write(hold, hold.begin(NewRun(run_id, "here", KIND, "upsert", staged=staged))):
            return
        self.model.begin(hold.lane)
        run = self.model.runs[run_id] = ModelRun(hold.lane, staged)
        for number, sent in enumerate(batches):
            what = Sent(list(sent), list(sent.values())) if staged else with_bodies(sent)
            batch = BatchDone(number, 0, 0, len(sent), b"", "[]", what)
            self.do(hold.batch_done(run_id, batch))
            run.batches.add(number)
            run.ids.update(sent)
            run.held_back += sent.items()
            if not staged:
                self.model.deliver(hold.lane, sent.items())
                self.model.keep(hold.lane, sent.items())
        if ask:
            assert self.do(self.journal.gone(hold.lane, KIND, run_id)) == self.model.gone(run_id)
        if complete is None:
            return
        self.do(hold.end(run_id, complete=complete, report="{}"))
        run.state = "complete" if complete else "ended"
        if complete:
            self.model.deliver(hold.lane, run.held_back)

    @rule(hold=holds, ids=st.lists(st.sampled_from(IDS), max_size=2), gone=st.booleans(), days=st.integers(0, 2))
    def forget(self, hold: LaneRun, ids: list[str], gone: bool, days: int) -> None:
        gone_at, since = self.clock.now if gone else None, self.clock.now - 20 * days
        if self.write(hold, hold.forget(KIND, ids, gone_at=gone_at, since=since)):
            self.model.forget(hold.lane, ids, gone_at, since)

    @rule(hold=holds, ids=st.lists(st.sampled_from(IDS), max_size=3, unique=True))
    def note_missing(self, hold: LaneRun, ids: list[str]) -> None:
        found: list[float] = []

        async def note() -> None:
            found.extend(await hold.note_missing(KIND, ids, at=self.clock.now))

        if self.write(hold, note()):
            assert found == self.model.note_missing(hold.lane, ids, self.clock.now)

    @rule(lane=LANES)
    def known(self, lane: str) -> None:
        """Asking is a step of its own: some journals put the state in order only then."""
        found = self.do(self.journal.known(lane, KIND, IDS))
        bodies = [self.model.known.get((lane, text)) for text in IDS]
        assert found == [None if body is None else Known(body, 0.0) for body in bodies]
        assert self.do(self.journal.known_count(lane, KIND)) == sum(body is not None for body in bodies)
        gone = sorted((text, *row) for (name, text), row in self.model.tombstones.items() if name == lane)
        assert self.do(self.journal.tombstones(lane, KIND, since=0)) == [Tombstone(*row) for row in gone]

    # ------------------------------------------------------------------ what is shown after each step
    @invariant()
    def deliveries_are_the_same(self) -> None:
        found = [(d.id, d.lane, d.state, d.attempts) for d in self.do(self.journal.find(Filter()))]
        expected = [(d.id, d.lane, d.state, d.attempts) for d in self.model.deliveries.values()]
        assert found == expected[:100]

    @invariant()
    def lanes_are_the_same(self) -> None:
        found = [
            (v.lane, v.queued, v.dead, v.epoch, v.owner is not None, v.next_at, v.parked)
            for v in self.do(self.journal.lanes())
        ]
        dead = {name: len(self.model.matching(Filter(lane=name, state="dead"))) for name in self.model.lanes}
        assert found == [
            (name, len(self.model.queued(name)), dead[name], lane.epoch, lane.held, lane.next_at, lane.parked)
            for name, lane in sorted(self.model.lanes.items())
        ]

    @invariant()
    def runs_are_the_same(self) -> None:
        found = {view.run_id: (view.lane, view.state) for view in self.do(self.journal.runs(limit=1_000))}
        assert found == {run_id: (run.lane, run.state) for run_id, run in self.model.runs.items()}
