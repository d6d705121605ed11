"""A clock that is wrong by an hour, and is put right: nothing waits for that hour, and the log says what happened."""

from __future__ import annotations

import pytest
from tests.journal_contract.base import LEASE, JournalTests, claim, fill, heads
from tests.support.clock import Clock

from proofport.journal.contract import Failure, Journal, NewSnapshot
from proofport.journal.sql.clock import GRACE, NOTE_EVERY

HOUR = 3600.0
LATE = NOTE_EVERY
"""Seconds by which what waits may be late: the time is noted that seldom."""


class ClockTests(JournalTests):
    @pytest.fixture(autouse=True)
    def _clock_is_looked_at(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("proofport.journal.postgres.store.LOOK_EVERY", 0.0)

    async def test_a_lane_rests_as_long_as_it_should(self, journal: Journal, clock: Clock) -> None:
        await fill(journal, "a")
        clock.advance(HOUR)
        held = await claim(journal, "a")
        await held.later((await held.take(1))[0], 100.0, Failure("vendor_unavailable"))
        await held.release()
        clock.advance(-HOUR)
        assert await journal.claim(owner="me", lease=LEASE) is None
        clock.advance(100.0 - LATE - 1)
        assert await journal.claim(owner="me", lease=LEASE) is None, "it still rests"
        clock.advance(2 * LATE + 2)
        assert len(await heads(await claim(journal))) == 1

    async def test_what_was_accepted_meanwhile_is_delivered_now(self, journal: Journal, clock: Clock) -> None:
        await fill(journal, "before")
        await claim(journal)
        clock.advance(HOUR)
        await fill(journal, "meanwhile")
        clock.advance(-HOUR)
        await journal.lanes()
        await fill(journal, "after")
        clock.advance(LATE)
        found = {(await claim(journal)).lane for _ in range(2)}
        assert found == {"meanwhile", "after"}

    async def test_a_lease_of_one_who_has_died_runs_out(self, journal: Journal, clock: Clock) -> None:
        await fill(journal, "a")
        clock.advance(HOUR)
        died = await claim(journal, owner="died")
        clock.advance(-HOUR)
        assert await journal.claim("a", owner="me", lease=LEASE) is None
        clock.advance(LEASE + LATE)
        assert (await claim(journal, "a")).epoch == died.epoch + 1

    async def test_a_lease_that_is_held_stays_held(self, journal: Journal, clock: Clock) -> None:
        await fill(journal, "a")
        held = await claim(journal)
        for jump in (HOUR, -HOUR):
            clock.advance(jump)
            await held.renew()
            assert await journal.claim("a", owner="other", lease=LEASE) is None
        assert len(await heads(held)) == 1

    async def test_a_lease_of_before_is_not_cut_short(self, journal: Journal, clock: Clock) -> None:
        """Whoever holds it has the time to renew it: a lane is not taken from one who works on it."""
        await fill(journal, "a")
        held = await claim(journal)
        clock.advance(HOUR)
        await journal.permit("host", per_minute=60, burst=1)
        clock.advance(-HOUR)
        await journal.permit("host", per_minute=60, burst=1)
        clock.advance(GRACE - 1)
        assert await journal.claim(owner="other", lease=LEASE) is None
        await held.renew()
        assert await journal.claim("a", owner="other", lease=LEASE) is None

    async def test_a_budget_goes_on(self, journal: Journal, clock: Clock) -> None:
        clock.advance(HOUR)
        for _ in range(5):
            await journal.permit("host", per_minute=60, burst=1)
        clock.advance(-HOUR)
        assert await journal.permit("host", per_minute=60, burst=1) <= 5 + LATE

    async def test_a_lease_of_a_name_runs_out(self, journal: Journal, clock: Clock) -> None:
        clock.advance(HOUR)
        await journal.take_lease("token", owner="died", lease=LEASE)
        await journal.take_lease("token", owner="also died", lease=LEASE)
        clock.advance(-HOUR)
        assert (await journal.take_lease("token", owner="me", lease=LEASE)).owner == "died"
        clock.advance(LEASE + LATE)
        assert (await journal.take_lease("token", owner="me", lease=LEASE)).owner == "me"

    async def test_a_commit_is_taken_over(self, journal: Journal, clock: Clock) -> None:
        await journal.open_snapshot(NewSnapshot("s", "default", "device", ["d"], 86_400.0))
        assert await journal.commit_snapshot("s", run_id="run", override=None)
        clock.advance(HOUR)
        assert await journal.claim_commit(owner="died", lease=LEASE) is not None
        clock.advance(-HOUR)
        assert await journal.claim_commit(owner="me", lease=LEASE) is None
        clock.advance(LEASE + LATE)
        assert await journal.claim_commit(owner="me", lease=LEASE) is not None

    @pytest.mark.parametrize("closed_at", ["before", "after"])
    async def test_a_process_that_is_started_later_finds_it_too(
        self, journal: Journal, clock: Clock, closed_at: str
    ) -> None:
        await fill(journal, "a")
        clock.advance(HOUR)
        await claim(journal, owner="died")
        await journal.close()
        clock.advance(-HOUR)
        await journal.open()
        if closed_at == "after":
            await journal.lanes()
            await journal.close()
            await journal.open()
        assert await journal.claim("a", owner="me", lease=LEASE) is None
        clock.advance(LEASE + LATE)
        assert await journal.claim("a", owner="me", lease=LEASE) is not None

    async def test_it_is_moved_once(self, journal: Journal, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
        """Also where several notice, or one more than once."""
        clock.advance(HOUR)
        await journal.permit("host", per_minute=1, burst=1)
        clock.advance(-HOUR)
        for _ in range(3):
            await journal.take_lease("a", owner="me", lease=1.0)
            await journal.close()
            await journal.open()
        assert await journal.permit("host", per_minute=1, burst=1) >= 60 - LATE - 1
        assert sum("clock_set_back" in each.getMessage() for each in caplog.records) == 1

    async def test_the_log_says_what_happened(
        self, journal: Journal, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        for jump in (0.0, HOUR, 0.0, -HOUR, 0.0):
            clock.advance(jump)
            await journal.permit("host", per_minute=60, burst=1)
        said = [each.getMessage() for each in caplog.records if "clock_set" in each.getMessage()]
        assert said == ["event='clock_set_forward' seconds=3600", "event='clock_set_back' seconds=3600"]
