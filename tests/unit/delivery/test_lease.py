"""Holding a lane: asked before harm, renewed in the background, waited for, given back, and lost out loud."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from tests.support.clock import Clock
from tests.unit.delivery.support import memory_journal

from proofport.delivery.lane.lease import RENEWALS, Holder, hold, renewing
from proofport.errors import JournalError, LaneLost, ProofportError, Retryable
from proofport.journal.contract import Journal, LaneRun, since_boot
from proofport.wire import Call

LOOK = Call("look", "GET", "/x")
WRITE = Call("write", "POST", "/x")
DESTROY = Call("destroy", "POST", "/x", destructive=True)
LEASE = 90.0
SHORT = 0.0
"""A lease that is renewed in every turn of the loop."""


class FakeRun:
    """The right to a lane whose journal answers renewals from a script: an error, or None for yes."""

    lane, epoch = "tiny/thing", 1

    def __init__(self, *answers: Exception | None) -> None:
        self.renewals = 0
        self.released = 0
        self.used_up = asyncio.Event()
        self._answers = list(answers)

    async def renew(self) -> None:
        self.renewals += 1
        answer = self._answers.pop(0) if self._answers else None
        if not self._answers:
            self.used_up.set()
        if answer is not None:
            raise answer

    async def release(self) -> None:
        self.released += 1


def holder(run: Any, clock: Clock, lease: float = LEASE) -> Holder:
    return Holder(run, lease, clock)


# ---------------------------------------------------------------------- asking
@pytest.mark.parametrize("seconds", [0.0, LEASE])
async def test_the_journal_is_asked_before_every_call_that_destroys(seconds: float) -> None:
    run, clock = FakeRun(), Clock(0.0)
    tried = holder(run, clock)
    clock.now = seconds
    await tried.permit(DESTROY)
    await tried.permit(DESTROY)
    assert run.renewals == 2


@pytest.mark.parametrize(("seconds", "asked"), [(0.0, 0), (LEASE / 2, 0), (LEASE / 2 + 1, 1)])
async def test_before_another_write_it_is_asked_once_half_the_lease_has_gone_by(seconds: float, asked: int) -> None:
    run, clock = FakeRun(), Clock(0.0)
    tried = holder(run, clock)
    clock.now = seconds
    await tried.permit(WRITE)
    await tried.permit(WRITE)
    assert run.renewals == asked, "and after that the lease is fresh again"


async def test_reading_asks_nobody() -> None:
    run, clock = FakeRun(), Clock(0.0)
    tried = holder(run, clock)
    clock.now = 10 * LEASE
    await tried.permit(LOOK)
    assert run.renewals == 0


async def test_a_lane_that_another_process_has_taken_over_permits_no_harm() -> None:
    clock = Clock(0.0)
    tried = holder(FakeRun(LaneLost("gone"), LaneLost("gone")), clock)
    await tried.permit(WRITE)
    with pytest.raises(LaneLost):
        await tried.permit(DESTROY)
    clock.now = LEASE
    with pytest.raises(LaneLost):
        await tried.permit(WRITE)


# ---------------------------------------------------------------------- keeping
async def test_the_lease_is_renewed_from_the_background_until_the_block_ends() -> None:
    run = FakeRun(None, None, None)
    async with asyncio.timeout(20), renewing(holder(run, Clock(0.0)).confirm, SHORT, lambda error: None):
        await run.used_up.wait()
    assert run.renewals >= RENEWALS
    before = run.renewals
    await asyncio.sleep(0)
    assert (run.renewals, run.released) == (before, 0), "who claimed it gives it back"


async def test_the_loss_is_told_once_and_renewing_ends() -> None:
    run, lost = FakeRun(None, LaneLost("gone")), asyncio.Event()
    told: list[ProofportError] = []

    def on_lost(error: ProofportError) -> None:
        told.append(error)
        lost.set()

    async with asyncio.timeout(20), renewing(holder(run, Clock(0.0)).confirm, SHORT, on_lost):
        await lost.wait()
        for _ in range(5):
            await asyncio.sleep(0)
    assert ([str(error) for error in told], run.renewals) == (["gone"], 2)


async def test_a_journal_that_stumbles_is_asked_again_and_the_block_goes_on() -> None:
    run = FakeRun(JournalError("disk full"), JournalError("disk full"), None)
    async with asyncio.timeout(20), renewing(holder(run, Clock(0.0)).confirm, SHORT, lambda error: None):
        await run.used_up.wait()
    assert run.renewals >= 3


# ---------------------------------------------------------------------- taking
class Waiting:
    """What happens while somebody waits for a lane: `then` comes after so many naps."""

    def __init__(self, naps: int, then: Any = None) -> None:
        self.told: list[str] = []
        self._naps = naps
        self._then = then
        self.slept = 0.0

    async def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self._naps -= 1
        if self._naps == 0 and self._then is not None:
            await self._then()


def taking(journal: Journal, waiting: Waiting, *, retry_seconds: float = 3.0) -> Any:
    return hold(
        journal,
        "tiny/thing",
        retry_seconds=retry_seconds,
        lease=LEASE,
        on_wait=waiting.told.append,
        on_lost=lambda error: None,
        sleep=waiting.sleep,
    )


async def other(journal: Journal) -> LaneRun:
    run = await journal.claim("tiny/thing", owner="elsewhere:1:abc", lease=LEASE)
    assert run is not None
    return run


async def test_a_free_lane_is_held_at_once_and_given_back_afterwards() -> None:
    journal, waiting = await memory_journal(), Waiting(0)
    async with taking(journal, waiting) as held:
        assert (await journal.lanes())[0].owner is not None
        await held.confirm()
    assert (await journal.lanes())[0].owner is None
    assert (waiting.slept, waiting.told) == (0.0, [])


async def test_it_is_given_back_when_the_block_breaks_down_too() -> None:
    journal = await memory_journal()
    with pytest.raises(OSError, match="broken"):
        async with taking(journal, Waiting(0)):
            raise OSError("broken")
    assert (await journal.lanes())[0].owner is None


async def test_a_lane_that_is_held_is_waited_for_and_its_owner_is_named() -> None:
    journal = await memory_journal()
    first = await other(journal)
    waiting = Waiting(3, first.release)
    async with taking(journal, waiting):
        pass
    assert waiting.slept == 1.5
    assert waiting.told[0] == "the lane tiny/thing is held by another process (elsewhere:1:abc); waiting"


async def test_waiting_for_a_held_lane_ends() -> None:
    journal, waiting = await memory_journal(), Waiting(0)
    await other(journal)
    with pytest.raises(Retryable, match="elsewhere:1:abc") as caught:
        async with taking(journal, waiting, retry_seconds=2.0):
            pass
    assert waiting.slept == 2.0
    assert "90 seconds" in (caught.value.hint or "")
    assert (await journal.lanes())[0].owner == "elsewhere:1:abc"


# ---------------------------------------------------------------------- a machine that was suspended
async def test_the_time_in_which_the_machine_was_suspended_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    slept = 0.0
    clocks = {time.CLOCK_BOOTTIME: lambda: 100.0 + slept, time.CLOCK_MONOTONIC: lambda: 100.0}
    monkeypatch.setattr(time, "clock_gettime", lambda clock: clocks[clock]())
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    run: Any = FakeRun()
    held = Holder(run, LEASE)
    await held.permit(WRITE)
    assert run.renewals == 0
    slept = LEASE
    await held.permit(WRITE)
    assert run.renewals == 1


async def test_where_no_clock_knows_of_that_the_common_one_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(time, "CLOCK_BOOTTIME")
    monkeypatch.setattr(time, "monotonic", lambda: 5.0)
    assert since_boot() == 5.0
