"""A delivery that no code foresaw: tried some times, alone, and then set aside, so that its lane goes on."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from tests.unit.delivery.queues import LANE, Queue, ends, ids, until
from tests.unit.delivery.support import LEASE, Plain, ScriptedSender, Tiny, all_ok

from proofport.adapter import Batch, Flow, Job, Memory
from proofport.delivery.queue.deliveries import letter_of, replayed
from proofport.errors import JournalError, UsageError
from proofport.http.flow import Gate
from proofport.journal.contract import Failure, Filter
from proofport.journal.sql.lane_run import SqlLaneRun
from proofport.wire import Call, Reply


class Choosy(Tiny):
    """Its adapter fails at a record named `poison`: before anything is sent, or at the answer."""

    at_the_answer = False

    def send(self, job: Job, memory: Memory, batch: Batch) -> Flow[Any]:
        is_bad = any(b"poison" in body for body in batch.bodies)
        if is_bad and not self.at_the_answer:
            raise KeyError("poison")
        outcomes = yield from super().send(job, memory, batch)
        if is_bad:
            raise KeyError("poison")
        return outcomes


class AtTheAnswer(Choosy):
    at_the_answer = True


async def work_through(queue: Queue, rests: int) -> list[float]:
    """Work until nothing waits, and let the lane rest as often as that. The rests."""
    taken = []
    for _ in range(rests):
        await queue.work()
        [lane] = await queue.journal.lanes()
        taken.append(lane.next_at - queue.now)
        queue.now = lane.next_at
    await queue.work()
    return taken


async def test_what_an_adapter_breaks_down_at_is_tried_alone_and_set_aside_at_the_third_time(queue: Queue) -> None:
    here = queue.vendor(made=Choosy)
    for name in ("a", "poison", "b"):
        await queue.accept({"id": name})
    await queue.work()
    [lane] = await queue.journal.lanes()
    assert (lane.broken, lane.queued, lane.parked) == (1, 2, None)
    assert await work_through(queue, 2) == [1.0, 2.0]
    assert await queue.states() == ["done", "dead", "done"]
    assert ids(here) == ["a", "b"]
    letter = (await queue.all())[1]
    assert letter.failure is not None
    assert (letter.failure.reason, letter.attempts) == ("broke_down", 3)
    assert "KeyError: 'poison'" in letter.failure.detail
    [shown] = letter_of(letter, queue.target("here", "custom:thing", "upsert"))
    assert (shown["evidence"], shown["body"]) == ({"id": "poison"}, {"id": "poison"})


async def test_what_an_adapter_breaks_down_at_once_it_was_sent_is_for_a_person(queue: Queue) -> None:
    """It may be the vendor's answers that have changed: then nothing of the lane would ever arrive."""
    queue.vendor(made=AtTheAnswer)
    await queue.accept({"id": "poison"})
    await queue.work()
    [lane] = await queue.journal.lanes()
    assert "broke down" in (lane.parked or "")
    await queue.journal.set_aside(Filter(ids=[1]), Failure("set_aside", "it holds the others up"))
    await queue.accept({"id": "b"})
    await queue.journal.resume(LANE)
    await queue.work()
    assert await queue.states() == ["dead", "done"]


async def test_a_record_that_the_mapping_breaks_down_at_takes_nothing_from_the_others(queue: Queue) -> None:
    class Broken(Plain):
        def __call__(self, neutral: dict[str, Any]) -> dict[str, Any]:
            return {**neutral, "share": 1 / neutral.get("n", 1)}

    here, queue.mapping = queue.vendor(), Broken()
    await queue.accept({"id": "a"}, {"id": "b", "n": 0})
    await queue.accept({"id": "c"})
    await queue.work()
    assert ids(here) == ["a", "c"]
    assert await queue.states() == ["done", "done", "dead"]
    letter = (await queue.all())[2]
    assert ends(letter) == ["rejected"]
    assert letter.failure is not None
    assert "ZeroDivisionError" in letter.failure.detail


@pytest.mark.parametrize("last", ["9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59Z", "9000-01-01T00:00:00Z"])
async def test_times_at_the_edge_of_a_calendar_are_times(queue: Queue, last: str) -> None:
    """As a float, the last moment of the year 9999 is one of the year 10000, which no calendar holds.

    A relay refuses such a time. Where one was noted all the same, it makes no later state an older one.
    """
    here = queue.vendor()
    await queue.accept({"id": "x", "observed_at": last})
    await queue.accept({"id": "x", "observed_at": "0001-01-01T00:00:00Z"})
    await queue.accept({"id": "y"})
    await queue.work()
    assert ids(here) == ["x", "x", "y"]
    assert await queue.states() == ["done", "done", "done"]


@pytest.mark.parametrize(
    "payload",
    [b"x\x01\x00\x00", b"", b"[", b"{}", b"[1]", b"[{}]", b'[{"id":1}]', b'[{"id":"a"},{"id":"b"}]', b"\xff\xfe"],
)
async def test_a_payload_that_is_damaged_in_the_journal_is_a_dead_letter(queue: Queue, payload: bytes) -> None:
    here = queue.vendor()
    for name in "abc":
        await queue.accept({"id": name})
    damage(queue, 2, payload)
    await queue.work()
    assert await queue.states() == ["done", "dead", "done"]
    assert ids(here) == ["a", "c"]
    letter = (await queue.all())[1]
    assert letter.failure is not None
    assert letter.failure.reason == "damaged"
    letter_of(letter, queue.target("here", "custom:thing", "upsert"))
    [again] = await replayed(queue.journal, Filter(ids=[2]), as_it_was=False)
    await queue.work()
    assert await queue.states() == ["done", "cancelled", "done", "dead"]
    assert await queue.journal.cancel(Filter(ids=[again.id]), "not to be mended") == 1


async def test_damaged_bodies_are_not_sent_as_they_were(queue: Queue) -> None:
    queue.vendor(Reply(422), all_ok)
    await queue.accept({"id": "a"})
    await queue.work()
    damage(queue, 1, b"x\x01\x00\x00", column="bodies")
    assert letter_of((await queue.all())[0], queue.target("here", "custom:thing", "upsert")) == []
    with pytest.raises(UsageError, match="cannot be sent as it was"):
        await replayed(queue.journal, Filter(ids=[1]), as_it_was=True)


# ---------------------------------------------------------------------- whoever delivers dies
async def test_what_its_deliverer_dies_at_three_times_is_set_aside_and_nothing_else(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever dies gives no lane back. What was on its way goes out again as it was, and then one by one."""
    died: list[list[str]] = []

    class Deadly(ScriptedSender):
        async def send(self, call: Call, gate: Gate | None = None) -> Reply:
            asked = [record["id"] for record in json.loads(call.body or b"")]
            if "poison" in asked:
                died.append(asked)
                await asyncio.Event().wait()
            return await super().send(call, gate)

    async def never(run: SqlLaneRun) -> None:
        """The dead give nothing back."""

    here = queue.vendor()
    here.sender = Deadly(send_records=all_ok)
    for name in ("a", "poison", "b"):
        await queue.accept({"id": name})
    for _ in range(5):
        before = len(died)
        with monkeypatch.context() as dead:
            dead.setattr(SqlLaneRun, "release", never)
            async with queue.working(grace=0.0):
                await until(lambda count=before: len(died) > count)  # type: ignore[misc]
        queue.now += LEASE
    assert died == [["a", "poison", "b"], ["a", "poison", "b"], ["poison"], ["poison", "b"], ["poison"]]
    await queue.work()
    assert await queue.states() == ["done", "dead", "done"]
    assert ids(here)[-1] == "b"
    letter = (await queue.all())[1]
    assert letter.failure is not None
    assert "3 times" in letter.failure.detail


async def test_a_journal_that_fails_blames_no_delivery(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    queue.vendor()
    await queue.accept({"id": "a"})

    async def full(*given: Any, **more: Any) -> None:
        raise JournalError("the disk is full")

    excused, excuse = asyncio.Event(), SqlLaneRun.excuse

    async def noted(run: SqlLaneRun) -> None:
        await excuse(run)
        excused.set()

    for _ in range(4):
        excused.clear()
        with monkeypatch.context() as broken:
            broken.setattr(SqlLaneRun, "intend", full)
            broken.setattr(SqlLaneRun, "excuse", noted)
            async with queue.working():
                await excused.wait()
        queue.now += LEASE
    [lane] = await queue.journal.lanes()
    assert lane.broken == 0
    await queue.work()
    assert await queue.states() == ["done"]


def damage(queue: Queue, number: int, content: bytes, column: str = "payload") -> None:
    with closing(sqlite3.connect(queue.journal.path)) as db, db:
        db.execute(f"UPDATE deliveries SET {column} = ? WHERE id = ?", (content, number))
