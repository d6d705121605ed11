"""A journal as simple as it can be thought: what the real ones are compared with, step by step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from proofport.journal.contract import IN_DOUBT, PERHAPS_OVERWRITTEN, Filter, State


@dataclass
class ModelDelivery:
    id: int
    lane: str
    key: str | None
    state: State = "queued"
    attempts: int = 0

    def fits(self, chosen: Filter) -> bool:
        return (
            (chosen.ids is None or self.id in chosen.ids)
            and (chosen.lane is None or self.lane == chosen.lane)
            and (chosen.state is None or self.state == chosen.state)
        )


@dataclass
class ModelLane:
    epoch: int = 0
    held: bool = False
    lease_until: float = 0.0
    next_at: float = 0.0
    parked: str | None = None


@dataclass
class ModelRun:
    """`held_back`: what a staged run has sent; `ids`: its set."""

    lane: str
    staged: bool
    state: str = "open"
    batches: set[int] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)
    held_back: list[tuple[str, int]] = field(default_factory=list)


@dataclass
class Model:
    now: float
    deliveries: dict[int, ModelDelivery] = field(default_factory=dict)
    lanes: dict[str, ModelLane] = field(default_factory=dict)
    runs: dict[str, ModelRun] = field(default_factory=dict)
    known: dict[tuple[str, str], int] = field(default_factory=dict)
    #: The last body that was kept of each id.
    bodies: dict[tuple[str, str], bytes] = field(default_factory=dict)
    missing: dict[tuple[str, str], float] = field(default_factory=dict)
    tombstones: dict[tuple[str, str], tuple[bytes, float]] = field(default_factory=dict)

    def with_key(self, key: str | None) -> list[int]:
        """The ids that were accepted under a key before."""
        return [d.id for d in self.deliveries.values() if key is not None and d.key == key]

    def matching(self, chosen: Filter) -> list[ModelDelivery]:
        return [delivery for delivery in self.deliveries.values() if delivery.fits(chosen)]

    def queued(self, lane: str) -> list[int]:
        return [delivery.id for delivery in self.matching(Filter(lane=lane, state="queued"))]

    def lane(self, name: str) -> ModelLane:
        return self.lanes.setdefault(name, ModelLane())

    def is_held(self, name: str) -> bool:
        lane = self.lane(name)
        return lane.held and lane.lease_until > self.now

    def may_deliver(self, name: str) -> bool:
        return self.lane(name).parked is None and self.lane(name).next_at <= self.now

    def claimable(self) -> set[str]:
        return {n for n in self.lanes if self.queued(n) and self.may_deliver(n) and not self.is_held(n)}

    def claim(self, name: str, lease: float) -> int:
        lane = self.lane(name)
        lane.epoch, lane.held, lane.lease_until = lane.epoch + 1, True, self.now + lease
        return lane.epoch

    def owns(self, name: str, epoch: int) -> bool:
        return self.lane(name).held and self.lane(name).epoch == epoch

    def deliver(self, lane: str, sent: Iterable[tuple[str, int]]) -> None:
        for text, body in sent:
            delivered = self.known.get((lane, text), IN_DOUBT) != IN_DOUBT
            if body:
                self.known[lane, text] = PERHAPS_OVERWRITTEN if body == IN_DOUBT and delivered else body

    def keep(self, lane: str, sent: Iterable[tuple[str, int]]) -> None:
        """The bodies of what was delivered, or may have been."""
        for text, body in sent:
            if body:
                self.bodies[lane, text] = b"%d" % body
            if body not in (0, IN_DOUBT):
                self.missing.pop((lane, text), None)
                self.tombstones.pop((lane, text), None)

    def note_missing(self, lane: str, ids: Sequence[str], at: float) -> list[float]:
        gone = {key: when for key, (_, when) in self.tombstones.items()}
        times = [gone.get((lane, text), self.missing.get((lane, text), at)) for text in ids]
        self.missing = {key: when for key, when in self.missing.items() if key[0] != lane}
        self.missing |= {(lane, text): when for text, when in zip(ids, times, strict=True)}
        return times

    def forget(self, lane: str, ids: Iterable[str], gone_at: float | None, since: float) -> None:
        for key in [(lane, text) for text in ids]:
            self.known.pop(key, None)
            body = self.bodies.pop(key, None)
            if body and gone_at is not None:
                first = self.tombstones[key][1] if key in self.tombstones else self.missing.pop(key, gone_at)
                self.tombstones[key] = body, first
            if gone_at is None:
                self.tombstones.pop(key, None)
                self.missing.pop(key, None)
        if gone_at is not None:
            stay = {key: row for key, row in self.tombstones.items() if key[0] != lane or row[1] >= since}
            self.tombstones = stay
            self.missing = {key: at for key, at in self.missing.items() if key[0] != lane or at >= since}

    def begin(self, lane: str) -> None:
        """Another run begins: those that are open were cut off, and end."""
        found = [run for run in self.runs.values() if run.lane == lane and run.state == "open"]
        for run in found:
            run.state = "ended"
        for key in self.known if found else ():
            if key[0] == lane and self.known[key] != IN_DOUBT:
                self.known[key] = PERHAPS_OVERWRITTEN

    def gone(self, run_id: str) -> list[str]:
        run = self.runs[run_id]
        return sorted(text for lane, text in self.known if lane == run.lane and text not in run.ids)
