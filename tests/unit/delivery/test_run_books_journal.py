"""One run in the journal: what was acknowledged is not sent again, unless it is doubtful, changed or forgotten."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from tests.support.journals import MemoryJournal
from tests.unit.delivery.support import LEASE, batch

from proofport.accounting import CONFIRMED, UNCHANGED, Outcome, rejected, unknown, withheld
from proofport.adapter import Batch, Mode
from proofport.delivery.books import InputChanged, RunBooks, entry_of
from proofport.delivery.lane.lease import Holder
from proofport.errors import LaneLost, Problem
from proofport.journal.contract import IN_DOUBT, Attempt, NewRun

LANE, KIND = "tiny/thing", "custom:thing"
NO = rejected(Problem("x", "y"))
LOST = unknown("answer_lost")


async def begun(journal: MemoryJournal, mode: Mode = "snapshot", run_id: str = "r1") -> RunBooks:
    """The run, begun or resumed by a process of its own, that comes when the lease of the one before has run out."""
    now = journal.clock() + 2 * LEASE
    journal.clock = lambda: now
    run = await journal.claim(LANE, owner="test", lease=LEASE)
    assert run is not None
    earlier = await journal.run(run_id, "here")
    opened = RunBooks(journal, Holder(run, LEASE), NewRun(run_id, "here", KIND, mode), earlier)
    await opened.begin()
    return opened


async def done(tried: RunBooks, number: int, some: Batch, *outcomes: Outcome) -> None:
    await tried.done(entry_of(number, some), outcomes or [CONFIRMED] * len(some), [], ())


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal()


async def interrupted(
    journal: MemoryJournal, mode: Mode, *batches: Batch, outcomes: Sequence[Outcome] = ()
) -> RunBooks:
    """A run that was interrupted after these batches, resumed."""
    first = await begun(journal, mode)
    await first.opened({"session": 1})
    for number, some in enumerate(batches):
        await done(first, number, some, *outcomes)
    return await begun(journal, mode)


# ---------------------------------------------------------------------- what is not sent again
async def test_what_was_acknowledged_comes_back_with_its_outcomes(journal: MemoryJournal) -> None:
    resumed = await interrupted(journal, "upsert", batch("a", "b"), outcomes=[CONFIRMED, NO])
    assert resumed.memory == {"session": 1}
    await resumed.opened({"session": 1})
    assert resumed.acknowledged(entry_of(0, batch("a", "b"))) == [CONFIRMED, NO]
    assert resumed.acknowledged(entry_of(1, batch("c"))) is None
    resumed.check_end()


async def test_a_run_of_another_id_knows_of_none(journal: MemoryJournal) -> None:
    await interrupted(journal, "upsert", batch("a"))
    other = await begun(journal, run_id="r2")
    assert (other.memory, other.acknowledged(entry_of(0, batch("a")))) == ({}, None)


@pytest.mark.parametrize("outcomes", [[LOST, CONFIRMED], [CONFIRMED, LOST]])
async def test_a_batch_with_an_unknown_outcome_is_sent_again(journal: MemoryJournal, outcomes: list[Outcome]) -> None:
    resumed = await interrupted(journal, "snapshot", batch("a", "b"), outcomes=outcomes)
    await resumed.opened({"session": 1})
    assert resumed.acknowledged(entry_of(0, batch("a", "b"))) is None
    resumed.check_end()


async def test_where_the_vendor_began_anew_everything_is_sent_again(journal: MemoryJournal) -> None:
    resumed = await interrupted(journal, "snapshot", batch("a"))
    await resumed.opened({"session": 2})
    assert resumed.acknowledged(entry_of(0, batch("b"))) is None, "and may be other records"
    resumed.check_end()
    run = await journal.run("r1", "here")
    assert run is not None
    assert run.memory == {"session": 2}


# ---------------------------------------------------------------------- another input
OTHERS = [batch("a", "x"), batch("a"), Batch(["a", "b"], [b"{}", b"{}"], [1, 2])]


@pytest.mark.parametrize("other", OTHERS, ids=["another record", "fewer records", "mapped otherwise"])
async def test_a_snapshot_of_another_input_is_refused(journal: MemoryJournal, other: Batch) -> None:
    resumed = await interrupted(journal, "snapshot", batch("a", "b"))
    await resumed.opened({"session": 1})
    with pytest.raises(InputChanged, match="r1") as caught:
        resumed.acknowledged(entry_of(0, other))
    assert "without --resume" in (caught.value.hint or "")


@pytest.mark.parametrize("mode", ["upsert", "patch", "remove"])
async def test_other_modes_send_what_has_changed(journal: MemoryJournal, mode: Mode) -> None:
    resumed = await interrupted(journal, mode, batch("a", "b"), batch("c"))
    await resumed.opened({"session": 1})
    assert resumed.acknowledged(entry_of(0, batch("a", "x"))) is None
    resumed.check_end()


async def test_a_snapshot_that_ends_sooner_than_before_is_another_one(journal: MemoryJournal) -> None:
    resumed = await interrupted(journal, "snapshot", batch("a"), batch("b"))
    await resumed.opened({"session": 1})
    assert resumed.acknowledged(entry_of(0, batch("a"))) == [CONFIRMED]
    with pytest.raises(InputChanged):
        resumed.check_end()


# ---------------------------------------------------------------------- the last delivered state
async def test_only_what_was_delivered_becomes_the_last_delivered_state(journal: MemoryJournal) -> None:
    tried = await begun(journal, "upsert")
    await done(tried, 0, batch("a", "b"))
    before = await journal.known(LANE, KIND, ["a", "b"])
    changed = Batch(list("abcde"), [b"1", b"2", b"3", b"4", b"5"], [1, 2, 3, 4, 5])
    await done(tried, 1, changed, CONFIRMED, NO, withheld("x"), UNCHANGED, LOST)
    after = await journal.known(LANE, KIND, list("abcde"))
    assert after[0] is not None
    assert after[0] != before[0], "delivered"
    assert (after[1], after[2]) == (before[1], None), "neither sent"
    assert after[3] is not None, "the vendor has it already"
    assert after[4] is not None
    assert after[4].body == IN_DOUBT, "nobody knows what the vendor has"


async def test_what_was_refused_still_belongs_to_the_set(journal: MemoryJournal) -> None:
    first = await begun(journal, run_id="r1")
    await done(first, 0, batch("a", "b", "c"))
    second = await begun(journal, run_id="r2")
    await done(second, 0, batch("a", "b"), CONFIRMED, NO)
    assert await journal.gone(LANE, KIND, "r2") == ["c"]
    assert await journal.gone(LANE, KIND, "") == ["a", "b", "c"]
    await second.forget(["c"])
    assert (await journal.gone(LANE, KIND, "r2"), await journal.known_count(LANE, KIND)) == ([], 2)


# ---------------------------------------------------------------------- the right to write
async def test_whose_lane_was_taken_over_writes_nothing_more(journal: MemoryJournal) -> None:
    first = await begun(journal)
    await begun(journal)
    with pytest.raises(LaneLost):
        await done(first, 0, batch("a"))
    run = await journal.run("r1", "here")
    assert run is not None
    assert run.batches == []


async def test_a_batch_is_noted_with_its_place_and_its_attempts(journal: MemoryJournal) -> None:
    tried = await begun(journal)
    attempt = Attempt("send", 200, 0.1, 2, "", "", 0.0, run_id="r1")
    some = batch("a", "b", first=7)
    await tried.done(entry_of(3, some), [CONFIRMED, CONFIRMED], [attempt], ())
    run = await journal.run("r1", "here")
    assert run is not None
    [row] = run.batches
    assert (row.number, row.first, row.last, row.records) == (3, 7, 8, 2)
    assert await journal.attempts(run_id="r1") == [attempt]


async def test_the_size_of_the_set_before_is_the_one_that_was_noted_when_the_run_began(journal: MemoryJournal) -> None:
    first = await begun(journal)
    assert await first.set_before(5) == 5
    await first.opened({"session": 1})
    resumed = await begun(journal)
    assert (await resumed.set_before(13), resumed.memory) == (5, {"session": 1})
