"""Queued deliveries: in order, each to its end; set aside, rested or parked where the vendor says so."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.unit.delivery.runs import Plain, Vendor
from tests.unit.delivery.support import LEASE, ScriptedSender, all_ok, reply

from proofport.adapter import Capability, Mode
from proofport.delivery import worker as module
from proofport.delivery.engine import Target
from proofport.delivery.outcomes import decode
from proofport.delivery.screening import seconds_of
from proofport.delivery.worker import Worker
from proofport.errors import ConfigError, Retryable
from proofport.journal.contract import IN_DOUBT, Delivery, Filter, Known, NewDelivery
from proofport.journal.memory import MemoryJournal
from proofport.wire import Call, Reply

KIND = "custom:thing"
LANE = f"here/{KIND}"


class Queue:
    """A journal with deliveries in it, a clock that stands still, and the vendors they go to."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.journal = MemoryJournal(clock=lambda: self.now)
        self.vendors: dict[str, Vendor] = {}

    def vendor(self, *answers: Any, name: str = "here", **capabilities: Capability) -> Vendor:
        """Gives these answers, the last one for ever."""
        vendor = self.vendors[name] = Vendor(ScriptedSender(send_records=list(answers) or [all_ok]), **capabilities)
        vendor.destination = name
        return vendor

    async def accept(self, *records: dict[str, Any], to: str = "here", mode: Mode = "upsert") -> int:
        new = NewDelivery(f"{to}/{KIND}", to, KIND, mode, json.dumps(records).encode(), len(records))
        [accepted] = await self.journal.accept([new])
        return accepted.id

    def target(self, destination: str, kind: str, mode: Mode) -> Target:
        if destination not in self.vendors:
            raise ConfigError(f"no destination {destination!r}")
        return Target(destination, self.vendors[destination], Plain())

    @asynccontextmanager
    async def working(self, **how: Any) -> AsyncIterator[asyncio.Event]:
        stop = asyncio.Event()
        worker = Worker(self.journal, self.target, instance="test", lease=LEASE, **how)
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            group.create_task(worker.run(stop))
            yield stop
            stop.set()

    async def work(self, **how: Any) -> None:
        """Work until there is nothing more to do for now."""
        async with self.working(**how):
            await until(self.is_idle)

    def is_idle(self) -> bool:
        return all(
            lane.owner is None and (not self.journal.queued(name) or lane.parked or lane.next_at > self.now)
            for name, lane in self.journal.all_lanes.items()
        )

    async def all(self) -> list[Delivery]:
        return await self.journal.find(Filter())

    async def states(self) -> list[str]:
        return [delivery.state for delivery in await self.all()]


@pytest.fixture
async def queue(monkeypatch: pytest.MonkeyPatch) -> Queue:
    monkeypatch.setattr(module, "Sender", lambda adapter, pacer: adapter.sender)
    made = Queue()
    await made.journal.open()
    return made


async def until(met: Callable[[], bool]) -> None:
    while not met():  # noqa: ASYNC110 - it is the journal that is watched, and no journal tells of its changes
        await asyncio.sleep(0)


def ids(vendor: Vendor) -> list[str]:
    return [row["id"] for row in vendor.received()]


def ends(delivery: Delivery) -> list[str]:
    text = delivery.outcome if delivery.state == "done" else delivery.failure and delivery.failure.detail
    return [outcome.status.value for outcome in decode(text or "[]")]


# ---------------------------------------------------------------------- delivered
async def test_deliveries_of_a_lane_arrive_in_the_order_of_their_acceptance(queue: Queue) -> None:
    here = queue.vendor()
    for n in range(40):
        await queue.accept({"id": f"r{n}"})
    await queue.work()
    assert ids(here) == [f"r{n}" for n in range(40)]
    assert await queue.states() == ["done"] * 40
    assert (await queue.all())[0].attempts == 1


async def test_a_large_delivery_goes_in_batches_and_each_record_has_its_outcome(queue: Queue) -> None:
    here = queue.vendor(upsert=Capability(max_records=3))
    await queue.accept(*({"id": f"r{n}"} for n in range(8)))
    await queue.work()
    assert [len(json.loads(call.body or b"")) for call in here.sender.calls] == [3, 3, 2]
    [delivery] = await queue.all()
    assert ends(delivery) == ["delivered"] * 8


async def test_a_removal_sends_ids_and_may_destroy(queue: Queue) -> None:
    here = queue.vendor()
    await queue.accept({"id": "1"}, {"id": "2", "huge": 1}, mode="remove")
    await queue.work()
    assert (here.received(), here.sender.calls[0].destructive) == (["1", "2"], True)
    assert await queue.states() == ["done"]


async def test_a_removal_without_a_verdict_has_removed_nothing(queue: Queue) -> None:
    queue.vendor(reply(["ok", "ok"]), reply(["ok", "?"]))
    await queue.accept({"id": "1"}, {"id": "2"})
    await queue.accept({"id": "1"}, {"id": "2"}, mode="remove")
    await queue.work()
    first, second = await queue.journal.known(LANE, KIND, ["1", "2"])
    assert first is None
    assert second is not None


async def test_lanes_do_not_wait_for_each_other(queue: Queue) -> None:
    queue.vendor(Reply(403), name="stuck")
    free = queue.vendor(name="free")
    await queue.accept({"id": "1"}, to="stuck")
    await queue.accept({"id": "2"}, to="free")
    await queue.work()
    assert ids(free) == ["2"]
    assert await queue.states() == ["queued", "done"]


async def test_what_was_delivered_is_the_last_delivered_state_of_its_lane(queue: Queue) -> None:
    queue.vendor(reply(["ok", "no", "?"]))
    await queue.accept({"id": "1", "observed_at": "2026-01-05T00:00:00Z"}, {"id": "2"}, {"id": "3"})
    await queue.work()
    first, second, third = await queue.journal.known(LANE, KIND, ["1", "2", "3"])
    assert first is not None
    assert first.observed == seconds_of("2026-01-05T00:00:00Z")
    assert (second, third) == (None, Known(IN_DOUBT, 0.0))


# ---------------------------------------------------------------------- set aside
async def test_the_rejected_part_becomes_a_dead_letter_of_its_own(queue: Queue) -> None:
    queue.vendor(reply(["ok", "no", "ok"]))
    await queue.accept({"id": "1"}, {"id": "2"}, {"id": "huge", "huge": 1}, {"id": "4"})
    await queue.work()
    whole, letter = await queue.all()
    assert (whole.state, ends(whole)) == ("done", ["delivered", "rejected", "rejected", "delivered"])
    assert (letter.state, letter.records, ends(letter)) == ("dead", 2, ["rejected", "rejected"])
    assert [record["id"] for record in json.loads(letter.payload)] == ["2", "huge"]
    assert letter.failure is not None
    assert [outcome.problem.field for outcome in decode(letter.failure.detail) if outcome.problem] == [None, "huge"]


async def test_a_delivery_that_is_rejected_as_a_whole_is_dead_and_the_next_goes_on(queue: Queue) -> None:
    here = queue.vendor(Reply(422), all_ok)
    await queue.accept({"id": "1"}, {"id": "2"})
    await queue.accept({"id": "3"})
    await queue.work()
    assert await queue.states() == ["dead", "done"]
    dead = (await queue.all())[0]
    assert dead.failure is not None
    assert (dead.failure.reason, ends(dead)) == ("rejected", ["rejected", "rejected"])
    assert ids(here)[2:] == ["3"]


async def test_what_cannot_be_written_as_json_is_rejected_and_holds_nobody_up(queue: Queue) -> None:
    here = queue.vendor()
    await queue.accept({"id": "1", "odd": 1}, {"id": "2"})
    await queue.work()
    whole, letter = await queue.all()
    assert (whole.state, letter.state, ids(here)) == ("done", "dead", ["2"])


async def test_nothing_is_sent_of_a_delivery_that_cannot_be_rendered(queue: Queue) -> None:
    here = queue.vendor()
    await queue.accept({"id": "1", "huge": 1})
    await queue.work()
    assert (await queue.states(), here.sender.calls) == (["dead"], [])


async def test_an_older_state_becomes_a_dead_letter(queue: Queue) -> None:
    here = queue.vendor()
    await queue.accept({"id": "1", "observed_at": "2026-01-05T00:00:00Z"})
    await queue.accept({"id": "1", "observed_at": "2026-01-04T00:00:00Z"}, {"id": "2"})
    await queue.work()
    assert ids(here) == ["1", "2"]
    newer, mixed, letter = await queue.all()
    assert (newer.state, mixed.state, letter.state) == ("done", "done", "dead")
    assert letter.failure is not None
    assert "2026-01-05T00:00:00Z" in letter.failure.detail


async def test_a_replayed_letter_is_delivered_behind_the_others(queue: Queue) -> None:
    here = queue.vendor(Reply(422), all_ok)
    letter = await queue.accept({"id": "1"})
    await queue.accept({"id": "2"})
    await queue.work()
    await queue.journal.replay(Filter(ids=[letter]))
    await queue.work()
    assert ids(here)[1:] == ["2", "1"]
    assert await queue.states() == ["cancelled", "done", "done"]


# ---------------------------------------------------------------------- later
@pytest.mark.parametrize(("after", "rest"), [(77.0, 77.0), (0.5, 0.5), (0.0, 1.0), (None, 1.0)])
async def test_a_vendor_that_is_out_of_order_is_left_alone_as_long_as_it_says(
    queue: Queue, after: float | None, rest: float
) -> None:
    here = queue.vendor(Retryable("busy", after=after), all_ok)
    await queue.accept({"id": "1"})
    await queue.accept({"id": "2"})
    await queue.work()
    [lane] = await queue.journal.lanes()
    assert (lane.next_at - queue.now, lane.parked, lane.queued) == (rest, None, 2)
    head = (await queue.all())[0]
    assert head.failure is not None
    assert (head.attempts, head.failure.reason, head.failure.detail) == (1, "vendor_unavailable", "busy")
    queue.now += rest
    await queue.work()
    assert (ids(here)[1:], await queue.states()) == (["1", "2"], ["done", "done"])


async def test_rests_grow_with_every_attempt_up_to_five_minutes(queue: Queue) -> None:
    queue.vendor(Retryable("silent"))
    await queue.accept({"id": "1"})
    rests = []
    for _ in range(11):
        await queue.work()
        [lane] = await queue.journal.lanes()
        rests.append(lane.next_at - queue.now)
        queue.now = lane.next_at
    assert rests == [1, 2, 4, 8, 16, 32, 64, 128, 256, 256, 256]


# ---------------------------------------------------------------------- parked
async def test_a_refusal_parks_the_lane_with_everything_in_it_until_a_person_lets_it_go_on(queue: Queue) -> None:
    here = queue.vendor(Reply(401), all_ok)
    await queue.accept({"id": "1"})
    await queue.accept({"id": "2"})
    await queue.work()
    [lane] = await queue.journal.lanes()
    assert (lane.queued, lane.dead, here.sender.requests) == (2, 0, 1)
    assert lane.parked == "the key was refused\nLook at the key."
    queue.now += 1e9
    await queue.work()
    assert here.sender.requests == 1, "time does not mend it"
    await queue.journal.resume(LANE)
    await queue.work()
    assert (ids(here)[1:], await queue.states()) == (["1", "2"], ["done", "done"])


async def test_a_destination_that_is_not_configured_parks_its_lane(queue: Queue) -> None:
    await queue.accept({"id": "1"}, to="gone")
    await queue.work()
    [lane] = await queue.journal.lanes()
    assert (lane.queued, lane.parked) == (1, "no destination 'gone'")


async def test_nothing_may_be_destroyed_by_an_upsert(queue: Queue) -> None:
    class Destroyer(Vendor):
        def send(self, job: Any, memory: Any, batch: Any) -> Any:
            yield Call("send_records", "POST", "/records", destructive=True)

    queue.vendors["here"] = Destroyer()
    await queue.accept({"id": "1"})
    await queue.work()
    [lane] = await queue.journal.lanes()
    assert "destroys data" in (lane.parked or "")
    assert queue.vendors["here"].sender.calls == []


# ---------------------------------------------------------------------- lost, and stopped
async def test_a_lane_that_was_taken_over_is_left_without_a_write(queue: Queue) -> None:
    def taken_over(call: Call) -> Reply:
        lane = queue.journal.lane(LANE)
        lane.epoch, lane.owner, lane.lease_until = lane.epoch + 1, "elsewhere", queue.now + LEASE
        return all_ok(call)

    here = queue.vendor(taken_over)
    await queue.accept({"id": "1"})
    await queue.accept({"id": "2"})
    async with queue.working():
        await until(lambda: bool(here.sender.calls))
    [lane] = await queue.journal.lanes()
    assert (lane.owner, ids(here)) == ("elsewhere", ["1"])
    deliveries = await queue.all()
    assert [(delivery.state, delivery.attempts) for delivery in deliveries] == [("queued", 0), ("queued", 0)]
    assert await queue.journal.known_count(LANE, KIND) == 0
    assert await queue.journal.attempts() == []


async def test_before_a_removal_the_journal_is_asked_whether_the_lane_is_still_ours(queue: Queue) -> None:
    def opens(job: Any, memory: Any) -> Any:
        queue.journal.lane(LANE).epoch += 1
        yield from ()
        return {}

    here = queue.vendor()
    here.open = opens  # type: ignore[method-assign]
    await queue.accept({"id": "1"}, mode="remove")
    async with queue.working():
        await until(lambda: queue.journal.lane(LANE).epoch > 1)
    assert here.sender.calls == []
    assert await queue.states() == ["queued"]


async def test_told_to_stop_it_ends_after_the_delivery_in_flight(queue: Queue) -> None:
    stops: list[asyncio.Event] = []

    def stopping(call: Call) -> Reply:
        stops[0].set()
        return all_ok(call)

    here = queue.vendor(stopping)
    for n in range(5):
        await queue.accept({"id": f"r{n}"})
    async with queue.working() as stop:
        stops.append(stop)
        await stop.wait()
    assert (ids(here), await queue.states()) == (["r0"], ["done", *["queued"] * 4])
    assert (await queue.journal.lanes())[0].owner is None


async def test_what_was_tried_is_noted_whether_it_went_well_or_not(queue: Queue) -> None:
    queue.vendor(all_ok, Retryable("silent", after=9.0), Reply(403))
    for n in range(2):
        await queue.accept({"id": f"r{n}"})
    await queue.work()
    queue.now += 9
    await queue.work()
    noted = await queue.journal.attempts(lane=LANE)
    assert [attempt.delivery for attempt in reversed(noted)] == [1, 2, 2]


async def test_a_delivery_that_was_cancelled_in_time_is_not_sent(queue: Queue) -> None:
    here = queue.vendor()
    first = await queue.accept({"id": "1"})
    await queue.accept({"id": "2"})
    await queue.journal.cancel(Filter(ids=[first]), "not meant")
    await queue.work()
    assert (ids(here), await queue.states()) == (["2"], ["cancelled", "done"])


@pytest.mark.parametrize("answer", [all_ok, reply(["?"]), reply([]), reply(["ok"] * 9)])
async def test_every_record_has_one_outcome_in_the_journal(queue: Queue, answer: Any) -> None:
    queue.vendor(answer)
    await queue.accept({"id": "1"}, {"id": "2"}, {"id": "3", "huge": 1})
    await queue.work()
    whole = (await queue.all())[0]
    assert len(ends(whole)) == whole.records == 3
    assert ends(whole)[2] == "rejected"
