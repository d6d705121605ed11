"""Batches that hold records of several deliveries: outcomes, letters and attempts find their way back."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from tests.unit.delivery.queues import LANE, Queue, ends, ids, until
from tests.unit.delivery.runs import push, write
from tests.unit.delivery.support import KIND, LEASE, ScriptedSender, all_ok, reply

from proofport.accounting import Outcome
from proofport.delivery.lane.payload import decode_outcomes, pack, unpack_bodies
from proofport.delivery.queue import taken
from proofport.errors import Retryable
from proofport.http.flow import Gate
from proofport.journal.contract import IN_DOUBT, Attempt, Delivery, Known, NewDelivery
from proofport.journal.sql.lane_run import SqlLaneRun
from proofport.wire import Call, Reply


# ---------------------------------------------------------------------- what waits goes together
@pytest.mark.parametrize(("most", "requests"), [(500, [60]), (25, [25, 25, 10]), (1, [1] * 60)])
async def test_what_waits_when_its_lane_is_claimed_goes_in_as_few_requests_as_the_vendor_takes(
    queue: Queue, most: int, requests: list[int]
) -> None:
    here = queue.vendor(max_records=most)
    for number in range(60):
        await queue.accept({"id": str(number)})
    await queue.work()
    assert [len(json.loads(call.body or b"")) for call in here.sender.calls] == requests
    assert ids(here) == [str(number) for number in range(60)]
    assert await queue.states() == ["done"] * 60


async def test_what_comes_while_a_request_is_on_its_way_goes_in_the_next(queue: Queue) -> None:
    """Nothing waits for more to come: the first goes at once."""
    on_its_way, go_on = asyncio.Event(), asyncio.Event()

    class Slow(ScriptedSender):
        async def send(self, call: Call, gate: Gate | None = None) -> Reply:
            on_its_way.set()
            await go_on.wait()
            return await super().send(call, gate)

    here = queue.vendor()
    here.sender = Slow(send_records=all_ok)
    await queue.accept({"id": "first"})
    async with queue.working():
        await on_its_way.wait()
        for number in range(60):
            await queue.accept({"id": str(number)})
        go_on.set()
        await until(queue.is_idle)
    assert [len(json.loads(call.body or b"")) for call in here.sender.calls] == [1, 60]


async def test_large_deliveries_are_unpacked_a_few_at_a_time(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taken, "MOST_BYTES", 3_000)
    here = queue.vendor()
    for number in range(5):
        await queue.accept({"id": str(number), "text": "x" * 2_000})
    await queue.work()
    assert [len(json.loads(call.body or b"")) for call in here.sender.calls] == [2, 2, 1]


async def test_ids_that_compare_alike_are_not_in_one_request(queue: Queue) -> None:
    here = queue.vendor()
    for name in ("Ann", "bob", "ANN", "cy"):
        payload = pack([{"id": name}], fold=True)
        await queue.journal.accept([NewDelivery(LANE, "here", KIND, "upsert", payload, 1)])
    await queue.work()
    sent = [[row["id"].lower() for row in json.loads(call.body or b"")] for call in here.sender.calls]
    assert sent == [["ann", "bob"], ["ann", "cy"]]


async def test_after_a_kill_the_same_request_goes_out_before_anything_newer(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[bytes] = []

    class Deadly(ScriptedSender):
        async def send(self, call: Call, gate: Gate | None = None) -> Reply:
            sent.append(call.body or b"")
            await asyncio.Event().wait()
            raise AssertionError("nobody lives so long")

    async def never(run: SqlLaneRun) -> None:
        """The dead give nothing back."""

    for number in range(20):
        await queue.accept({"id": str(number)})
    for before in range(2):
        here = queue.vendor()
        here.sender = Deadly(send_records=all_ok)
        with monkeypatch.context() as dead:
            dead.setattr(SqlLaneRun, "release", never)
            async with queue.working(grace=0.0):
                await until(lambda before=before: len(sent) > before)  # type: ignore[misc]
        queue.now += LEASE
        await queue.accept({"id": f"newer {len(sent)}"})
    assert sent[0] == sent[1]
    assert len(json.loads(sent[0])) == 20
    here = queue.vendor()
    await queue.journal.resume(LANE)
    async with queue.working():
        await until(queue.is_idle)
    assert ids(here)[-2:] == ["newer 1", "newer 2"]
    assert await queue.states() == ["done"] * 22


async def test_a_request_whose_answer_is_lost_goes_out_again_as_it_was(queue: Queue) -> None:
    here = queue.vendor(Retryable("lost", lost=True), all_ok)
    for name in "abc":
        await queue.accept({"id": name})
    await queue.work()
    await queue.accept({"id": "newer"})
    queue.now += 1
    await queue.work()
    first, again, newer = [call.body for call in here.sender.calls]
    assert first == again
    assert newer == b'[{"id":"newer"}]'


async def test_a_part_of_a_request_that_is_refused_as_a_whole_is_sent_again_delivery_by_delivery(queue: Queue) -> None:
    """Too large, it was halved; the second half is refused, and nobody is told for which record."""
    here = queue.vendor(Reply(413), all_ok, Reply(422), all_ok, Reply(422), all_ok)
    for number in range(6):
        await queue.accept({"id": str(number)})
    await queue.work()
    sent = [[row["id"] for row in json.loads(call.body or b"")] for call in here.sender.calls]
    assert sent == [list("012345"), list("012"), list("345"), ["3"], ["4"], ["5"]]
    assert await queue.states() == ["done"] * 4 + ["dead", "done"]


async def test_what_is_refused_by_name_is_not_sent_again_though_others_are_refused_alike(queue: Queue) -> None:
    here = queue.vendor(reply(["no", "ok", "no"]))
    for number in range(3):
        await queue.accept({"id": str(number)})
    await queue.work()
    assert len(here.sender.calls) == 1
    assert await queue.states() == ["dead", "done", "dead"]


async def test_a_set_shares_no_request_with_what_is_queued(queue: Queue, tmp_path: Path) -> None:
    here = queue.vendor()
    await queue.accept({"id": "q1"})
    await queue.accept({"id": "q2"})
    file = write(str(tmp_path / "set.ndjson"), {"id": "s1"}, {"id": "s2"})
    await push(file, mode="snapshot", here=here, journal=queue.journal)
    await queue.work()
    sent = [call for call in here.sender.calls if call.operation == "send_records"]
    assert [[row["id"] for row in json.loads(call.body or b"")] for call in sent] == [["s1", "s2"], ["q1", "q2"]]


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
