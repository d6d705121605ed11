"""Queued deliveries: in order, each to its end; set aside, rested or parked where the vendor says so."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tests.unit.delivery.queues import LANE, Queue, ends, ids, until
from tests.unit.delivery.support import KIND, LEASE, ScriptedSender, Tiny, all_ok, reply

from proofport.delivery.reading.observed import seconds_of
from proofport.errors import JournalError, OutcomeUnknown, Retryable
from proofport.http.flow import Gate
from proofport.journal.contract import IN_DOUBT, Filter, Known
from proofport.wire import Call, Reply


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
    here = queue.vendor(max_records=3)
    await queue.accept(*({"id": f"r{n}"} for n in range(8)))
    await queue.work()
    assert [len(json.loads(call.body or b"")) for call in here.sender.calls] == [3, 3, 2]
    [delivery] = await queue.all()
    assert ends(delivery) == ["delivered"] * 8


async def test_a_removal_is_sent_as_it_was_accepted_and_may_destroy(queue: Queue) -> None:
    here = queue.vendor()
    await queue.accept({"id": "1"}, {"id": "2", "huge": 1}, mode="remove")
    await queue.work()
    assert (ids(here), here.sender.calls[0].destructive) == (["1", "2"], True)
    assert await queue.states() == ["done"]


async def test_a_removal_without_a_verdict_has_removed_nothing(queue: Queue) -> None:
    queue.vendor(reply(["ok", "ok"]), reply(["ok", "?"]))
    await queue.accept({"id": "1"}, {"id": "2"})
    await queue.accept({"id": "1"}, {"id": "2"}, mode="remove")
    await queue.work()
    first, second = await queue.journal.known(LANE, KIND, ["1", "2"])
    assert first is None
    assert second is not None


async def test_fields_arrive_in_the_order_in_which_they_were_accepted(queue: Queue) -> None:
    here = queue.vendor()
    tags: list[dict[str, Any]] = [{"key": "stage", "value": "prod"}, {"key": "team", "value": None}]
    record = {"id": "i-1", "extras": {"tiny": {"b": 1, "a": [{"d": None, "c": 2}]}}, "type": "vm", "tags": tags}
    await queue.accept(record, kind="cloud_resource")
    await queue.work()
    [call] = here.sender.calls
    assert json.dumps(json.loads(call.body or b"")) == json.dumps([record])


async def test_lanes_do_not_wait_for_each_other(queue: Queue) -> None:
    queue.vendor(Reply(403), name="stuck")
    free = queue.vendor(name="free")
    await queue.accept({"id": "1"}, to="stuck")
    await queue.accept({"id": "2"}, to="free")
    await queue.work()
    assert ids(free) == ["2"]
    assert await queue.states() == ["queued", "done"]


async def test_a_lane_that_is_never_empty_lets_others_go_on(queue: Queue) -> None:
    def and_more(call: Call) -> Reply:
        queue.now += 1
        return all_ok(call)

    busy, free = queue.vendor(and_more, name="busy"), queue.vendor(name="free")
    for n in range(3):
        await queue.accept({"id": "same"}, to="busy")
        await queue.accept({"id": str(n)}, to="free")
    order: list[int] = []

    def noted(call: Call) -> Reply:
        order.append(len(busy.sender.calls))
        return all_ok(call)

    free.sender = ScriptedSender(send_records=noted)
    await queue.work(slots=1, turn=0.0)
    assert order[0] < 3, "the busy one has had its turn, and not yet come to its end"
    assert await queue.states() == ["done"] * 6


async def test_what_was_delivered_is_the_last_delivered_state_of_its_lane(queue: Queue) -> None:
    queue.vendor(reply(["ok", "no", "?"]))
    await queue.accept({"id": "1", "observed_at": "2026-01-05T00:00:00Z"}, {"id": "2"}, {"id": "3"})
    await queue.work()
    first, second, third = await queue.journal.known(LANE, KIND, ["1", "2", "3"])
    assert first is not None
    assert first.observed == seconds_of("2026-01-05T00:00:00Z")
    assert (second, third) == (None, Known(IN_DOUBT, 0.0))


# ---------------------------------------------------------------------- later
async def test_an_answer_that_nobody_knows_is_asked_for_again(queue: Queue) -> None:
    here = queue.vendor(OutcomeUnknown("no answer"), all_ok, max_records=1)
    await queue.accept({"id": "1"})
    await queue.accept({"id": "2"})
    await queue.work()
    [lane] = await queue.journal.lanes()
    assert (lane.parked, lane.queued, lane.next_at - queue.now) == (None, 2, 1.0)
    queue.now += 1
    await queue.work()
    assert (ids(here), await queue.states()) == (["1", "1", "2"], ["done", "done"])


@pytest.mark.parametrize(("after", "rest"), [(77.0, 77.0), (0.5, 0.5), (0.0, 1.0), (None, 1.0)])
async def test_a_vendor_that_is_out_of_order_is_left_alone_as_long_as_it_says(
    queue: Queue, after: float | None, rest: float
) -> None:
    here = queue.vendor(Retryable("busy", after=after), all_ok, max_records=1)
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
    here = queue.vendor(Reply(401), all_ok, max_records=1)
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


async def test_a_lane_is_parked_once_so_that_it_can_be_resumed_before_it_is_released(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.vendor(Reply(401), all_ok)
    await queue.accept({"id": "1"})
    claim, reasons = queue.journal.claim, list[str]()

    async def claimed(*given: Any, **more: Any) -> Any:
        run = await claim(*given, **more)
        if run is not None:
            park = run.park

            async def parked(reason: str) -> None:
                await park(reason)
                if not reasons:
                    await queue.journal.resume(LANE)
                reasons.append(reason)

            monkeypatch.setattr(run, "park", parked)
        return run

    monkeypatch.setattr(queue.journal, "claim", claimed)
    await queue.work()
    assert await queue.states() == ["done"]


async def test_a_destination_that_is_not_configured_parks_its_lane(queue: Queue) -> None:
    await queue.accept({"id": "1"}, to="gone")
    await queue.work()
    [lane] = await queue.journal.lanes()
    assert (lane.queued, lane.parked) == (1, "no destination 'gone'")


async def test_nothing_may_be_destroyed_by_an_upsert(queue: Queue) -> None:
    class Destroyer(Tiny):
        def send(self, job: Any, memory: Any, batch: Any) -> Any:
            yield Call("send_records", "POST", "/records", destructive=True)

    queue.vendor(made=Destroyer)
    await queue.accept({"id": "1"})
    await queue.work()
    [lane] = await queue.journal.lanes()
    assert "destroys data" in (lane.parked or "")
    assert queue.vendors["here"].sender.calls == []


# ---------------------------------------------------------------------- lost, and stopped
async def test_a_lane_that_was_taken_over_is_left_without_a_write(queue: Queue) -> None:
    def taken_over(call: Call) -> Reply:
        queue.journal.take_over(LANE)
        return all_ok(call)

    here = queue.vendor(taken_over, max_records=1)
    for number in "1234":
        await queue.accept({"id": number})
    async with queue.working():
        await until(lambda: bool(here.sender.calls))
    [lane] = await queue.journal.lanes()
    assert lane.owner == "elsewhere"
    assert ids(here) in (["1"], ["1", "2"]), "the next request may be on its way while the first is noted"
    assert [(delivery.state, delivery.attempts) for delivery in await queue.all()] == [("queued", 0)] * 4
    assert await queue.journal.known_count(LANE, KIND) == 0
    assert await queue.journal.attempts() == []


async def test_before_a_removal_the_journal_is_asked_whether_the_lane_is_still_ours(queue: Queue) -> None:
    class Overtaken(Tiny):
        def open(self, job: Any, memory: Any) -> Any:
            queue.journal.take_over(LANE)
            yield from ()
            return {}

    here = queue.vendor(made=Overtaken)
    await queue.accept({"id": "1"}, mode="remove")
    async with queue.working():
        await until(lambda: queue.journal.lanes_now()[0].epoch > 1)
    assert here.sender.calls == []
    assert await queue.states() == ["queued"]


async def test_told_to_stop_it_ends_after_the_deliveries_in_flight(queue: Queue) -> None:
    stops: list[asyncio.Event] = []

    def stopping(call: Call) -> Reply:
        stops[0].set()
        return all_ok(call)

    here = queue.vendor(stopping, max_records=1)
    for n in range(15):
        await queue.accept({"id": f"r{n}"})
    async with queue.working() as stop:
        stops.append(stop)
        await stop.wait()
    taken = len(ids(here))
    assert 1 <= taken < 15
    assert ids(here) == [f"r{n}" for n in range(taken)]
    assert await queue.states() == [*["done"] * taken, *["queued"] * (15 - taken)]
    assert (await queue.journal.lanes())[0].owner is None


async def test_what_was_tried_is_noted_whether_it_went_well_or_not(queue: Queue) -> None:
    queue.vendor(all_ok, Retryable("silent", after=9.0), Reply(403), max_records=1)
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


# ---------------------------------------------------------------------- errors in the middle
@pytest.mark.parametrize("answer", [Retryable("busy"), Reply(403)], ids=["rests", "parked"])
async def test_what_needs_no_vendor_ends_though_what_comes_behind_it_is_held_up(queue: Queue, answer: Any) -> None:
    queue.vendor(answer)
    await queue.accept({"id": "huge", "huge": 1})
    await queue.accept({"id": "2"})
    await queue.work()
    first, second = await queue.all()
    assert (first.state, second.state) == ("dead", "queued")
    assert second.attempts == (1 if isinstance(answer, Retryable) else 0)


async def test_a_lane_that_could_not_be_parked_is_kept_so_that_nobody_spins_on_it(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = queue.vendor(Reply(403))
    await queue.accept({"id": "1"})
    claim = queue.journal.claim

    async def fails(reason: str) -> None:
        raise JournalError("the disk is full")

    async def claimed(*given: Any, **more: Any) -> Any:
        run = await claim(*given, **more)
        if run is not None:
            monkeypatch.setattr(run, "park", fails)
        return run

    monkeypatch.setattr(queue.journal, "claim", claimed)
    async with queue.working() as stop:
        await until(lambda: bool(here.sender.calls))
        for _ in range(200):
            await asyncio.sleep(0)
        stop.set()
    assert here.sender.requests == 1
    assert (await queue.journal.lanes())[0].owner is not None, "until its lease has run out"


# ---------------------------------------------------------------------- grace
async def test_what_has_not_ended_within_the_grace_stays_queued_and_its_lane_is_free(queue: Queue) -> None:
    """The first batch has its answer, the second never gets one."""
    asked = asyncio.Event()

    class Silent(ScriptedSender):
        async def send(self, call: Call, gate: Gate | None = None) -> Reply:
            answer = await super().send(call, gate)
            if len(self.calls) > 1:
                asked.set()
                await asyncio.Event().wait()
            return answer

    here = queue.vendor(max_records=2)
    here.sender = Silent(send_records=all_ok)
    for number in "1234":
        await queue.accept({"id": number})
    async with queue.working(grace=0.0) as stop:
        await asked.wait()
        await until(lambda: queue.journal.lanes_now()[0].queued == 2)
        stop.set()
    assert await queue.states() == ["done", "done", "queued", "queued"]
    assert (await queue.journal.lanes())[0].owner is None
    here.sender = ScriptedSender(send_records=all_ok)
    await queue.work()
    assert (ids(here), await queue.states()) == (["3", "4"], ["done"] * 4)


async def test_a_refusal_of_a_whole_request_hits_only_the_delivery_that_is_to_blame(queue: Queue) -> None:
    def refuse_bad(call: Call) -> Reply:
        records = json.loads(call.body or b"")
        return Reply(422) if any(record["id"] == "bad" for record in records) else all_ok(call)

    here = queue.vendor(refuse_bad)
    await queue.accept({"id": "good"})
    await queue.accept({"id": "bad"})
    await queue.accept({"id": "fine"})
    await queue.work()
    assert await queue.states() == ["done", "dead", "done"]
    assert ids(here) == ["good", "bad", "fine", "good", "bad", "fine"]


# ---------------------------------------------------------------------- the clock
async def test_an_hour_forward_and_back_lets_nothing_wait(queue: Queue, caplog: pytest.LogCaptureFixture) -> None:
    here = queue.vendor(Retryable("away", after=30.0), all_ok)
    queue.now += 3_600
    await queue.accept({"id": "rests"})
    await queue.work()
    await queue.accept({"id": "later"})
    queue.now -= 3_600
    assert await queue.journal.claim(owner="other", lease=LEASE) is None, "it rests"
    queue.now += 45
    await queue.work()
    assert await queue.states() == ["done", "done"]
    assert ids(here)[-2:] == ["rests", "later"]
    assert "event='clock_set_back' seconds=3600" in caplog.text
