"""A vendor that revokes the token before with each new one: one process at a time uses a token, and hands it over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from tests.unit.http.support import SharedJournal
from tests.unit.http.vendor import LIST, PUT, SCOPE, ExclusiveAdapter, Process, Vendor, flow, processes

from proofport.errors import JournalError, Retryable
from proofport.http.auth import IDLE
from proofport.http.flow import lead
from proofport.http.retry import waiting
from proofport.http.sender import Sender
from proofport.journal.contract import Lease
from proofport.wire import Call


class Two:
    """Two processes at one vendor."""

    def __init__(self, vendor: Vendor, a: Process, b: Process) -> None:
        self.vendor = vendor
        self.a = a
        self.b = b
        self.journal: SharedJournal = a.journal

    def holder(self) -> str | None:
        owner, until = self.journal.held.get(f"token:{SCOPE}", ("", 0.0))
        return owner if until > self.journal.clock() else None

    def pass_time(self, seconds: float) -> None:
        self.journal.clock.now += seconds


@pytest.fixture
async def two() -> AsyncIterator[Two]:
    vendor = Vendor(exclusive=True)
    async with processes(vendor, "a", "b", adapter=ExclusiveAdapter) as [a, b]:
        yield Two(vendor, a, b)


async def run(process: Process, midway: Callable[[], Awaitable[None]] | None = None) -> list[int]:
    """Lead a flow of two calls. `midway` runs between them."""

    async def gate(call: Call) -> None:
        if call is PUT and midway is not None:
            await midway()

    async with process.sender() as sender:
        return await lead(flow(LIST, PUT), sender, gate=gate)


async def test_who_waits_hears_who_holds_the_token_and_revokes_nothing(two: Two) -> None:
    async def other() -> None:
        with pytest.raises(Retryable, match="in use by a"):
            await run(two.b)

    assert await run(two.a, other) == [200, 200]
    assert len(two.vendor.issued) == 1


async def test_it_is_handed_over_between_two_flows_to_the_process_that_asks(two: Two) -> None:
    await run(two.a)
    with pytest.raises(Retryable, match="in use by a"):
        await run(two.b)
    await two.a.ticks.tick()
    assert two.holder() is None
    with pytest.raises(Retryable, match="in use by b"):
        await run(two.a)
    assert await run(two.b) == [200, 200]
    with pytest.raises(Retryable, match="in use by b"):
        await run(two.a)
    await two.b.tokens.close()
    assert await run(two.a) == [200, 200]
    assert (len(two.vendor.issued), two.vendor.refused) == (3, [])


async def test_it_is_not_handed_over_within_a_flow_and_no_flow_begins_meanwhile(two: Two) -> None:
    async def other() -> None:
        with pytest.raises(Retryable):
            await run(two.b)
        await two.a.ticks.tick()
        with pytest.raises(Retryable, match="another process"):
            await run(two.a)
        assert two.holder() == "a"

    assert await run(two.a, other) == [200, 200]
    await two.a.ticks.tick()
    assert two.holder() is None
    assert await run(two.b) == [200, 200]
    assert two.vendor.refused == []


async def test_a_command_waits_for_it_and_tells_who_holds_it(two: Two) -> None:
    await run(two.a)
    told = list[str | None]()

    async def sleep(seconds: float) -> None:
        two.pass_time(seconds)
        await two.a.ticks.tick()

    assert await waiting(lambda: run(two.b), 60, told.append, sleep=sleep) == [200, 200]
    assert told[0] == "the application's token is in use by a; goes on in 2 s"
    assert two.vendor.refused == []


async def test_a_command_that_has_waited_long_enough_says_who_holds_it(two: Two) -> None:
    async def other() -> None:
        with pytest.raises(Retryable, match="in use by a"):
            await waiting(lambda: run(two.b), 60, lambda _: None, sleep=two.b.naps, clock=lambda: 0.0)
        assert sum(two.b.naps.taken) == 60

    await run(two.a, other)


async def test_the_lease_is_renewed_while_the_token_is_in_use(two: Two) -> None:
    async def much_later() -> None:
        for _ in range(4):
            two.pass_time(80)
            await two.a.ticks.tick()
        assert two.holder() == "a"

    assert await run(two.a, much_later) == [200, 200]


async def test_a_token_that_nobody_uses_is_given_back(two: Two) -> None:
    await run(two.a)
    two.pass_time(IDLE - 1)
    await two.a.ticks.tick()
    assert two.holder() == "a"
    two.pass_time(2)
    await two.a.ticks.tick()
    assert two.holder() is None
    assert await run(two.a) == [200, 200], "nobody else has asked for it"
    assert len(two.vendor.issued) == 2


async def test_a_process_that_ends_gives_it_back(two: Two) -> None:
    await run(two.a)
    await two.a.tokens.close()
    assert two.holder() is None
    assert await run(two.b) == [200, 200]


async def test_a_process_that_was_frozen_finds_the_lease_with_another_and_asks_for_no_token(two: Two) -> None:
    await run(two.a)
    two.pass_time(91)
    await run(two.b)
    with pytest.raises(Retryable, match="in use by b"):
        await run(two.a)
    assert len(two.vendor.refused) == 1, "its own token, which has been revoked"
    assert await run(two.b) == [200, 200]
    assert (len(two.vendor.issued), len(two.vendor.refused)) == (2, 1)


async def test_a_process_that_has_lost_the_lease_forgets_the_token(two: Two) -> None:
    await run(two.a)
    two.pass_time(91)
    await run(two.b)
    await two.a.ticks.tick()
    with pytest.raises(Retryable, match="in use by b"):
        await run(two.a)
    assert two.vendor.refused == []


async def test_a_lease_that_was_lost_while_a_permit_was_waited_for_brings_no_token(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ExclusiveAdapter, "mints_per_minute", 5)

    async def lose(key: str, *, per_minute: int, burst: int) -> float:
        two.pass_time(91)
        await two.journal.take_lease(f"token:{SCOPE}", owner="b", lease=90)
        return 0.0

    monkeypatch.setattr(two.journal, "permit", lose)
    with pytest.raises(Retryable, match="in use by b"):
        await run(two.a)
    assert two.vendor.issued == []


async def test_a_journal_that_cannot_be_reached_for_a_moment_costs_nothing(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(name: str, *, owner: str, lease: float) -> Lease:
        raise JournalError("the disk is full")

    await run(two.a)
    with monkeypatch.context() as patch:
        patch.setattr(two.journal, "take_lease", broken)
        await two.a.ticks.tick()
    two.pass_time(50)
    await two.a.ticks.tick()
    two.pass_time(50)
    assert two.holder() == "a", "it was renewed the next time"
    assert await run(two.a) == [200, 200]
    assert len(two.vendor.issued) == 1


async def test_a_reading_command_waits_for_the_token_and_says_in_the_end_who_holds_it(two: Two) -> None:
    await run(two.a)
    naps: list[float] = []

    async def nap(seconds: float) -> None:
        naps.append(seconds)
        if sum(naps) > 4:
            await two.a.ticks.tick()

    def reader(seconds: float) -> Sender:
        return Sender(two.b.adapter, two.journal, two.b.tokens, token_seconds=seconds, sleep=nap)

    async with reader(3) as sender:
        with pytest.raises(Retryable, match="in use by a"):
            await lead(flow(LIST), sender)
    assert naps == [1.0, 1.0]
    async with reader(60) as sender:
        assert await lead(flow(LIST), sender) == [200]
    assert two.holder() == "b"
