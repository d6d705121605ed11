"""Bulk runs and attempts: what a run needs to go on after a crash, and what people look at."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.journal_contract.base import KIND, LEASE, JournalTests, claim
from tests.support.clock import Clock

from proofport.errors import UsageError
from proofport.journal.contract import Attempt, BatchDone, Journal, LaneRun, NewRun, RunFilter, Sent

RUN = NewRun("r1", "here", KIND, "snapshot", ("i.json sha256:1", "b.json sha256:2"), staged=True)
BATCHES = [
    BatchDone(1, 1, 500, 500, b"\x00one", '[[500,"delivered"]]', Sent(["x"], [1])),
    BatchDone(2, 501, 600, 99, b"two", "[]"),
]


async def begun(journal: Journal, run: NewRun = RUN, lane: str = "a") -> LaneRun:
    held = await claim(journal, lane)
    await held.begin(run)
    return held


def attempt(message: str, run_id: str | None = None, delivery: int | None = None) -> Attempt:
    return Attempt("publish", 202, 0.25, 4_000, "abc", message, 1_000.5, run_id, delivery)


class RunTests(JournalTests):
    async def test_a_run_goes_on_where_it_was_after_a_crash(self, journal: Journal, clock: Clock) -> None:
        started = clock.now
        held = await begun(journal)
        await held.remember("r1", {"session": "pp-1", "pages": [1, None]})
        for batch in reversed(BATCHES):
            await held.batch_done("r1", batch)
        await journal.close()
        await journal.open()
        clock.advance(LEASE)
        held = await begun(journal)
        view = await journal.run("r1", "here")
        assert view is not None
        assert (view.run_id, view.lane, view.destination, view.kind, view.mode) == ("r1", "a", "here", KIND, "snapshot")
        assert (view.state, view.started, view.ended, view.report) == ("open", started, None, None)
        assert (view.memory, list(view.inputs)) == ({"session": "pp-1", "pages": [1, None]}, list(RUN.inputs))
        assert list(view.batches) == [replace(batch, sent=Sent()) for batch in BATCHES]
        await held.batch_done("r1", BatchDone(3, 601, 610, 10, b"three", "[]"))
        assert [batch.number for batch in (await journal.run("r1", "here")).batches] == [1, 2, 3]  # type: ignore[union-attr]

    @pytest.mark.parametrize(("complete", "state"), [(True, "complete"), (False, "ended")])
    async def test_the_end_of_a_run_is_kept_with_its_report(
        self, journal: Journal, clock: Clock, complete: bool, state: str
    ) -> None:
        held = await begun(journal)
        clock.advance(9)
        await held.end("r1", complete=complete, report='{"exit_code": 1}')
        [view] = await journal.runs()
        assert (view.state, view.ended, view.report) == (state, clock.now, '{"exit_code": 1}')

    async def test_an_ended_run_can_be_opened_again(self, journal: Journal) -> None:
        held = await begun(journal)
        await held.remember("r1", {"session": "pp-1"})
        await held.batch_done("r1", BATCHES[0])
        await held.end("r1", complete=False, report="{}")
        await held.begin(RUN)
        view = await journal.run("r1", "here")
        assert view is not None
        assert (view.state, view.ended, view.report, view.memory) == ("open", None, None, {"session": "pp-1"})
        assert len(view.batches) == 1

    async def test_a_run_that_begins_ends_what_was_interrupted_before_it(self, journal: Journal, clock: Clock) -> None:
        held = await begun(journal)
        other_kind = replace(RUN, run_id="r2", kind="custom:other")
        elsewhere = replace(RUN, run_id="r3", destination="there")
        await held.begin(other_kind)
        await held.begin(elsewhere)
        clock.advance(5)
        await held.begin(replace(RUN, run_id="r4"))
        states = {view.run_id: view.state for view in await journal.runs()}
        assert states == {"r1": "ended", "r2": "open", "r3": "open", "r4": "open"}
        assert [view.ended for view in await journal.runs() if view.run_id == "r1"] == [clock.now]
        await held.begin(RUN)
        states = {view.run_id: view.state for view in await journal.runs()}
        assert states == {"r1": "open", "r2": "open", "r3": "open", "r4": "ended"}

    async def test_a_run_that_is_complete_stays_so_when_the_next_begins(self, journal: Journal) -> None:
        held = await begun(journal)
        await held.end("r1", complete=True, report='{"exit_code": 0}')
        await held.begin(replace(RUN, run_id="r2"))
        [_, view] = await journal.runs()
        assert (view.state, view.report) == ("complete", '{"exit_code": 0}')

    async def test_a_batch_that_is_done_again_replaces_the_first(self, journal: Journal) -> None:
        held = await begun(journal)
        again = replace(BATCHES[0], outcomes="again", sent=Sent())
        await held.batch_done("r1", BATCHES[0])
        await held.batch_done("r1", again)
        view = await journal.run("r1", "here")
        assert view is not None
        assert list(view.batches) == [again]

    async def test_destinations_of_one_run_are_kept_apart(self, journal: Journal) -> None:
        here = await begun(journal)
        there = await begun(journal, NewRun("r1", "there", KIND, "upsert"), "b")
        await here.remember("r1", {"mine": 1})
        await there.end("r1", complete=True, report="{}")
        views = {view.destination: view for view in await journal.runs()}
        assert (views["here"].memory, views["here"].state) == ({"mine": 1}, "open")
        assert (views["there"].memory, views["there"].state) == ({}, "complete")
        assert await journal.run("r1", "nowhere") is None

    async def test_a_run_is_written_by_who_began_it(self, journal: Journal) -> None:
        await begun(journal)
        other = await claim(journal, "b")
        with pytest.raises(UsageError):
            await other.batch_done("r1", BATCHES[0])
        with pytest.raises(UsageError):
            await other.begin(RUN)

    async def test_runs_are_listed_latest_first_without_batches(self, journal: Journal) -> None:
        held = await begun(journal)
        await held.batch_done("r1", BATCHES[0])
        await begun(journal, NewRun("r2", "here", KIND, "upsert"), "b")
        await held.begin(NewRun("r3", "here", KIND, "upsert"))
        await held.begin(RUN)
        assert [(view.run_id, list(view.batches)) for view in await journal.runs()] == [
            ("r3", []),
            ("r2", []),
            ("r1", []),
        ]
        assert [view.run_id for view in await journal.runs(lane="a")] == ["r3", "r1"]
        assert [view.run_id for view in await journal.runs(limit=1)] == ["r3"]
        assert await journal.runs(lane="nobody") == []

    async def test_runs_are_found_by_what_they_are(self, journal: Journal, clock: Clock) -> None:
        held = await begun(journal)
        await held.end("r1", complete=True, report='{"input":1,"exit_code":0,"requests":2}')
        clock.advance(9)
        since = clock.now
        await begun(journal, NewRun("r2", "there", "custom:other", "upsert"), "b")
        await held.begin(NewRun("r3", "here", KIND, "snapshot"))
        await held.end("r3", complete=False, report='{"input":1,"exit_code":4,"requests":2}')

        async def found(**chosen: Any) -> list[str]:
            return [run.run_id for run in await journal.runs(chosen=RunFilter(**chosen))]

        assert await found(run_id="r2") == ["r2"]
        assert await found(run_id="r2", state="complete") == []
        assert await found(destination="here") == ["r3", "r1"]
        assert await found(kind="custom:other") == ["r2"]
        assert await found(mode="upsert") == ["r2"]
        assert await found(state="complete") == ["r1"]
        assert await found(state="open") == ["r2"]
        assert await found(since=since) == ["r3", "r2"]
        assert await found(failed=True) == ["r3"]
        assert await found(failed=True, destination="there") == []

    async def test_the_last_run_of_each_destination_kind_and_mode_that_has_a_report(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        for number, run in enumerate([RUN, RUN, replace(RUN, mode="upsert"), replace(RUN, destination="there"), RUN]):
            await held.begin(replace(run, run_id=f"r{number}"))
            if number < 4:
                await held.end(f"r{number}", complete=number == 0, report="{}")
        found = await journal.last_runs()
        assert [(run.run_id, run.destination, run.mode) for run in found] == [
            ("r1", "here", "snapshot"),
            ("r2", "here", "upsert"),
            ("r3", "there", "snapshot"),
        ]

    async def test_attempts_are_listed_latest_first(self, journal: Journal) -> None:
        a, b = await claim(journal, "a"), await claim(journal, "b")
        one, two, three = attempt("one", "r1"), attempt("two", delivery=7), attempt("three", "r1")
        await a.attempted([one, two])
        await b.attempted([three])
        assert await journal.attempts() == [three, two, one]
        assert await journal.attempts(limit=2) == [three, two]
        assert await journal.attempts(run_id="r1") == [three, one]
        assert await journal.attempts(lane="a") == [two, one]
        assert await journal.attempts(lane="a", run_id="r1") == [one]
        assert await journal.attempts(lane="nobody") == []
