"""The end of a snapshot: a staged set is completed or cancelled, any other is compared with the set before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import pytest
from proofport.delivery.closing import ComparedEnding, StagedEnding, Terms
from proofport.delivery.lane import RESUMABLE, Lane
from tests.journals import MemoryJournal
from tests.unit.delivery.support import ScriptedSender, TinyAdapter, all_ok, batch, held, lane, memory_journal, reply

from proofport.accounting import CONFIRMED, rejected, unknown
from proofport.adapter import Capability
from proofport.delivery.ids import IdStore
from proofport.delivery.report import INLINE_PROBLEMS, Exit
from proofport.errors import AdapterFault, Blocked, OutcomeUnknown, Problem, Retryable
from proofport.journal.contract import Journal
from proofport.wire import Reply

TERMS = Terms(max_gone=0.2, max_rejected=0)
BAD = rejected(Problem("x", "y"))


def ten(first: int = 0) -> list[str]:
    return [f"r{n}" for n in range(first, first + 10)]


def page(ids: Sequence[str], following: str | None = None) -> Reply:
    return reply({"ids": list(ids), "next": following})


@pytest.fixture
def ids() -> Iterator[IdStore]:
    with closing(IdStore()) as store:
        yield store


class Snapshot:
    """A staged snapshot whose records have all been sent, and that is about to end."""

    def __init__(self, ids: IdStore, sender: ScriptedSender, read: Sequence[str], *, opened: bool = True) -> None:
        self.sender = sender
        self.journal = MemoryJournal()
        self.ids = ids
        self.lane: Lane = lane(sender, mode="snapshot", adapter=TinyAdapter(snapshot=Capability(staged=True)))
        self.lane.memory = {} if opened else None
        self.lane.report.tally.add([CONFIRMED] * len(read))
        ids.add(read, list(range(len(read))))

    async def end(self, terms: Terms = TERMS, incomplete: Sequence[str] = ()) -> Any:
        await self.journal.open()
        await held(self.lane, self.journal)
        await StagedEnding(self.lane, terms, self.ids).settle(incomplete)
        await self.lane.end()
        return self.lane.report

    async def state(self) -> str:
        """How the run stands in the journal."""
        run = await self.journal.run("run-1", "tiny")
        assert run is not None
        return run.state

    @property
    def counts(self) -> dict[str, int]:
        return {status.value: count for status, count in self.lane.report.tally.status.items() if count}


# ---------------------------------------------------------------------- staged
async def test_a_good_set_is_completed_and_what_is_gone_is_listed(ids: IdStore) -> None:
    held = [page(ten()[:6], "more"), page([*ten()[6:], "old-1"])]
    snapshot = Snapshot(ids, ScriptedSender(list_records=held), ten())
    report = await snapshot.end()
    assert snapshot.sender.operations == ["list_records", "list_records", "complete_set"]
    assert [call.query for call in snapshot.sender.calls[:2]] == [(("after", ""),), (("after", "more"),)]
    assert (report.exit, snapshot.counts) == (Exit.OK, {"delivered": 10})
    assert (report.gone, report.gone_count, report.notes) == (["old-1"], 1, [])
    assert await snapshot.state() == "complete"


async def test_the_first_set_of_all_is_completed(ids: IdStore) -> None:
    snapshot = Snapshot(ids, ScriptedSender(list_records=page([])), ten())
    assert (await snapshot.end()).exit is Exit.OK
    assert snapshot.sender.operations[-1] == "complete_set"


@pytest.mark.parametrize(("gone", "code"), [(2, Exit.OK), (3, Exit.GUARD)])
async def test_the_allowed_share_is_the_border(ids: IdStore, gone: int, code: Exit) -> None:
    held = page([*ten()[gone:], *[f"old-{n}" for n in range(gone)]])
    snapshot = Snapshot(ids, ScriptedSender(list_records=held), ten())
    report = await snapshot.end()
    assert report.exit is code
    assert snapshot.sender.operations[-1] == ("complete_set" if code is Exit.OK else "cancel_set")


async def test_a_refused_set_is_taken_back_and_the_report_says_why(ids: IdStore) -> None:
    snapshot = Snapshot(ids, ScriptedSender(list_records=page(ten(100))), ten())
    report = await snapshot.end()
    assert snapshot.sender.operations == ["list_records", "cancel_set"]
    assert (report.exit, snapshot.counts, report.tally.reasons) == (Exit.GUARD, {"withheld": 10}, {"guard": 10})
    assert "10 of 10 records held now would be gone" in report.notes[0]
    assert "10 records withheld" in report.notes[1]
    assert await snapshot.state() == "ended"
    report.tally.check(10)


async def test_a_person_may_override_the_guard_and_the_reason_stays(ids: IdStore) -> None:
    snapshot = Snapshot(ids, ScriptedSender(list_records=page(ten(100))), ten())
    report = await snapshot.end(Terms(0.2, 0, override="moved to a new account"), ["a.json breaks off"])
    assert snapshot.sender.operations[-1] == "complete_set"
    assert report.exit is Exit.OK
    assert "The guard was overridden: moved to a new account" in report.notes


@pytest.mark.parametrize("override", [None, "I mean it"])
async def test_an_empty_set_never_replaces_anything(ids: IdStore, override: str | None) -> None:
    snapshot = Snapshot(ids, ScriptedSender(list_records=page(ten())), [], opened=False)
    report = await snapshot.end(Terms(1.0, 0, override=override))
    assert snapshot.sender.operations == ["list_records"], "nothing was opened, so nothing is cancelled"
    assert report.exit is Exit.GUARD
    assert "empty" in report.notes[0]


async def test_a_source_that_was_not_read_to_its_end_completes_nothing(ids: IdStore) -> None:
    snapshot = Snapshot(ids, ScriptedSender(list_records=page(ten())), ten())
    report = await snapshot.end(incomplete=["a.json breaks off after record 3"])
    assert snapshot.sender.operations[-1] == "cancel_set"
    assert report.exit is Exit.GUARD
    assert "a.json breaks off after record 3" in report.notes[0]


async def test_where_the_records_held_now_cannot_be_listed_the_guard_refuses(ids: IdStore) -> None:
    snapshot = Snapshot(ids, ScriptedSender(list_records=Reply(404)), ten())
    report = await snapshot.end()
    assert snapshot.sender.operations == ["list_records", "cancel_set"]
    assert (report.exit, report.tally.reasons) == (Exit.GUARD, {"guard": 10})


@pytest.mark.parametrize(
    ("error", "code"), [(Retryable("silent", after=1e6), Exit.INCOMPLETE), (Blocked("may not read"), Exit.BLOCKED)]
)
async def test_a_list_that_fails_cancels_the_set_for_nothing_was_replaced(
    ids: IdStore, error: Exception, code: Exit
) -> None:
    snapshot = Snapshot(ids, ScriptedSender(list_records=error), ten())
    report = await snapshot.end()
    assert snapshot.sender.operations == ["list_records", "cancel_set"]
    assert (report.exit, report.tally.reasons) == (code, {"snapshot_cancelled": 10})
    assert str(error) in report.notes[0]


@pytest.mark.parametrize(("allowed", "code"), [(1, Exit.OK), (0, Exit.INCOMPLETE)])
async def test_more_rejects_than_allowed_cancel_the_set(ids: IdStore, allowed: int, code: Exit) -> None:
    snapshot = Snapshot(ids, ScriptedSender(list_records=page(ten())), ten())
    snapshot.lane.settle("bad", 11, BAD)
    report = await snapshot.end(Terms(0.2, allowed))
    assert report.exit is code
    if code is Exit.OK:
        assert snapshot.sender.operations[-1] == "complete_set"
    else:
        assert snapshot.sender.operations == ["cancel_set"], "nobody needs the list for that"
        assert snapshot.counts == {"withheld": 10, "rejected": 1}
        assert "1 record rejected (allowed 0)" in report.notes[0]


async def test_a_rejected_record_is_gone_although_it_was_read(ids: IdStore) -> None:
    snapshot = Snapshot(ids, ScriptedSender(list_records=page(ten())), ten())
    snapshot.lane.reject("r3", 4, Problem("x", "y"))
    report = await snapshot.end(Terms(0.2, 1))
    assert (report.gone, report.exit) == (["r3"], Exit.OK)


async def test_of_very_many_rejected_records_each_is_gone(ids: IdStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proofport.planning.ids.FEW", 2)
    snapshot = Snapshot(ids, ScriptedSender(list_records=page(ten())), ten())
    for number in range(2, 7):
        snapshot.lane.reject(f"r{number}", number, Problem("x", "y"))
    report = await snapshot.end(Terms(0.4, 5))
    assert (report.gone, report.exit) == ([f"r{n}" for n in range(2, 7)], Exit.GUARD)
    snapshot.lane.rejected_ids.close()


async def test_a_duplicate_is_not_gone_its_first_record_is_there(ids: IdStore) -> None:
    snapshot = Snapshot(ids, ScriptedSender(list_records=page(ten())), ten())
    snapshot.lane.settle("r3", 11, BAD)
    assert (await snapshot.end(Terms(0.0, 1))).gone == []


async def test_a_set_with_an_unknown_record_is_not_completed(ids: IdStore) -> None:
    snapshot = Snapshot(ids, ScriptedSender(), ten())
    snapshot.lane.settle("r11", 11, unknown("no_verdict"))
    report = await snapshot.end(Terms(1.0, 5))
    assert snapshot.sender.operations == ["cancel_set"]
    assert "1 record with an unknown outcome" in report.notes[0]
    assert report.exit is Exit.INCOMPLETE


async def test_a_stopped_delivery_is_taken_back_and_its_reason_to_stop_stands(ids: IdStore) -> None:
    snapshot = Snapshot(ids, ScriptedSender(), ten())
    snapshot.lane.stop(AdapterFault("a bug"), "adapter_fault", Exit.INCOMPLETE)
    report = await snapshot.end()
    assert snapshot.sender.operations == ["cancel_set"]
    assert (report.exit, report.tally.reasons) == (Exit.INCOMPLETE, {"snapshot_cancelled": 10})


@pytest.mark.parametrize("reason", RESUMABLE)
async def test_a_delivery_that_stopped_for_no_fault_of_the_set_stays_open_to_be_resumed(
    ids: IdStore, reason: str
) -> None:
    snapshot = Snapshot(ids, ScriptedSender(), ten())
    snapshot.lane.stop(Blocked("plan"), reason, Exit.BLOCKED)
    report = await snapshot.end()
    assert snapshot.sender.calls == [], "what was staged stays staged"
    assert (report.exit, report.tally.reasons, snapshot.counts) == (Exit.BLOCKED, {reason: 10}, {"withheld": 10})
    advice = "Push again." if reason == "lane_lost" else "Go on with --resume run-1"
    assert advice in report.notes[-1]
    assert await snapshot.state() == "open"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (OutcomeUnknown("lost"), Exit.INCOMPLETE),
        (Retryable("silent", after=1e6), Exit.INCOMPLETE),
        (Reply(403), Exit.BLOCKED),
    ],
)
async def test_nobody_knows_the_outcome_when_completing_fails(ids: IdStore, answer: Any, code: Exit) -> None:
    snapshot = Snapshot(ids, ScriptedSender(list_records=page(ten()), complete_set=answer), ten())
    report = await snapshot.end()
    assert (report.exit, snapshot.counts) == (code, {"unknown": 10})
    assert report.tally.reasons == {"closing_failed": 10}
    assert await snapshot.state() == "open", "it can be looked after by resuming it"
    report.tally.check(10)


async def test_completing_is_repeated_after_a_pause(ids: IdStore) -> None:
    sender = ScriptedSender(list_records=page(ten()), complete_set=[Retryable("busy", after=3.0), Reply(200)])
    snapshot = Snapshot(ids, sender, ten())
    assert (await snapshot.end()).exit is Exit.OK
    assert sender.operations.count("complete_set") == 2


@pytest.mark.parametrize("stopped", [True, False])
async def test_a_set_that_cannot_be_taken_back_is_reported(ids: IdStore, stopped: bool) -> None:
    sender = ScriptedSender(list_records=page(ten(100)), cancel_set=Reply(403))
    snapshot = Snapshot(ids, sender, ten())
    if stopped:
        snapshot.lane.stop(AdapterFault("a bug"), "adapter_fault", Exit.INCOMPLETE)
    report = await snapshot.end()
    assert "What was staged could not be taken back: the key was refused" in report.notes[-1]
    assert report.exit is Exit.INCOMPLETE, "more is wrong than the guard's refusal"
    assert snapshot.counts == {"withheld": 10}


async def test_a_long_list_of_what_is_gone_is_counted_in_full_and_shown_in_part(ids: IdStore) -> None:
    many = [f"old-{n}" for n in range(INLINE_PROBLEMS + 7)]
    snapshot = Snapshot(ids, ScriptedSender(list_records=page(many)), ten())
    report = await snapshot.end(Terms(1.0, 0))
    assert (report.gone_count, len(report.gone)) == (INLINE_PROBLEMS + 7, INLINE_PROBLEMS)


# ---------------------------------------------------------------------- compared
@pytest.fixture
async def journal() -> Journal:
    return await memory_journal()


async def run(journal: Journal, name: str, read: Sequence[str], terms: Terms = TERMS, **how: Any) -> Any:
    """One snapshot of a vendor that takes records as they come."""
    tried = lane(ScriptedSender(send_records=how.get("answer", all_ok)), mode="snapshot", run_id=name)
    right = await held(tried, journal)
    previous = await journal.known_count(tried.report.lanes[0], tried.job.kind)
    with closing(IdStore()) as ids:
        ids.add(read, list(range(len(read))))
        for each in (batch(*read), None):
            await tried.queue.put(each)
        await tried.run()
        await ComparedEnding(tried, terms, ids, previous).settle(how.get("incomplete", ()))
    await tried.end()
    await right.release()
    return tried.report


async def test_what_is_gone_is_listed_against_the_last_set_and_stays_gone_once(journal: Journal) -> None:
    assert (await run(journal, "1", ten())).gone == []
    second = await run(journal, "2", ten()[:-1])
    assert (second.exit, second.gone) == (Exit.OK, ["r9"])
    assert "1 record of the last set gone" in second.notes[0]
    third = await run(journal, "3", ten()[:-1])
    assert (third.exit, third.gone, third.notes) == (Exit.OK, [], [])


@pytest.mark.parametrize(("kept", "code"), [(8, Exit.OK), (7, Exit.GUARD)])
async def test_the_guard_warns_where_nothing_can_be_held_back(journal: Journal, kept: int, code: Exit) -> None:
    await run(journal, "1", ten())
    report = await run(journal, "2", ten()[:kept])
    assert report.exit is code
    assert report.tally.status["delivered"] == kept, "the vendor has them"


async def test_after_a_refusal_the_set_before_stays_the_one_to_compare_with(journal: Journal) -> None:
    await run(journal, "1", ten())
    refused = await run(journal, "2", ten()[:5])
    assert "The set before stays the one to compare with" in refused.notes[0]
    assert (await run(journal, "3", ten()[:5])).exit is Exit.GUARD, "pushing the same again does not let it through"
    assert (await run(journal, "4", ten())).exit is Exit.OK


async def test_an_override_makes_the_smaller_set_the_last_one(journal: Journal) -> None:
    await run(journal, "1", ten())
    report = await run(journal, "2", ten()[:5], Terms(0.2, 0, override="half was sold"))
    assert report.exit is Exit.OK
    assert report.notes[0] == "The guard was overridden: half was sold"
    assert (await run(journal, "3", ten()[:5])).gone == []


@pytest.mark.parametrize("answer", [Reply(403), reply(["no"] * 9), reply(["?"] * 9)])
async def test_a_set_that_was_not_delivered_does_not_become_the_last_one(journal: Journal, answer: Reply) -> None:
    await run(journal, "1", ten())
    await run(journal, "2", ten()[:9], answer=answer)
    assert (await run(journal, "3", ten()[:9])).gone == ["r9"], "it is still news"


async def test_an_incomplete_source_is_refused(journal: Journal) -> None:
    report = await run(journal, "1", ten(), incomplete=["a.json breaks off"])
    assert report.exit is Exit.GUARD
    assert "a.json breaks off" in report.notes[0]
