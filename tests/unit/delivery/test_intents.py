"""What is about to be sent is in the journal before it leaves, mostly with what is noted of the batch before."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import pytest
from tests.support.journals import MemoryJournal
from tests.unit.delivery.queues import LANE as QUEUE_LANE
from tests.unit.delivery.queues import Queue
from tests.unit.delivery.runs import Vendor, counts, push, write
from tests.unit.delivery.support import (
    KIND,
    LEASE,
    EndingTiny,
    ScriptedSender,
    Tiny,
    all_ok,
    attached,
    batch,
    deliver,
    destination,
    expect_ok,
    reply,
)

from proofport.accounting import CONFIRMED, Outcome
from proofport.adapter import Batch, Flow, Job, Memory
from proofport.delivery.books import RunBooks, entry_of
from proofport.delivery.destination_run import DestinationRun
from proofport.delivery.lane.intents import Intents
from proofport.delivery.lane.lease import Holder
from proofport.errors import JournalError, OutcomeUnknown, Retryable
from proofport.http.flow import Gate
from proofport.journal.contract import IN_DOUBT, Filter, Intent, Known, NewRun, Sent, SourceCount
from proofport.wire import Call, Reply

LANE = f"here/{KIND}"
HELD = reply({"ids": [], "next": None})


def intent(number: int) -> Intent:
    return Intent(number, Sent([f"r{number}"]))


# ---------------------------------------------------------------------- when it is written
class Written:
    """Notes which batches are written together, and fails if told to."""

    def __init__(self) -> None:
        self.all: list[list[int]] = []
        self.fails = False
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def __call__(self, intents: Sequence[Intent]) -> None:
        await self.may_end.wait()
        if self.fails:
            raise JournalError("the disk is full")
        self.all.append([each.batch for each in intents])


async def test_it_goes_with_the_next_write_and_else_alone() -> None:
    alone, together = Written(), Written()
    tried = Intents(alone)
    tried.add([intent(0)])
    await tried.durable(0)
    tried.add([intent(1), intent(2)])
    await tried.carried(together)
    await tried.durable(1)
    await tried.durable(2)
    assert (alone.all, together.all) == ([[0]], [[1, 2]])


async def test_whoever_needs_it_waits_for_the_write_that_has_it() -> None:
    alone, together = Written(), Written()
    tried = Intents(alone)
    tried.add([intent(0)])
    together.may_end.clear()
    async with asyncio.TaskGroup() as group:
        group.create_task(tried.carried(together))
        waiting = group.create_task(tried.durable(0))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not waiting.done()
        together.may_end.set()
    assert (alone.all, together.all) == ([], [[0]])


async def test_what_could_not_be_written_goes_with_another_write() -> None:
    alone, together = Written(), Written()
    tried = Intents(alone)
    tried.add([intent(0)])
    together.fails = True
    with pytest.raises(JournalError):
        await tried.carried(together)
    await tried.durable(0)
    assert alone.all == [[0]]


async def test_only_what_was_not_sent_can_be_withdrawn() -> None:
    tried = Intents(Written())
    tried.add([intent(0), intent(1), intent(2)])
    await tried.durable(0)
    tried.add([intent(3)])
    tried.noted(0)
    assert [each.batch for each in tried.not_sent(keep=[2])] == [1]


# ---------------------------------------------------------------------- before the wire
class Watching(ScriptedSender):
    """Looks at the file of the journal while each request is on the wire."""

    def __init__(self, journal: MemoryJournal, **answers: Any) -> None:
        super().__init__(**{"send_records": all_ok, "list_records": HELD, **answers})
        self.journal = journal
        self.durable: list[bool] = []

    async def send(self, call: Call, gate: Gate | None = None) -> Reply:
        if call.operation == "send_records":
            with closing(sqlite3.connect(self.journal.path)) as db:
                contents = [row[0] for row in db.execute("SELECT content FROM intents")]
            known = {each for content in contents for each in json.loads(content.partition(b"\n")[0])[0]}
            self.durable.append({row["id"] for row in json.loads(call.body or b"")} <= known)
        return await super().send(call, gate)


@pytest.mark.parametrize("content", [b"{", b"null", b'[["r1"],[],[],[],["1"]]\n1', b"[1,[],[],[],[]]\n"])
async def test_of_a_damaged_intent_all_that_was_delivered_is_in_doubt(content: bytes) -> None:
    journal = MemoryJournal()
    held = await journal.claim(LANE, owner="a", lease=LEASE)
    assert held is not None
    await held.begin(NewRun("r1", "here", KIND, "upsert"))
    await held.intend(KIND, [intent(1), intent(2)], run_id="r1")
    with closing(sqlite3.connect(journal.path)) as db, db:
        db.execute("UPDATE intents SET content = ? WHERE batch = 1", (content,))
    left = await journal.left(LANE, KIND)
    assert ([sent.ids for sent in left.sent], left.cut) == ([["r2"]], True)
    await held.begin(NewRun("r2", "here", KIND, "upsert"))
    assert await journal.known(LANE, KIND, ["r1", "r2"]) == [None, Known(IN_DOUBT, 0.0)]


@pytest.mark.parametrize("parallel", [1, 3])
@pytest.mark.usefixtures("folder")
async def test_every_record_of_a_push_is_noted_before_it_leaves(parallel: int) -> None:
    journal = MemoryJournal()
    sender = Watching(journal)
    file = write("a.ndjson", *({"id": f"r{n}"} for n in range(9)))
    report = await push(file, journal=journal, here=Vendor(sender, max_records=2, parallel=parallel))
    assert (counts(report), sender.durable) == ({"delivered": 9}, [True] * 5)


async def test_every_record_of_the_queue_is_noted_before_it_leaves() -> None:
    queue = Queue()
    sender = queue.vendor().sender = Watching(queue.journal)
    for n in range(5):
        await queue.accept({"id": f"a{n}"}, {"id": f"b{n}"})
    await queue.work()
    assert set(await queue.states()) == {"done"}
    assert sender.durable
    assert all(sender.durable)


class Slower(ScriptedSender):
    """Answers a batch once the one before is noted: the vendor is slower than the journal."""

    def __init__(self) -> None:
        super().__init__()
        self.noted = asyncio.Semaphore(1)

    async def send(self, call: Call, gate: Gate | None = None) -> Reply:
        await self.noted.acquire()
        await super().send(call, gate)
        return all_ok(call)


async def test_a_push_writes_it_with_the_batch_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many commits as batches, and one more."""
    sender = Slower()
    tried: DestinationRun = destination(sender)
    journal = MemoryJournal()
    held = await attached(tried, journal)
    intend, batch_done, alone = held.intend, held.batch_done, 0

    async def counted(*given: Any, **more: Any) -> None:
        nonlocal alone
        alone += 1
        await intend(*given, **more)

    async def done(*given: Any, **more: Any) -> None:
        await batch_done(*given, **more)
        sender.noted.release()

    monkeypatch.setattr(held, "intend", counted)
    monkeypatch.setattr(held, "batch_done", done)
    await deliver(tried, *(batch(f"r{n}") for n in range(12)))
    assert tried.report.tally.total == 12
    assert alone == 1


# ---------------------------------------------------------------------- what is left of it
@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("answer", [Reply(403), Retryable("silent")], ids=["refused", "silent"])
async def test_what_was_surely_not_sent_is_not_known(answer: Any) -> None:
    journal = MemoryJournal()
    file = write("a.ndjson", *({"id": f"r{n}"} for n in range(8)))
    here = Vendor(ScriptedSender(send_records=[all_ok, answer], list_records=HELD), max_records=2)
    await push(file, mode="snapshot", journal=journal, here=here)
    report = await push(write("b.ndjson", {"id": "r0"}), mode="snapshot", journal=journal, here=Vendor())
    assert report.destinations["here"].gone.ids == ["r1"]


class Remembering(EndingTiny):
    """Ends a record with its last body."""

    def end(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        assert all(last is not None and not last.certain for last in batch.last)
        body = b"[" + b",".join(last.body for last in batch.last if last is not None) + b"]"
        expect_ok((yield Call("end_records", "POST", "/ended", body=body, destructive=True)))
        return [CONFIRMED] * len(batch)


@pytest.mark.usefixtures("folder")
async def test_a_tombstone_is_made_of_what_was_only_intended() -> None:
    journal, file = MemoryJournal(), write("a.ndjson", *({"id": f"r{n}"} for n in range(9)))
    here = Vendor(ScriptedSender(send_records=all_ok), made=Remembering, keeps_bodies=True)
    await push(file, mode="snapshot", journal=journal, here=here)
    held = await journal.claim(LANE, owner="killed", lease=LEASE)
    assert held is not None
    await held.begin(NewRun("killed", "here", KIND, "snapshot"))
    body = b'{"id":"left","name":"as it was sent"}'
    await held.intend(KIND, [Intent(0, Sent(["left"], items=[body]))], run_id="killed")
    await held.release()
    report = await push(file, mode="snapshot", journal=journal, here=here)
    assert report.destinations["here"].gone.ids == ["left"]
    assert [call.body for call in here.sender.calls if call.operation == "end_records"] == [b"[%b]" % body]


@pytest.mark.parametrize("answer", [OutcomeUnknown("lost"), Retryable("silent")], ids=["lost", "silent"])
async def test_a_queued_delivery_that_may_have_arrived_is_known_and_one_that_was_not_sent_is_not(answer: Any) -> None:
    queue = Queue()
    queue.vendor(answer)
    delivery = await queue.accept({"id": "x"})
    await queue.work()
    assert await queue.journal.cancel(Filter(ids=[delivery]), "not ours") == 1
    held = await queue.journal.claim(QUEUE_LANE, owner="next", lease=LEASE)
    assert held is not None
    assert await held.take(1) == []
    [known] = await queue.journal.known(QUEUE_LANE, KIND, ["x"])
    assert (known and known.body) == (IN_DOUBT if isinstance(answer, OutcomeUnknown) else None)


async def test_what_was_only_intended_has_its_source() -> None:
    journal = MemoryJournal()
    held = await journal.claim(LANE, owner="killed", lease=LEASE)
    assert held is not None
    books = RunBooks(journal, Holder(held, LEASE), NewRun("killed", "here", KIND, "snapshot"))
    await books.begin(["hr-eu"])
    entry = entry_of(0, batch("x", "y"))
    books.intend(entry, entry.batch, ())
    await books.intended(entry)
    await held.begin(NewRun("next", "here", KIND, "snapshot"))
    assert await journal.sources(LANE, KIND) == [SourceCount(1, "hr-eu", 2)]


# ---------------------------------------------------------------------- another input
@pytest.mark.usefixtures("folder")
async def test_nothing_is_sent_before_all_that_was_sent_is_found_in_the_input() -> None:
    """The first batch is unknown, and would be sent again; the second is another one."""
    journal = MemoryJournal()

    async def snapshot(ids: Sequence[str], *answers: Any, resume: bool = False) -> tuple[Vendor, Any]:
        sender = ScriptedSender(send_records=[*answers, all_ok], list_records=HELD)
        here = Vendor(sender, Tiny, max_records=2)
        file = write("a.ndjson", *({"id": each} for each in ids))
        return here, await push(file, mode="snapshot", journal=journal, run_id="r", resume=resume, here=here)

    await snapshot("abcdef", reply(["?", "?"]), all_ok, Retryable("silent"))
    here, report = await snapshot("abxdef", resume=True)
    assert (here.received(), counts(report)) == ([], {"withheld": 6})
    assert "Push again without --resume" in " ".join(report.destinations["here"].notes)
    here, report = await snapshot("abcdef")
    assert counts(report) == {"delivered": 6}
