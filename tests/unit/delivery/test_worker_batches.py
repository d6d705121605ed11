"""Batches that hold records of several deliveries: outcomes, letters and attempts find their way back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing

from tests.unit.delivery.queues import LANE, Queue, ends, ids
from tests.unit.delivery.support import KIND, all_ok, reply

from proofport.accounting import Outcome
from proofport.delivery.payload import decode_outcomes, unpack_bodies
from proofport.errors import Retryable
from proofport.journal.contract import IN_DOUBT, Attempt, Delivery, Known
from proofport.wire import Call, Reply


# ---------------------------------------------------------------------- a batch of several deliveries
async def test_what_becomes_of_a_batch_finds_its_way_back_to_each_of_its_deliveries(queue: Queue) -> None:
    here = queue.vendor(reply(["ok", "no", "ok", "no", "?"]))
    await queue.accept({"id": "a1"}, {"id": "a2"})
    await queue.accept({"id": "b1"})
    await queue.accept({"id": "c1"}, {"id": "huge", "huge": 1})
    await queue.accept({"id": "d1"})
    await queue.work()
    assert (here.sender.operations, ids(here)) == (["send_records"], ["a1", "a2", "b1", "c1", "d1"])
    a, b, c, d, letter = await queue.all()
    assert [each.state for each in (a, b, c, d, letter)] == ["done", "done", "dead", "done", "dead"]
    assert (ends(a), ends(b)) == (["delivered", "rejected"], ["delivered"])
    assert (ends(c), ends(d)) == (["rejected", "rejected"], ["unknown"])
    assert [record["id"] for record in json.loads(letter.payload)] == ["a2"]
    assert unpack_bodies(letter.bodies or b"") == [b'{"id":"a2"}']
    assert unpack_bodies(c.bodies or b"") == [b'{"id":"c1"}', None]
    assert c.failure is not None
    problems = [outcome.problem for outcome in decode_outcomes(c.failure.detail)]
    assert [problem and problem.field for problem in problems] == [None, "huge"]
    noted = await queue.journal.attempts(lane=LANE)
    assert sorted(attempt.delivery or 0 for attempt in noted) == [a.id, b.id, c.id, d.id]
    first, second, third = await queue.journal.known(LANE, KIND, ["a1", "a2", "d1"])
    assert (first is not None, second, third) == (True, None, Known(IN_DOUBT, 0.0))


async def test_those_who_watch_hear_of_each_delivery_and_of_each_request_once(queue: Queue) -> None:
    told: list[tuple[int, list[str]]] = []
    requests: list[int] = []

    class Watching:
        def settled(self, delivery: Delivery, outcomes: Sequence[Outcome]) -> None:
            told.append((delivery.id, [outcome.status.value for outcome in outcomes]))

        def attempted(self, destination: str, attempts: Sequence[Attempt]) -> None:
            requests.append(len(attempts))

    queue.vendor(reply(["ok", "no", "ok"]))
    first = await queue.accept({"id": "1"}, {"id": "2"})
    second = await queue.accept({"id": "3"})
    await queue.work(watch=Watching())
    assert told == [(first, ["delivered", "rejected"]), (second, ["delivered"])]
    assert sum(requests) == 1


async def test_a_delivery_that_spans_two_batches_ends_with_the_second(queue: Queue) -> None:
    here = queue.vendor(all_ok, reply(["no", "ok", "ok"]), max_records=3)
    await queue.accept({"id": "1"}, {"id": "2"})
    await queue.accept({"id": "3"}, {"id": "4"}, {"id": "5"})
    await queue.accept({"id": "6"})
    await queue.work()
    assert [len(json.loads(call.body or b"")) for call in here.sender.calls] == [3, 3]
    one, two, three, letter = await queue.all()
    assert [ends(each) for each in (one, two, three)] == [
        ["delivered"] * 2,
        ["delivered", "rejected", "delivered"],
        ["delivered"],
    ]
    assert [record["id"] for record in json.loads(letter.payload)] == ["4"]


async def test_a_batch_whose_answer_is_lost_leaves_each_of_its_deliveries_queued(queue: Queue) -> None:
    here = queue.vendor(all_ok, Retryable("lost", lost=True), all_ok, max_records=2)
    for number in "12345":
        await queue.accept({"id": number})
    await queue.work()
    assert await queue.states() == ["done", "done", "queued", "queued", "queued"]
    assert [delivery.attempts for delivery in await queue.all()] == [1, 1, 1, 0, 0]
    queue.now += 1
    await queue.work()
    assert await queue.states() == ["done"] * 5
    assert ids(here) == ["1", "2", "3", "4", "3", "4", "5"]


async def test_nothing_newer_is_sent_before_a_lost_answer_is_known_though_the_vendor_takes_several_at_a_time(
    queue: Queue,
) -> None:
    here = queue.vendor(Retryable("lost", lost=True), all_ok, max_records=1, parallel=4)
    for number in "123":
        await queue.accept({"id": number})
    await queue.work()
    assert ids(here) == ["1"]
    queue.now += 1
    await queue.work()
    assert ids(here) == ["1", "1", "2", "3"]


async def test_a_record_that_comes_again_waits_until_the_first_is_noted(queue: Queue) -> None:
    known: list[int] = []

    def looking(call: Call) -> Reply:
        with closing(sqlite3.connect(queue.journal.path)) as db:
            known.append(db.execute("SELECT count(*) FROM deliveries WHERE state = 'done'").fetchone()[0])
        return all_ok(call)

    here = queue.vendor(looking)
    await queue.accept({"id": "1", "n": 1}, {"id": "2"})
    await queue.accept({"id": "3"})
    await queue.accept({"id": "1", "n": 2})
    await queue.accept({"id": "4"})
    await queue.work()
    assert [[row["id"] for row in json.loads(call.body or b"")] for call in here.sender.calls] == [
        ["1", "2", "3"],
        ["1", "4"],
    ]
    assert known == [0, 2], "the first two are noted before the third is sent"


async def test_states_of_one_id_keep_their_order_when_an_answer_is_lost_or_a_batch_is_too_large(queue: Queue) -> None:
    here = queue.vendor(Reply(413), all_ok, Retryable("lost", lost=True), all_ok)
    await queue.accept({"id": "1", "n": 1}, {"id": "2", "n": 1}, {"id": "1", "n": 2})
    await queue.accept({"id": "2", "n": 2})
    await queue.work()
    queue.now += 1
    await queue.work()
    assert await queue.states() == ["done", "done"]
    for number in "12":
        states = [row["n"] for row in here.received() if row["id"] == number]
        assert states[-1] == 2
    for call in here.sender.calls:
        sent = [row["id"] for row in json.loads(call.body or b"")]
        assert len(set(sent)) == len(sent)


async def test_deliveries_of_other_kinds_of_work_are_sent_apart(queue: Queue) -> None:
    here = queue.vendor()
    await queue.accept({"id": "1"})
    await queue.accept({"id": "2"}, mode="remove")
    await queue.accept({"id": "3"})
    await queue.work()
    assert [(call.destructive, json.loads(call.body or b"")) for call in here.sender.calls] == [
        (False, [{"id": "1"}]),
        (True, [{"id": "2"}]),
        (False, [{"id": "3"}]),
    ]
