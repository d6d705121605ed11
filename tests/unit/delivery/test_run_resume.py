"""Runs that were interrupted: resumed they send the rest only, and their books are those of the whole input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from tests.support.journals import MemoryJournal
from tests.unit.delivery.runs import Vendor, counts, problems, push, write
from tests.unit.delivery.support import ScriptedSender, StagedTiny, Tiny, WholeTiny, all_ok, memory_journal, reply

from proofport.adapter import Mode
from proofport.delivery.report.report import Exit, RunReport
from proofport.delivery.snapshot.guard import Terms
from proofport.errors import JournalError, OutcomeUnknown, Retryable
from proofport.journal.contract import IN_DOUBT, Journal
from proofport.wire import Reply

pytestmark = pytest.mark.usefixtures("folder")

SILENT = Retryable("silent")


@pytest.fixture
async def journal() -> Journal:
    return await memory_journal()


def vendor(
    *answers: Any, staged: bool = False, per_batch: int = 2, parallel: int = 1, held: Sequence[int] = ()
) -> Vendor:
    """Answers batches of two with these, then with "all is well". It lists what is `held`."""
    listed = reply({"ids": [f"r{n}" for n in held], "next": None})
    sender = ScriptedSender(send_records=[*answers, all_ok], list_records=listed)
    return Vendor(sender, StagedTiny if staged else Tiny, max_records=per_batch, parallel=parallel)


def records(*numbers: int, **more: Any) -> str:
    return write("a.ndjson", *({"id": f"r{n}", **more} for n in numbers))


def ids(here: Vendor) -> list[str]:
    return [row["id"] for row in here.received()]


async def state(journal: Journal, run_id: str = "r") -> str:
    run = await journal.run(run_id, "here")
    assert run is not None
    return run.state


async def begin(journal: Journal, here: Vendor, file: str, mode: Mode = "upsert", **how: Any) -> RunReport:
    return await push(file, mode=mode, journal=journal, run_id="r", here=here, **how)


async def resume(journal: Journal, here: Vendor, file: str, mode: Mode = "upsert", **how: Any) -> RunReport:
    return await push(file, mode=mode, journal=journal, run_id="r", resume=True, here=here, **how)


# ---------------------------------------------------------------------- the rest only
@pytest.mark.parametrize("taken", [0, 1, 3, 4])
@pytest.mark.parametrize("staged", [False, True])
async def test_only_what_was_not_acknowledged_is_sent(journal: Journal, taken: int, staged: bool) -> None:
    mode: Mode = "snapshot" if staged else "upsert"
    file = records(*range(10))
    first = await begin(journal, vendor(*[all_ok] * taken, SILENT, staged=staged), file, mode)
    arrived = {} if staged or not taken else {"delivered": 2 * taken}
    assert (first.exit_code, counts(first)) == (Exit.INCOMPLETE, {**arrived, "withheld": 10 - sum(arrived.values())})
    assert await state(journal) == "open"

    again = vendor(staged=staged)
    report = await resume(journal, again, file, mode)
    assert (report.exit_code, counts(report)) == (Exit.OK, {"delivered": 10})
    assert ids(again) == [f"r{n}" for n in range(2 * taken, 10)]
    assert await state(journal) == "complete"


@pytest.mark.parametrize("answer", [Reply(403), SILENT], ids=["blocked", "silent"])
async def test_whatever_stopped_it_the_staged_set_stays_and_is_completed_once(journal: Journal, answer: Any) -> None:
    file, first = records(*range(4)), vendor(all_ok, answer, staged=True)
    report = await begin(journal, first, file, "snapshot")
    assert first.sender.operations == ["open_set", "send_records", "send_records"]
    assert "Go on with --resume r" in report.destinations["here"].notes[-1]
    again = vendor(staged=True)
    await resume(journal, again, file, "snapshot")
    assert again.sender.operations == ["open_set", "send_records", "list_records", "complete_set"]


async def test_rejects_of_before_are_in_the_books_of_the_whole(journal: Journal) -> None:
    file = write("a.ndjson", {"id": "1"}, {"id": "2"}, "{broken", {"id": "3"}, {"id": "4"})
    await begin(journal, vendor(reply(["ok", "no"]), SILENT), file)
    again = vendor()
    report = await resume(journal, again, file)
    assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"delivered": 3, "rejected": 2})
    assert [(position, record_id) for position, record_id, _ in problems(report)] == [
        ("a.ndjson:3", None),
        ("a.ndjson:2", "2"),
    ]
    assert ids(again) == ["3", "4"]


@pytest.mark.parametrize("loss", [OutcomeUnknown("lost"), reply(["ok", "?"]), Retryable("lost", lost=True)])
async def test_what_may_have_arrived_is_sent_again(journal: Journal, loss: Any) -> None:
    file = records(*range(4))
    first = await begin(journal, vendor(all_ok, loss), file)
    assert counts(first)["unknown"] >= 1
    again = vendor()
    report = await resume(journal, again, file)
    assert (counts(report), ids(again)) == ({"delivered": 4}, ["r2", "r3"])


async def test_a_vendor_that_takes_several_at_once_is_resumed_batch_by_batch(journal: Journal) -> None:
    file = records(*range(8))
    await begin(journal, vendor(all_ok, SILENT, all_ok, all_ok, parallel=2), file)
    run = await journal.run("r", "here")
    assert run is not None
    missing = [n for n in range(4) if n not in {batch.number for batch in run.batches}]
    again = vendor(parallel=2)
    report = await resume(journal, again, file)
    assert counts(report) == {"delivered": 8}
    assert sorted(ids(again)) == [f"r{n}" for number in missing for n in (2 * number, 2 * number + 1)]


async def test_a_run_that_is_interrupted_twice_goes_on_twice(journal: Journal) -> None:
    file, halfway, last = records(*range(6)), vendor(all_ok, SILENT), vendor()
    await begin(journal, vendor(all_ok, SILENT), file)
    assert counts(await resume(journal, halfway, file)) == {"delivered": 4, "withheld": 2}
    assert counts(await resume(journal, last, file)) == {"delivered": 6}
    assert (ids(halfway)[:2], ids(last)) == (["r2", "r3"], ["r4", "r5"])
    assert await state(journal) == "complete"


async def test_a_destination_that_was_done_gets_nothing_twice(journal: Journal) -> None:
    file = records(*range(4))
    how: dict[str, Any] = {"journal": journal, "run_id": "r"}
    await push(file, done=vendor(), stuck=vendor(all_ok, Reply(403)), **how)
    done, stuck = vendor(), vendor()
    report = await push(file, done=done, stuck=stuck, resume=True, **how)
    assert (counts(report, "done"), counts(report, "stuck")) == ({"delivered": 4}, {"delivered": 4})
    assert (ids(done), ids(stuck)) == ([], ["r2", "r3"])


# ---------------------------------------------------------------------- another input
@pytest.mark.parametrize(
    "numbers", [(0, 1, 2, 9), (0, 9, 2, 3), (0,), ()], ids=["later", "earlier", "shorter", "nothing left"]
)
async def test_a_changed_input_cancels_what_was_staged_and_delivers_nothing(
    journal: Journal, numbers: tuple[int, ...]
) -> None:
    await begin(journal, vendor(all_ok, all_ok, SILENT, staged=True), records(*range(6)), "snapshot")
    again = vendor(staged=True)
    report = await resume(journal, again, records(*numbers), "snapshot")
    assert report.exit_code is Exit.INCOMPLETE
    assert set(counts(report)) <= {"withheld"}
    assert "complete_set" not in again.sender.operations
    assert again.sender.operations[-1] == "cancel_set"
    assert "not the one that run r was reading" in report.destinations["here"].notes[0]
    assert await state(journal) == "ended"
    assert await journal.known_count("here/custom:thing", "custom:thing") == 0


async def test_a_changed_upsert_sends_what_changed(journal: Journal) -> None:
    await begin(journal, vendor(all_ok, all_ok, SILENT), records(*range(6)))
    again = vendor()
    report = await resume(journal, again, records(0, 1, 7, 3, 4, 5))
    assert counts(report) == {"delivered": 6}
    assert ids(again) == ["r7", "r3", "r4", "r5"]


# ---------------------------------------------------------------------- what is unchanged
async def test_what_is_unchanged_is_left_out_where_that_was_asked_for(journal: Journal) -> None:
    await push(records(*range(5)), journal=journal, here=vendor())
    file = write("a.ndjson", {"id": "r0"}, {"id": "r1", "on": True}, {"id": "r2"}, {"id": "r3"}, {"id": "r9"})
    here = vendor()
    report = await push(file, journal=journal, here=here, skip_unchanged=True)
    assert (report.exit_code, counts(report)) == (Exit.OK, {"unchanged": 3, "delivered": 2})
    assert ids(here) == ["r1", "r9"]
    everything = vendor()
    await push(file, journal=journal, here=everything)
    assert len(ids(everything)) == 5


async def test_a_batch_that_is_unchanged_as_a_whole_is_no_request(journal: Journal) -> None:
    await push(records(*range(4)), journal=journal, here=vendor())
    here = vendor()
    report = await push(records(*range(4)), journal=journal, here=here, skip_unchanged=True)
    assert (report.exit_code, counts(report), here.sender.calls) == (Exit.OK, {"unchanged": 4}, [])


@pytest.mark.parametrize("loss", [OutcomeUnknown("lost"), reply(["?", "?"]), Retryable("lost", lost=True)])
async def test_what_may_have_changed_at_the_vendor_is_not_called_unchanged(journal: Journal, loss: Any) -> None:
    await push(records(0, 1), journal=journal, here=vendor())
    await push(records(0, 1, on=True), journal=journal, here=vendor(loss))
    here = vendor()
    report = await push(records(0, 1), journal=journal, here=here, skip_unchanged=True)
    assert (counts(report), ids(here)) == ({"delivered": 2}, ["r0", "r1"])


@pytest.mark.parametrize(
    "answer", [OutcomeUnknown("lost"), Retryable("silent"), Reply(403)], ids=["lost", "silent", "blocked"]
)
async def test_a_set_whose_completion_nobody_knows_stays_open_and_is_completed_when_it_is_resumed(
    journal: Journal, answer: Any
) -> None:
    file, first, again = records(0, 1), vendor(staged=True), vendor(staged=True)
    first.sender.answers["complete_set"] = [answer]
    report = await begin(journal, first, file, "snapshot")
    assert (counts(report), await state(journal)) == ({"unknown": 2}, "open")
    assert counts(await resume(journal, again, file, "snapshot")) == {"delivered": 2}
    assert (again.sender.operations[-1], await state(journal)) == ("complete_set", "complete")


async def test_a_staged_set_is_sent_whole(journal: Journal) -> None:
    for held in ((), (0, 1)):
        here = vendor(staged=True, held=held)
        report = await push(records(0, 1), mode="snapshot", journal=journal, here=here, skip_unchanged=True)
        assert (counts(report), ids(here)) == ({"delivered": 2}, ["r0", "r1"])


async def test_a_removal_makes_it_new_again(journal: Journal) -> None:
    await push(records(0, 1), journal=journal, here=vendor())
    removed = vendor()
    await push(records(0), mode="remove", journal=journal, here=removed)
    here = vendor()
    await push(records(0, 1), journal=journal, here=here, skip_unchanged=True)
    assert ids(here) == ["r0"]


# ---------------------------------------------------------------------- what is older
def seen(day: int, **more: Any) -> str:
    return write("a.ndjson", {"id": "r0", "observed_at": f"2026-01-0{day}T00:00:00Z", **more}, {"id": "r1"})


async def test_a_state_older_than_what_was_sent_last_is_refused(journal: Journal) -> None:
    await push(seen(5), journal=journal, here=vendor())
    here = vendor()
    report = await push(seen(4, on=True), journal=journal, here=here)
    assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"rejected": 1, "delivered": 1})
    assert ids(here) == ["r1"]
    assert "2026-01-05T00:00:00Z" in problems(report)[0][2]
    newer = vendor()
    assert counts(await push(seen(6), journal=journal, here=newer)) == {"delivered": 2}


@pytest.mark.parametrize("mode", ["upsert", "snapshot"])
async def test_a_run_that_a_later_one_has_ended_does_not_undo_what_that_has_sent(journal: Journal, mode: Mode) -> None:
    file, staged = records(*range(4)), mode == "snapshot"
    await begin(journal, vendor(all_ok, SILENT, staged=staged), file, mode)
    await push(records(*range(4), n="newer"), mode=mode, journal=journal, here=vendor(staged=staged))
    again = vendor(staged=staged)
    report = await resume(journal, again, records(*range(4)), mode)
    assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"withheld": 4})
    assert report.destinations["here"].tally.reasons == {"superseded": 4}
    assert again.sender.calls == []
    assert await state(journal) == "ended"


# ---------------------------------------------------------------------- the lane
async def test_a_lane_that_another_process_holds_is_left_to_it(journal: Journal) -> None:
    await journal.claim("here/custom:thing", owner="elsewhere", lease=90.0)
    here = vendor(staged=True)
    report = await push(records(0, 1), mode="snapshot", journal=journal, here=here)
    assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"withheld": 2})
    assert report.destinations["here"].tally.reasons == {"lane_busy": 2}
    assert "elsewhere" in report.destinations["here"].notes[0]
    assert here.sender.calls == []


async def test_a_run_whose_lane_was_taken_over_sends_nothing_more() -> None:
    journal = MemoryJournal()

    def taken_over(call: Any) -> Reply:
        journal.take_over("here/custom:thing")
        return all_ok(call)

    await journal.open()
    here = vendor(all_ok, taken_over)
    report = await push(records(*range(6)), journal=journal, here=here)
    assert here.sender.requests == 2
    assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"unknown": 4, "withheld": 2})
    assert report.destinations["here"].tally.reasons == {"answer_lost": 4, "lane_lost": 2}, "two could not be noted"


async def test_a_set_whose_lane_was_taken_over_at_the_last_moment_is_not_completed() -> None:
    journal, here = MemoryJournal(), vendor(staged=True)

    def taken_over(call: Any) -> Reply:
        journal.take_over("here/custom:thing")
        return reply({"ids": [], "next": None})

    here.sender.answers["list_records"] = [taken_over]
    await journal.open()
    report = await push(records(0, 1), mode="snapshot", journal=journal, here=here)
    assert here.sender.operations == ["open_set", "send_records", "list_records"]
    assert report.exit_code is Exit.INCOMPLETE


async def test_what_a_completed_set_has_replaced_is_no_longer_known(journal: Journal) -> None:
    await push(records(*range(5)), mode="snapshot", journal=journal, here=vendor(staged=True))
    held = vendor(staged=True, held=range(5))
    await push(records(*range(4)), mode="snapshot", journal=journal, here=held)
    known = await journal.known("here/custom:thing", "custom:thing", ["r3", "r4"])
    assert [last is not None for last in known] == [True, False]


async def test_a_refusal_parks_the_lane_with_its_reason(journal: Journal) -> None:
    await push(records(0), journal=journal, here=vendor(Reply(401)))
    [lane] = await journal.lanes()
    assert "the key was refused" in (lane.parked or "")
    assert lane.owner is None


async def test_what_was_tried_is_noted_for_the_run(journal: Journal) -> None:
    await begin(journal, vendor(all_ok, SILENT, staged=True), records(*range(4)), "snapshot")
    noted = await journal.attempts(run_id="r")
    assert [attempt.operation for attempt in reversed(noted)] == ["open_set", "send_records", "send_records"]


async def test_a_resumed_set_is_compared_with_what_was_there_before_it_began(journal: Journal) -> None:
    """Eight records were added before the interruption: four of five gone must not look like four of thirteen."""
    await push(records(*range(5)), mode="snapshot", journal=journal, here=vendor())
    file = records(*range(4, 20))
    await begin(journal, vendor(*[all_ok] * 4, SILENT), file, "snapshot")
    await begin(journal, vendor(SILENT), file, "snapshot", resume=True)
    report = await resume(journal, vendor(), file, "snapshot")
    assert report.exit_code is Exit.GUARD
    assert "4 of 5" in " ".join(report.destinations["here"].notes)


# ---------------------------------------------------------------------- a set that goes whole
def whole(*answers: Any) -> Vendor:
    return Vendor(ScriptedSender(replace_records=[*answers, all_ok]), WholeTiny)


async def replaced(journal: Journal, here: Vendor, file: str, **how: Any) -> RunReport:
    return await push(file, mode="snapshot", journal=journal, here=here, **how)


@pytest.mark.parametrize("loss", [OutcomeUnknown("lost"), Retryable("lost", lost=True)])
async def test_a_whole_set_whose_answer_was_lost_is_in_doubt_and_is_sent_again(journal: Journal, loss: Any) -> None:
    file = records(0, 1)
    first = await begin(journal, whole(loss), file, "snapshot")
    assert (counts(first), await state(journal)) == ({"unknown": 2}, "open")
    known = await journal.known("here/custom:thing", "custom:thing", ["r0", "r1"])
    assert [last is not None and last.body for last in known] == [IN_DOUBT, IN_DOUBT]
    again = whole()
    assert counts(await resume(journal, again, file, "snapshot", skip_unchanged=True)) == {"delivered": 2}
    assert (again.sender.operations, await state(journal)) == (["replace_records"], "complete")


async def test_a_whole_set_that_was_acknowledged_is_not_sent_again(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run was cut off between the note of its batch and that of its end."""
    file = records(0, 1)
    claim = journal.claim

    async def cut(*given: Any, **more: Any) -> Any:
        run = await claim(*given, **more)

        async def end(*_: object, **__: object) -> None:
            raise JournalError("cut off")

        monkeypatch.setattr(run, "end", end)
        return run

    with monkeypatch.context() as once:
        once.setattr(journal, "claim", cut)
        await begin(journal, whole(), file, "snapshot")
    assert await state(journal) == "open"
    again = whole()
    report = await resume(journal, again, file, "snapshot")
    assert (counts(report), again.sender.calls) == ({"delivered": 2}, [])
    assert await state(journal) == "complete"


async def test_a_whole_set_of_another_input_is_not_sent_as_the_one_that_was_interrupted(journal: Journal) -> None:
    await begin(journal, whole(OutcomeUnknown("lost")), records(0, 1), "snapshot")
    again = whole()
    report = await resume(journal, again, records(0, 2), "snapshot", terms=Terms(1.0, 0))
    assert (set(counts(report)), again.sender.calls) == ({"withheld"}, [])
    assert report.destinations["here"].tally.reasons == {"input_changed": 2}
