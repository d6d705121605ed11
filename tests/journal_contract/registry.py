"""Adapter memory, request budgets and leases of names."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import JsonValue
from tests.journal_contract.base import KIND, LEASE, JournalTests, claim
from tests.journal_contract.known import push
from tests.support.clock import Clock

from proofport.errors import LaneLost
from proofport.journal.contract import IN_DOUBT, Journal, Known, Lease, Sent

FIRST: JsonValue = {"slug": "things", "fields": {"id": "string", "nul": "\x00"}, "published": 5.5, "list": [1, None]}


class AdapterMemoryTests(JournalTests):
    async def test_what_is_written_first_stays(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        await held.keep_adapter_memory("things", FIRST, doubts=KIND)
        await held.keep_adapter_memory("things", {"other": 1}, doubts=KIND)
        await held.keep_adapter_memory("more", 7, doubts=None)
        await journal.close()
        await journal.open()
        assert list((await journal.adapter_memory("a")).items()) == [("things", FIRST), ("more", 7)]
        assert await journal.adapter_memory("b") == {}

    async def test_a_value_is_replaced_by_whoever_knows_it(self, journal: Journal) -> None:
        assert not await journal.keep_adapter_memory("a", "k", {"n": 2}, before={"n": 1})
        assert await journal.keep_adapter_memory("a", "k", {"n": 1, "m": 1}, before=None)
        assert not await journal.keep_adapter_memory("a", "k", {"n": 2}, before=None)
        assert not await journal.keep_adapter_memory("a", "k", {"n": 2}, before={"n": 1})
        assert await journal.keep_adapter_memory("a", "l", None, before=None)
        assert not await journal.keep_adapter_memory("b", "k", {"n": 2}, before={"n": 1, "m": 1})
        assert await journal.keep_adapter_memory("a", "k", {"n": 2}, before={"m": 1, "n": 1})
        assert list((await journal.adapter_memory("a")).items()) == [("k", {"n": 2}), ("l", None)]

    async def test_of_many_who_replace_the_same_value_one_does(self, journal: Journal) -> None:
        await journal.keep_adapter_memory("a", "k", 0, before=None)
        tries = [journal.keep_adapter_memory("a", "k", n, before=0) for n in range(1, 9)]
        assert sorted(await asyncio.gather(*tries)) == [False] * 7 + [True]

    async def test_a_stale_owner_writes_nothing(self, journal: Journal, clock: Clock) -> None:
        stale = await claim(journal, "a")
        clock.advance(LEASE + 1)
        await claim(journal, "a", owner="other")
        with pytest.raises(LaneLost):
            await stale.keep_adapter_memory("things", FIRST, doubts=KIND)
        assert await journal.adapter_memory("a") == {}

    async def test_what_was_delivered_before_may_be_doubted(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        await push(held, "r1", Sent(["x", "gone"], [7, 8], [5.0, 5.0]))
        await push(held, "r2", Sent(["gone"], [0]), mode="remove")
        await held.keep_adapter_memory("another kind", 1, doubts="device")
        await held.keep_adapter_memory("nothing", 1, doubts=None)
        assert await journal.known("a", KIND, ["x", "gone"]) == [Known(7, 5.0), None]
        await held.keep_adapter_memory("things", FIRST, doubts=KIND)
        assert await journal.known("a", KIND, ["x", "gone"]) == [Known(IN_DOUBT, 5.0), None]
        await push(held, "r3", Sent(["x"], [7], [5.0]))
        await held.keep_adapter_memory("things", FIRST, doubts=KIND)
        assert await journal.known("a", KIND, ["x"]) == [Known(7, 5.0)]


class LeaseTests(JournalTests):
    async def test_one_has_it_until_it_is_given_back(self, journal: Journal, clock: Clock) -> None:
        until = clock.now + 60
        assert await journal.take_lease("app", owner="me", lease=60) == Lease("me", until, False)
        assert await journal.take_lease("app", owner="you", lease=60) == Lease("me", until, True)
        assert await journal.take_lease("other", owner="you", lease=60) == Lease("you", until, False)
        await journal.give_back_lease("app", owner="you")
        await journal.give_back_lease("nobody's", owner="you")
        assert (await journal.take_lease("app", owner="you", lease=60)).owner == "me"
        await journal.give_back_lease("app", owner="me")
        assert await journal.take_lease("app", owner="you", lease=60) == Lease("you", until, False)

    async def test_it_is_renewed_and_runs_out(self, journal: Journal, clock: Clock) -> None:
        await journal.take_lease("app", owner="me", lease=60)
        clock.advance(59)
        assert await journal.take_lease("app", owner="me", lease=60) == Lease("me", clock.now + 60, False)
        clock.advance(59)
        assert (await journal.take_lease("app", owner="you", lease=60)).owner == "me"
        clock.advance(1)
        assert (await journal.take_lease("app", owner="you", lease=60)).owner == "you"
        assert (await journal.take_lease("app", owner="me", lease=60)).owner == "you"

    async def test_who_lets_it_run_out_has_it_while_nobody_wants_it(self, journal: Journal, clock: Clock) -> None:
        await journal.take_lease("app", owner="me", lease=60)
        clock.advance(1_000)
        assert await journal.take_lease("app", owner="me", lease=60) == Lease("me", clock.now + 60, False)

    async def test_the_holder_is_told_that_another_wants_it(self, journal: Journal, clock: Clock) -> None:
        await journal.take_lease("app", owner="me", lease=60)
        await journal.take_lease("app", owner="you", lease=60)
        assert (await journal.take_lease("app", owner="me", lease=60)).wanted
        clock.advance(60)
        assert not (await journal.take_lease("app", owner="me", lease=60)).wanted, "that was long ago"

    async def test_who_has_waited_goes_before_a_busy_holder_for_a_few_seconds(
        self, journal: Journal, clock: Clock
    ) -> None:
        await journal.take_lease("app", owner="busy", lease=60)
        await journal.take_lease("app", owner="patient", lease=60)
        await journal.give_back_lease("app", owner="busy")
        clock.advance(1)
        for other in ("busy", "third"):
            found = await journal.take_lease("app", owner=other, lease=60)
            assert (found.owner, found.wanted) == ("patient", True)
        assert (await journal.take_lease("app", owner="patient", lease=60)).owner == "patient"

    async def test_who_has_waited_and_gone_away_keeps_nobody_for_long(self, journal: Journal, clock: Clock) -> None:
        await journal.take_lease("app", owner="busy", lease=60)
        await journal.take_lease("app", owner="gone", lease=60)
        await journal.give_back_lease("app", owner="busy")
        clock.advance(10)
        assert (await journal.take_lease("app", owner="busy", lease=60)).owner == "busy"

    async def test_it_outlives_the_process(self, journal: Journal) -> None:
        await journal.take_lease("app", owner="me", lease=60)
        await journal.close()
        await journal.open()
        assert (await journal.take_lease("app", owner="you", lease=60)).owner == "me"

    async def test_of_many_at_once_one_takes_it(self, journal: Journal) -> None:
        taken = await asyncio.gather(*(journal.take_lease("app", owner=f"{n}", lease=60) for n in range(10)))
        assert len({lease.owner for lease in taken}) == 1


class PermitTests(JournalTests):
    async def test_a_burst_and_then_evenly_spaced(self, journal: Journal, clock: Clock) -> None:
        waits = [await journal.permit("host", per_minute=60, burst=3) for _ in range(5)]
        assert waits == pytest.approx([0, 0, 0, 1, 2])
        clock.advance(3.5)
        assert await journal.permit("host", per_minute=60, burst=3) == 0
        clock.advance(3_600)
        waits = [await journal.permit("host", per_minute=60, burst=3) for _ in range(4)]
        assert waits == pytest.approx([0, 0, 0, 1])

    async def test_each_host_has_its_own_and_0_is_off(self, journal: Journal) -> None:
        assert await journal.permit("a", per_minute=1, burst=1) == 0
        assert await journal.permit("b", per_minute=1, burst=1) == 0
        assert await journal.permit("a", per_minute=1, burst=1) == pytest.approx(60)
        assert [await journal.permit("a", per_minute=0, burst=1) for _ in range(3)] == [0, 0, 0]

    async def test_the_budget_outlives_the_process(self, journal: Journal) -> None:
        await journal.permit("a", per_minute=1, burst=1)
        await journal.close()
        await journal.open()
        assert await journal.permit("a", per_minute=1, burst=1) == pytest.approx(60)
