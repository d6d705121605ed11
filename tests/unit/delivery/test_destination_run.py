"""One destination in one run: an outcome for every record, whatever the vendor and the adapter do."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.clock import Naps
from tests.unit.delivery.support import (
    SECRET,
    ScriptedSender,
    StagedTiny,
    Tiny,
    TinyAdapter,
    all_ok,
    batch,
    counts,
    deliver,
    destination,
    reply,
)

from proofport.accounting import Outcome, Status
from proofport.adapter import Batch, Flow, Job, Memory
from proofport.delivery.destination_run import DestinationRun
from proofport.delivery.report.report import INLINE_PROBLEMS, Exit, RecordProblem
from proofport.errors import (
    AdapterFault,
    Blocked,
    GuardRefused,
    OutcomeUnknown,
    ProofportError,
    Retryable,
    UnsupportedFeature,
)
from proofport.http.flow import Gate
from proofport.wire import Call, Reply

TOO_LARGE = Reply(413)


def listed(tried: DestinationRun) -> list[tuple[str, str | None, str]]:
    return [(row.position, row.id, row.outcome.status.value) for row in tried.report.problems]


# ---------------------------------------------------------------------- verdicts
async def test_each_record_gets_the_verdict_of_its_place() -> None:
    tried = destination(ScriptedSender(send_records=reply(["ok", "no", "?", "ok"])))
    await deliver(tried, batch("a", "b", "c", "d", first=7))
    assert counts(tried) == {"delivered": 2, "rejected": 1, "unknown": 1}
    assert listed(tried) == [("i.ndjson:8", "b", "rejected"), ("i.ndjson:9", "c", "unknown")]
    assert tried.report.exit is Exit.OK, "that records were rejected is judged when the books are closed"


async def test_a_record_without_a_verdict_is_unknown() -> None:
    tried = destination(ScriptedSender(send_records=reply(["ok"])))
    await deliver(tried, batch("a", "b", "c"))
    assert counts(tried) == {"delivered": 1, "unknown": 2}
    assert tried.report.tally.reasons == {"no_verdict": 2}
    assert [record_id for _, record_id, _ in listed(tried)] == ["b", "c"]


async def test_verdicts_that_outnumber_the_records_belong_to_none_of_them() -> None:
    tried = destination(ScriptedSender(send_records=reply(["no", "ok", "ok"])))
    await deliver(tried, batch("a", "b"))
    assert counts(tried) == {"unknown": 2}
    assert tried.report.tally.reasons == {"no_verdict": 2}


async def test_an_adapter_that_returns_nothing_leaves_its_records_unknown() -> None:
    class Forgetful(Tiny):
        def send(self, job: Job, memory: Memory, batch: Batch) -> Flow[Any]:
            yield Call("send_records", "POST", "/records")

    tried = destination(ScriptedSender(), adapter=TinyAdapter(made=Forgetful))
    await deliver(tried, batch("a", "b"))
    assert counts(tried) == {"unknown": 2}


async def test_a_rejected_request_rejects_its_records_and_the_next_batch_goes_on() -> None:
    tried = destination(ScriptedSender(send_records=[Reply(422), all_ok]))
    await deliver(tried, batch("a", "b"), batch("c"))
    assert counts(tried) == {"rejected": 2, "delivered": 1}
    assert [each in tried.ledger.rejected_ids for each in "abc"] == [True, True, False]


async def test_a_record_that_was_never_in_this_set_is_not_one_of_its_rejects() -> None:
    tried = destination(ScriptedSender())
    tried.ledger.book("a", 2, Outcome(Status.REJECTED))
    assert counts(tried) == {"rejected": 1}
    assert "a" not in tried.ledger.rejected_ids


# ---------------------------------------------------------------------- size
def at_most(limit: int) -> Any:
    def answer(call: Call) -> Reply:
        return TOO_LARGE if len(call.body or b"") > limit else all_ok(call)

    return answer


async def test_a_batch_that_is_too_large_is_halved_until_it_fits_and_keeps_its_order() -> None:
    sender = ScriptedSender(send_records=at_most(30))
    tried = destination(sender)
    await deliver(tried, batch("a", "b", "c", "d", "e"))
    assert counts(tried) == {"delivered": 5}
    taken = [call.body for call in sender.calls if len(call.body or b"") <= 30]
    assert [row["id"] for body in taken for row in json.loads(body or b"")] == ["a", "b", "c", "d", "e"]


async def test_one_record_that_is_too_large_alone_is_rejected_and_the_others_go_on() -> None:
    tried = destination(ScriptedSender(send_records=at_most(40)))
    await deliver(tried, batch("a", "b" * 60, "c"))
    assert counts(tried) == {"delivered": 2, "rejected": 1}
    [problem] = tried.report.problems
    assert problem.id == "b" * 60
    assert problem.outcome.problem is not None
    assert "a record of 70 bytes" in str(problem.outcome.problem)


# ---------------------------------------------------------------------- stopping
@pytest.mark.parametrize(
    ("error", "code", "first", "rest"),
    [
        (Blocked("plan"), Exit.BLOCKED, "lane_parked", "lane_parked"),
        (GuardRefused("no"), Exit.GUARD, "guard", "guard"),
        (UnsupportedFeature("no way"), Exit.USAGE, "refused", "refused"),
        (OutcomeUnknown("lost"), Exit.INCOMPLETE, "answer_lost", "vendor_unavailable"),
        (Retryable("later", after=99.0), Exit.INCOMPLETE, "vendor_unavailable", "vendor_unavailable"),
        (Retryable("lost", after=99.0, lost=True), Exit.INCOMPLETE, "answer_lost", "vendor_unavailable"),
        (AdapterFault("bug"), Exit.INCOMPLETE, "adapter_fault", "adapter_fault"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, ProofportError) else "",
)
async def test_a_destination_that_stops_withholds_the_rest_and_says_why(
    caplog: pytest.LogCaptureFixture, error: ProofportError, code: Exit, first: str, rest: str
) -> None:
    sender = ScriptedSender(send_records=[all_ok, error])
    tried = destination(sender)
    await deliver(tried, batch("a"), batch("b"), batch("c", "d"), batch("e"))
    assert sender.requests == 2, "nothing is sent after the stop"
    assert tried.report.exit is code
    assert tried.report.notes == [str(error)]
    expected = {first: 1, rest: 3} if first != rest else {rest: 4}
    assert tried.report.tally.reasons == expected
    lost = first in ("answer_lost", "adapter_fault")
    assert counts(tried) == {"delivered": 1, "withheld": 3, "unknown": 1} if lost else {"delivered": 1, "withheld": 4}
    [logged] = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert "destination_stopped" in logged
    assert SECRET not in caplog.text


@pytest.mark.parametrize("error", [Blocked("plan"), GuardRefused("no"), UnsupportedFeature("no way")])
async def test_records_that_may_have_arrived_are_unknown_whatever_stopped_it(error: ProofportError) -> None:
    error.lost = True
    tried = destination(ScriptedSender(send_records=error))
    await deliver(tried, batch("a"), batch("b"))
    assert counts(tried) == {"unknown": 1, "withheld": 1}
    assert tried.report.problems[0].outcome.reason == "answer_lost"


async def test_a_destination_that_cannot_be_opened_sends_nothing() -> None:
    adapter = TinyAdapter(made=StagedTiny)
    sender = ScriptedSender(open_set=Reply(403))
    tried = destination(sender, mode="snapshot", adapter=adapter)
    await deliver(tried, batch("a"), batch("b"))
    assert sender.operations == ["open_set"]
    assert counts(tried) == {"withheld": 2}
    assert (tried.report.exit, tried.report.tally.reasons) == (Exit.BLOCKED, {"lane_parked": 2})
    assert "Look at the key." in tried.report.notes[0]


async def test_a_destination_is_opened_once_and_only_for_a_batch() -> None:
    adapter = TinyAdapter(made=StagedTiny)
    sender = ScriptedSender(send_records=all_ok)
    await deliver(destination(sender, mode="snapshot", adapter=adapter), batch("a"), batch("b"))
    assert sender.operations == ["open_set", "send_records", "send_records"]
    untouched = ScriptedSender()
    await deliver(destination(untouched, mode="snapshot", adapter=adapter))
    assert untouched.calls == []


async def test_the_first_reason_to_stop_stands() -> None:
    tried = destination(ScriptedSender())
    tried.stop(Blocked("first"), "lane_parked", Exit.BLOCKED)
    tried.stop(Retryable("second"), "vendor_unavailable", Exit.INCOMPLETE)
    assert (tried.report.exit, tried.report.notes) == (Exit.BLOCKED, ["first"])


# ---------------------------------------------------------------------- waiting
async def test_a_vendor_that_asks_for_a_pause_gets_it_to_the_second_and_delivery_goes_on() -> None:
    naps = Naps()
    tried = destination(ScriptedSender(send_records=[Retryable("busy", after=12.5), all_ok]), sleep=naps)
    await deliver(tried, batch("a"))
    assert counts(tried) == {"delivered": 1}
    assert naps.total == 12.5
    assert max(naps.taken) <= 1.0, "the countdown moves every second"
    assert tried.vendor.waits_for is None


async def test_the_countdown_can_be_read_while_it_runs() -> None:
    notes: list[str | None] = []

    async def watch(_: float) -> None:
        notes.append(tried.vendor.waits_for)

    tried = destination(ScriptedSender(send_records=[Retryable("busy", after=2.5), all_ok]), sleep=watch)
    await deliver(tried, batch("a"))
    assert notes == ["busy; goes on in 3 s", "busy; goes on in 2 s", "busy; goes on in 1 s"]


async def test_silence_is_waited_out_in_growing_pauses_and_each_success_renews_the_retry_time() -> None:
    naps = Naps()
    script: list[Any] = [*[Retryable("silent")] * 3, all_ok]
    tried = destination(ScriptedSender(send_records=[*script, *script]), sleep=naps, retry_seconds=7.5)
    await deliver(tried, batch("a"), batch("b"))
    assert counts(tried) == {"delivered": 2}
    assert naps.total == 2 * (1 + 2 + 4)


async def test_the_retry_time_ends() -> None:
    naps = Naps()
    tried = destination(ScriptedSender(send_records=Retryable("silent")), sleep=naps, retry_seconds=6.9)
    await deliver(tried, batch("a"))
    assert counts(tried) == {"withheld": 1}
    assert naps.total == 1 + 2


async def test_no_pause_is_longer_than_a_minute_however_long_the_retry_time_is() -> None:
    naps = Naps()
    tried = destination(
        ScriptedSender(send_records=[*[Retryable("silent")] * 1_100, all_ok]), sleep=naps, retry_seconds=1e9
    )
    await deliver(tried, batch("a"))
    assert counts(tried) == {"delivered": 1}
    assert naps.total == 1 + 2 + 4 + 8 + 16 + 32 + 60 * 1_094


async def test_a_vendor_that_asks_for_no_pause_at_all_is_not_waited_for_forever() -> None:
    naps = Naps()
    sender = ScriptedSender(send_records=[*[Retryable("busy", after=0.0)] * 50, all_ok])
    tried = destination(sender, sleep=naps, retry_seconds=60.0)
    await deliver(tried, batch("a"))
    assert counts(tried) == {"withheld": 1}
    assert sender.requests <= 10


async def test_one_lost_attempt_makes_the_batch_unknown_though_the_last_was_not_lost() -> None:
    script = [Retryable("lost", lost=True), Retryable("silent")]
    tried = destination(ScriptedSender(send_records=script), retry_seconds=5.0)
    await deliver(tried, batch("a"))
    assert tried.report.tally.reasons == {"answer_lost": 1}


async def test_a_lost_attempt_is_not_forgotten_when_the_vendor_then_blocks() -> None:
    tried = destination(ScriptedSender(send_records=[Retryable("lost", lost=True), Reply(401)]))
    await deliver(tried, batch("a"))
    assert tried.report.tally.reasons == {"answer_lost": 1}
    assert tried.report.exit is Exit.BLOCKED


# ---------------------------------------------------------------------- several at once
async def test_as_many_batches_are_on_their_way_as_the_vendor_takes_and_no_more() -> None:
    going, most = 0, 0

    class Slow(ScriptedSender):
        async def send(self, call: Call, gate: Gate | None = None) -> Reply:
            nonlocal going, most
            going += 1
            most = max(most, going)
            for _ in range(5):
                await asyncio.sleep(0)
            going -= 1
            return await super().send(call, gate)

    for parallel in (1, 3):
        most = 0
        tried = destination(Slow(send_records=all_ok), adapter=TinyAdapter(parallel=parallel))
        await deliver(tried, *[batch(f"r{n}") for n in range(8)])
        assert most == parallel
        assert counts(tried) == {"delivered": 8}


async def test_when_one_of_several_is_blocked_the_others_keep_their_verdicts() -> None:
    def answer(call: Call) -> Reply:
        return Reply(401) if b'"b"' in (call.body or b"") else all_ok(call)

    tried = destination(ScriptedSender(send_records=answer), adapter=TinyAdapter(parallel=2))
    await deliver(tried, batch("a"), batch("b"), batch("c"), batch("d"))
    assert tried.report.exit is Exit.BLOCKED
    assert tried.report.tally.status[Status.DELIVERED] + tried.report.tally.status[Status.WITHHELD] == 4
    assert tried.report.tally.status[Status.WITHHELD] >= 1


# ---------------------------------------------------------------------- harm
@pytest.mark.parametrize("mode", ["upsert", "snapshot", "patch"])
async def test_only_a_removal_may_destroy(mode: Any) -> None:
    class Destroyer(Tiny):
        def send(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
            yield Call("send_records", "POST", "/records", destructive=True)
            return []

    sender = ScriptedSender()
    tried = destination(sender, mode=mode, adapter=TinyAdapter(made=Destroyer))
    await deliver(tried, batch("a"))
    assert sender.calls == []
    assert (tried.report.exit, counts(tried)) == (Exit.GUARD, {"withheld": 1})


async def test_a_removal_that_was_asked_for_goes_through() -> None:
    sender = ScriptedSender(send_records=all_ok)
    tried = destination(sender, mode="remove")
    await deliver(tried, Batch(["a", "b"], [b'{"id":"a"}', b'{"id":"b"}'], [1, 2]))
    assert [call.destructive for call in sender.calls] == [True]
    assert counts(tried) == {"delivered": 2}


# ---------------------------------------------------------------------- the list of problems
async def test_every_problem_is_told_and_the_first_thousand_are_listed() -> None:
    told: list[tuple[str, RecordProblem]] = []
    tried = destination(
        ScriptedSender(send_records=reply(["no"] * (INLINE_PROBLEMS + 5))),
        on_problem=lambda name, problem: told.append((name, problem)),
    )
    await deliver(tried, batch(*[f"r{n}" for n in range(INLINE_PROBLEMS + 5)]))
    assert tried.report.problem_count == len(told) == INLINE_PROBLEMS + 5
    assert len(tried.report.problems) == INLINE_PROBLEMS
    assert {name for name, _ in told} == {"tiny"}


# ---------------------------------------------------------------------- whatever happens
ANSWERS = st.one_of(
    st.lists(st.sampled_from(["ok", "no", "?"]), max_size=6).map(reply),
    st.sampled_from([Reply(401), Reply(413), Reply(422), Reply(200, body=b"<html>")]),
    st.builds(Retryable, st.just("later"), after=st.sampled_from([None, 0.0, 3.0, 1e6]), lost=st.booleans()),
    st.builds(OutcomeUnknown, st.just("lost")),
    st.just(all_ok),
)


@settings(deadline=None)
@given(
    answers=st.lists(ANSWERS, min_size=1, max_size=8),
    sizes=st.lists(st.integers(1, 5), max_size=8),
    parallel=st.integers(1, 3),
)
def test_every_record_has_exactly_one_outcome_whatever_the_vendor_answers(
    answers: list[Any], sizes: list[int], parallel: int
) -> None:
    async def run() -> None:
        tried = destination(ScriptedSender(send_records=answers), adapter=TinyAdapter(parallel=parallel))
        await deliver(tried, *[batch(*[f"{n}-{i}" for i in range(size)]) for n, size in enumerate(sizes)])
        assert tried.report.tally.total == sum(sizes)
        if tried.stopped is None:
            assert tried.report.tally.status[Status.WITHHELD] == 0
        else:
            assert tried.report.exit is not Exit.OK

    asyncio.run(run())
