"""When something of a kind last arrived, which is noted with it."""

from __future__ import annotations

from dataclasses import replace

from tests.journal_contract.base import KIND, JournalTests, claim, fill
from tests.journal_contract.runs import RUN, begun
from tests.support.clock import Clock

from proofport.accounting import Assurance
from proofport.journal.contract import Arrival, Journal


class ArrivalTests(JournalTests):
    async def test_a_set_that_is_complete_is_noted_by_lane_and_kind(self, journal: Journal, clock: Clock) -> None:
        held = await begun(journal)
        await held.begin(replace(RUN, run_id="r2", kind="custom:other"))
        clock.advance(9)
        await held.end("r1", complete=True, report="{}", arrived=Assurance.CONFIRMED)
        first = Arrival("a", KIND, clock.now, clock.now, clock.now)
        assert await journal.arrivals() == [first, Arrival("a", "custom:other", None, None, None)]

    async def test_what_fails_later_leaves_the_times_as_they_were(self, journal: Journal, clock: Clock) -> None:
        held = await begun(journal)
        await held.end("r1", complete=True, report="{}", arrived=Assurance.ACCEPTED)
        before = clock.now
        clock.advance(9)
        await held.begin(replace(RUN, run_id="r2"))
        await held.end("r2", complete=False, report="{}")
        assert await journal.arrivals() == [Arrival("a", KIND, before, before, None)]

    async def test_an_empty_set_that_is_complete_counts(self, journal: Journal, clock: Clock) -> None:
        held = await begun(journal)
        await held.end("r1", complete=True, report="{}")
        assert await journal.arrivals() == [Arrival("a", KIND, clock.now, None, None)]

    async def test_an_upsert_is_no_set(self, journal: Journal, clock: Clock) -> None:
        held = await begun(journal, replace(RUN, mode="upsert", staged=False))
        await held.end("r1", complete=True, report="{}", arrived=Assurance.VERIFIED)
        assert await journal.arrivals() == [Arrival("a", KIND, None, clock.now, clock.now)]

    async def test_what_is_queued_counts_once_it_is_delivered(self, journal: Journal, clock: Clock) -> None:
        await fill(journal, "a", 3)
        held = await claim(journal, "a")
        [one, two, three] = await held.take(3)
        await held.done(one, "[]", arrived=Assurance.CONFIRMED)
        confirmed = clock.now
        clock.advance(9)
        await held.done(two, "[]", arrived=Assurance.ACCEPTED)
        accepted = clock.now
        clock.advance(9)
        await held.done(three, "[]")
        assert await journal.arrivals() == [Arrival("a", KIND, None, accepted, confirmed)]
