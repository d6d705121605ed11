"""Watching a run, what breaks one, and the books that balance whatever is read and answered."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.soak import examples
from tests.unit.delivery.runs import Vendor, counts, push, write
from tests.unit.delivery.support import (
    EndingTiny,
    ListedTiny,
    ScriptedSender,
    StagedTiny,
    Tiny,
    WholeTiny,
    all_ok,
    reply,
)

from proofport.accounting import Outcome, Status
from proofport.adapter import Batch, Flow, Job, Memory, Mode
from proofport.delivery.order import Progress
from proofport.delivery.report.report import Exit, RecordProblem
from proofport.delivery.snapshot.guard import Terms
from proofport.errors import AccountingError
from proofport.wire import Call, Reply

pytestmark = pytest.mark.usefixtures("folder")


async def test_progress_and_problems_are_told_as_they_happen() -> None:
    seen: list[Progress] = []
    told: list[tuple[str, RecordProblem]] = []
    records = [{"id": f"r{n}"} for n in range(150)]
    await push(
        write("a.ndjson", *records, "{broken"),
        here=Vendor(),
        on_progress=seen.append,
        on_problem=lambda name, problem: told.append((name, problem)),
    )
    assert [progress.read for progress in seen] == sorted(progress.read for progress in seen)
    assert seen[0].read < 151
    assert (seen[-1].read, seen[-1].destinations["here"].done, seen[-1].destinations["here"].rejected) == (151, 151, 1)
    assert [(name, problem.position) for name, problem in told] == [("here", "a.ndjson:151")]


@pytest.mark.parametrize("records", [[{"id": "1"}, "{broken"], ["{broken", {"id": "1"}]])
async def test_what_breaks_a_run_reaches_the_caller_as_itself(records: list[Any]) -> None:
    def full(name: str, problem: RecordProblem) -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        await push(
            write("a.ndjson", *records), here=Vendor(ScriptedSender(send_records=reply(["no"]))), on_problem=full
        )


class Liar(Tiny):
    def send(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        yield Call("send_records", "POST", "/records")
        return [Outcome(Status.DELIVERED)] * len(batch)


async def test_an_adapter_that_claims_deliveries_without_assurance_ends_the_run() -> None:
    with pytest.raises(AccountingError, match="1 records went in"):
        await push(write("a.ndjson", {"id": "1"}), here=Vendor(made=Liar))


# ---------------------------------------------------------------------- whatever happens
FLAWS = ["bad", "huge", "odd", "more"]
RECORDS = st.one_of(
    st.builds(lambda n: {"id": f"r{n}"}, st.integers(0, 40)),
    st.builds(
        lambda n, flaw: {"id": f"r{n}", flaw: 1}, st.integers(0, 40), st.sampled_from(["bad", "huge", "odd", "more"])
    ),
    st.sampled_from(["{broken", "", "[]", "null", '{"id"']),
)
ANSWERS = st.one_of(
    st.lists(st.sampled_from(["ok", "no", "?"]), max_size=4).map(reply),
    st.sampled_from([all_ok, Reply(401), Reply(413), Reply(422), Reply(500), Reply(200, body=b"<html>")]),
)


def test_the_counts_sum_to_the_input_whatever_is_read_and_answered() -> None:
    @settings(max_examples=examples(20, 3_000), deadline=None)
    @given(
        inputs=st.lists(st.lists(RECORDS, max_size=12), min_size=1, max_size=3),
        scripts=st.lists(st.lists(ANSWERS, min_size=1, max_size=5), min_size=1, max_size=2),
        mode=st.sampled_from(["upsert", "snapshot", "remove"]),
        made=st.sampled_from([Tiny, ListedTiny, StagedTiny, WholeTiny, EndingTiny]),
        dry_run=st.booleans(),
        allowed=st.integers(0, 3),
    )
    def check(
        inputs: list[list[Any]],
        scripts: list[list[Any]],
        mode: Mode,
        made: type[Tiny],
        dry_run: bool,
        allowed: int,
    ) -> None:
        vendors: dict[str, Any] = {}
        for n, script in enumerate(scripts):
            held = reply({"ids": ["r1", "r2"], "next": None})
            sender = ScriptedSender(send_records=script, replace_records=script, list_records=held, end_records=all_ok)
            vendors[f"d{n}"] = Vendor(sender, made, max_records=3 if made is not WholeTiny else 20, parallel=n + 1)
        files = [write(f"{n}.ndjson", *records) for n, records in enumerate(inputs)]
        report = asyncio.run(push(files, mode=mode, terms=Terms(0.5, allowed), dry_run=dry_run, **vendors))
        read = sum(source.read for source in report.sources)
        for name, destination in report.destinations.items():
            found = counts(report, name)
            assert destination.input == read
            if destination.exit is Exit.OK:
                assert set(found) <= ({"withheld"} if dry_run else {"delivered"})
            if dry_run:
                assert vendors[name].sender.calls == []
            completed = {"complete_set", "end_records"} & set(vendors[name].sender.operations)
            assert not completed or destination.tally.status[Status.REJECTED] <= allowed

    check()
