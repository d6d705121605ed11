"""The end of a snapshot whose records the vendor takes as they come, and of one that goes whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.support.journals import MemoryJournal
from tests.unit.delivery.snapshots import TERMS, books_of, ten
from tests.unit.delivery.support import (
    VERDICTS,
    EndingTiny,
    ListedTiny,
    ScriptedSender,
    Tiny,
    TinyAdapter,
    WholeTiny,
    all_ok,
    batch,
    counts,
    destination,
    expect_ok,
    listing,
    memory_journal,
    reply,
)

from proofport.accounting import CONFIRMED, UNCHANGED, Status
from proofport.adapter import Flow, Job, Memory
from proofport.delivery.ids.ids import IdStore
from proofport.delivery.report.report import DestinationReport, Exit
from proofport.delivery.snapshot.compared import ComparedSet
from proofport.delivery.snapshot.guard import Terms
from proofport.delivery.snapshot.replaced import ReplacedSet
from proofport.errors import LaneLost, Problem
from proofport.journal.contract import Journal
from proofport.wire import Call, Reply


@pytest.fixture
def ids() -> Iterator[IdStore]:
    with closing(IdStore()) as store:
        yield store


# ---------------------------------------------------------------------- compared
@pytest.fixture
async def journal() -> Journal:
    return await memory_journal()


async def run(journal: Journal, name: str, read: Sequence[str], terms: Terms = TERMS, **how: Any) -> DestinationReport:
    """One snapshot of a vendor that takes records as they come."""
    sender = ScriptedSender(send_records=how.get("answer", all_ok))
    tried = destination(sender, mode="snapshot", run_id=name, adapter=TinyAdapter(made=how.get("made", Tiny)))
    books = await books_of(tried, journal)
    with closing(IdStore()) as ids:
        ending = ComparedSet(tried, books, terms, ids, listing(tried, books, terms), delete_gone=False)
        await ending.prepare()
        ids.add(read, list(range(len(read))))
        await tried.take(batch(*read))
        await tried.finish()
        await tried.run()
        complete = await ending.end(how.get("incomplete", ()))
    await books.end(complete=complete, report="{}")
    assert tried.vendor.holder is not None
    await tried.vendor.holder.run.release()
    return tried.report


async def test_what_is_gone_is_listed_against_the_last_set_and_stays_gone_once(journal: Journal) -> None:
    assert (await run(journal, "1", ten())).gone.ids == []
    second = await run(journal, "2", ten()[:-1])
    assert (second.exit, second.gone.ids) == (Exit.OK, ["r9"])
    assert second.gone_became == "still held by tiny"
    third = await run(journal, "3", ten()[:-1])
    assert (third.exit, third.gone.ids, third.notes) == (Exit.OK, [], [])


@pytest.mark.parametrize(("kept", "code"), [(8, Exit.OK), (7, Exit.GUARD)])
async def test_the_guard_warns_where_nothing_can_be_held_back(journal: Journal, kept: int, code: Exit) -> None:
    await run(journal, "1", ten())
    report = await run(journal, "2", ten()[:kept])
    assert report.exit is code
    assert report.tally.status[Status.DELIVERED] == kept, "the vendor has them"


async def test_after_a_refusal_the_set_before_stays_the_one_to_compare_with(journal: Journal) -> None:
    await run(journal, "1", ten())
    refused = await run(journal, "2", ten()[:5])
    [complete] = [each for each in await journal.runs() if each.state == "complete"]
    assert complete.ended is not None
    moment = f"{datetime.fromtimestamp(complete.ended, UTC):%H:%M}"
    assert re.search(
        rf"not recorded as complete; the next one is compared with that of \S+ {moment} UTC", refused.notes[0]
    )
    assert (await run(journal, "3", ten()[:5])).exit is Exit.GUARD, "pushing the same again does not let it through"
    assert (await run(journal, "4", ten())).exit is Exit.OK


async def test_an_override_makes_the_smaller_set_the_last_one(journal: Journal) -> None:
    await run(journal, "1", ten())
    report = await run(journal, "2", ten()[:5], Terms(0.2, 0, override="half was sold"))
    assert report.exit is Exit.OK
    assert report.notes[0] == "The guard was overridden: half was sold"
    assert (await run(journal, "3", ten()[:5])).gone.ids == []


@pytest.mark.parametrize("answer", [Reply(403), reply(["no"] * 9), reply(["?"] * 9)])
async def test_a_set_that_was_not_delivered_does_not_become_the_last_one(journal: Journal, answer: Reply) -> None:
    await run(journal, "1", ten())
    await run(journal, "2", ten()[:9], answer=answer)
    assert (await run(journal, "3", ten()[:9])).gone.ids == ["r9"], "it is still news"


async def test_an_incomplete_source_is_refused(journal: Journal) -> None:
    report = await run(journal, "1", ten(), incomplete=["a.json breaks off"])
    assert report.exit is Exit.GUARD
    assert "a.json breaks off" in report.notes[0]


# ---------------------------------------------------------------------- ended
async def test_nothing_is_ended_where_the_delivery_cannot_be_opened(journal: Journal) -> None:
    """All records were rejected before anything was sent, so the ending is the first to open."""

    class Opening(EndingTiny):
        def open(self, job: Job, memory: Memory) -> Flow[Memory]:
            expect_ok((yield Call("open_it", "POST", "/open")))
            return {}

    sender = ScriptedSender(open_it=Reply(403), end_records=all_ok)
    await run(journal, "1", ten())
    tried = destination(sender, mode="snapshot", run_id="2", adapter=TinyAdapter(made=Opening))
    books = await books_of(tried, journal)
    with closing(IdStore()) as ids:
        ids.add(ten()[:9], list(range(9)))
        for number, record_id in enumerate(ten()[:9]):
            tried.ledger.reject(record_id, number, Problem("x", "y"))
        terms = Terms(0.2, 9)
        ending = ComparedSet(tried, books, terms, ids, listing(tried, books, terms), delete_gone=False)
        await ending.prepare()
        assert not await ending.end(())
    assert sender.operations == ["open_it"]
    assert tried.report.exit is Exit.BLOCKED
    assert await journal.known_count(tried.resource.lane, tried.job.kind) == 10


async def test_a_list_that_is_refused_is_not_asked_for_again(journal: Journal) -> None:
    """The set before stays the one that the journal knows."""

    class ListedEnding(EndingTiny, ListedTiny):
        pass

    sender = ScriptedSender(list_records=Reply(403))
    await run(journal, "1", ten())
    tried = destination(sender, mode="snapshot", run_id="2", adapter=TinyAdapter(made=ListedEnding))
    books = await books_of(tried, journal)
    with closing(IdStore()) as ids:
        ending = ComparedSet(tried, books, TERMS, ids, listing(tried, books, TERMS), delete_gone=False)
        await ending.prepare()
        ids.add(ten()[:9], list(range(9)))
        tried.report.tally.add([CONFIRMED] * 9)
        assert not await ending.end(())
    assert (sender.operations, tried.report.exit) == (["list_records"], Exit.BLOCKED)
    assert tried.report.gone.ids == ["r9"]


# ---------------------------------------------------------------------- whole
async def test_a_set_that_waits_for_the_guard_is_withheld_when_the_lane_is_lost_meanwhile(
    ids: IdStore, journal: Journal
) -> None:
    sender = ScriptedSender(replace_records=all_ok)
    tried = destination(sender, mode="snapshot", adapter=TinyAdapter(made=WholeTiny))
    books = await books_of(tried, journal)
    await tried.take(batch(*ten()))
    await tried.finish()
    await tried.run()
    tried.stop(LaneLost("taken over"), "lane_lost", Exit.INCOMPLETE)
    assert not await ReplacedSet(tried, books, TERMS, ids, listing(tried, books, TERMS)).end(())
    assert (sender.calls, counts(tried)) == ([], {"withheld": 10})
    assert tried.report.tally.reasons == {"lane_lost": 10}


async def test_a_set_of_which_the_vendor_has_some_already_is_the_new_one(
    ids: IdStore, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(VERDICTS, "same", UNCHANGED)
    sender = ScriptedSender(replace_records=reply(["same", *["ok"] * 9]))
    tried = destination(sender, mode="snapshot", adapter=TinyAdapter(made=WholeTiny))
    books = await books_of(tried, journal)
    ids.add(ten(), list(range(10)))
    await tried.take(batch(*ten()))
    await tried.finish()
    await tried.run()
    assert await ReplacedSet(tried, books, TERMS, ids, listing(tried, books, TERMS)).end(())
    assert counts(tried) == {"unchanged": 1, "delivered": 9}


async def test_a_set_taken_over_before_it_is_sent_is_not_sent(ids: IdStore) -> None:
    """The journal is asked before a call that destroys what it lacks."""
    journal, sender = MemoryJournal(), ScriptedSender(replace_records=all_ok)
    await journal.open()
    tried = destination(sender, mode="snapshot", adapter=TinyAdapter(made=WholeTiny))
    books = await books_of(tried, journal)
    await tried.take(batch(*ten()))
    await tried.finish()
    await tried.run()
    await tried.open()
    journal.take_over(tried.resource.lane)
    assert not await ReplacedSet(tried, books, TERMS, ids, listing(tried, books, TERMS)).end(())
    assert (sender.calls, counts(tried)) == ([], {"withheld": 10})
    assert tried.report.tally.reasons == {"lane_lost": 10}
