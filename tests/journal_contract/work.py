"""Working on lanes: many at once, each by one, until told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from tests.journal_contract.base import LEASE, JournalTests, claim, fill, ids, new, view
from tests.support.clock import Clock

from proofport.errors import LaneLost
from proofport.journal.contract import Journal, LaneRun

Drain = Callable[[LaneRun], Awaitable[None]]
PATIENCE = 20.0
"""Seconds after which a test that waits has failed."""


@asynccontextmanager
async def working(
    journal: Journal, drain: Drain, *, slots: int = 4, shared: bool = False
) -> AsyncIterator[asyncio.Event]:
    """Work on a journal beside the block, to its end."""
    stop = asyncio.Event()
    async with asyncio.timeout(PATIENCE):
        work = asyncio.create_task(
            journal.work(drain, owner="worker", slots=slots, lease=LEASE, stop=stop, shared=shared)
        )
        try:
            yield stop
        finally:
            stop.set()
            await work


class WorkTests(JournalTests):
    async def test_everything_is_drained_in_the_order_of_its_lane(self, journal: Journal) -> None:
        sent: dict[str, list[int]] = {}
        empty = asyncio.Event()

        async def drain(run: LaneRun) -> None:
            for delivery in await run.take(2):
                sent.setdefault(run.lane, []).append(delivery.id)
                await run.done(delivery, "[]")
            if sum(map(len, sent.values())) == 40:
                empty.set()

        accepted = list((await journal.accept([new(f"lane {n % 5}") for n in range(30)])).ids)
        async with working(journal, drain):
            accepted += (await journal.accept([new(f"lane {n % 5}") for n in range(10)])).ids
            await empty.wait()
        expected = {f"lane {n}": accepted[n::5] for n in range(5)}
        assert sent == expected
        assert await ids(journal, "queued") == []
        assert {view.owner for view in await journal.lanes()} == {None}

    async def test_new_work_wakes_a_worker_that_has_nothing_to_do(self, journal: Journal) -> None:
        seen: asyncio.Queue[str] = asyncio.Queue()

        async def drain(run: LaneRun) -> None:
            for delivery in await run.take(9):
                await run.done(delivery, "[]")
            await seen.put(run.lane)

        async with working(journal, drain):
            for lane in ("a", "b", "a"):
                await fill(journal, lane)
                assert await seen.get() == lane

    async def test_lanes_are_drained_at_the_same_time_up_to_the_slots(self, journal: Journal) -> None:
        busy: set[str] = set()
        two, go_on, rest = asyncio.Event(), asyncio.Event(), asyncio.Event()
        most = 0

        async def drain(run: LaneRun) -> None:
            nonlocal most
            busy.add(run.lane)
            most = max(most, len(busy))
            if len(busy) == 2:
                two.set()
            await go_on.wait()
            for delivery in await run.take(9):
                await run.done(delivery, "[]")
            busy.discard(run.lane)
            if await ids(journal, "queued") == []:
                rest.set()

        await journal.accept([new(lane) for lane in "abcde"])
        async with working(journal, drain, slots=2):
            await two.wait()
            go_on.set()
            await rest.wait()
        assert most == 2

    async def test_a_tenant_whose_vendor_hangs_leaves_places_to_the_others(self, journal: Journal) -> None:
        """And a tenant that was there before gets no more until they are less than half again."""
        hang, arrived = asyncio.Event(), asyncio.Queue[str]()

        async def drain(run: LaneRun) -> None:
            await arrived.put(run.lane)
            if run.tenant == "default":
                await hang.wait()
            for delivery in await run.take(9):
                await run.done(delivery, "[]")

        await journal.accept([new(lane) for lane in "abcdef"])
        async with working(journal, drain, slots=4, shared=True):
            assert {await arrived.get() for _ in range(2)} == {"a", "b"}
            for lane in ("@acme/a", "@acme/b", "@other/a", "@acme/a"):
                await fill(journal, lane)
                assert await arrived.get() == lane
            hang.set()
            assert {await arrived.get() for _ in range(4)} == set("cdef")
        assert await ids(journal, "queued") == []

    async def test_stopping_brings_running_drains_to_their_end_and_begins_no_other(self, journal: Journal) -> None:
        begun, finish = asyncio.Event(), asyncio.Event()

        async def drain(run: LaneRun) -> None:
            begun.set()
            await finish.wait()
            await run.done((await run.take(1))[0], "[]")

        first, second = await fill(journal, "a", 2)
        async with working(journal, drain, slots=1) as stop:
            await begun.wait()
            stop.set()
            finish.set()
        assert await ids(journal, "done") == [first]
        assert await ids(journal, "queued") == [second]
        assert (await view(journal, "a")).owner is None

    async def test_a_drain_that_breaks_down_leaves_its_lane_until_the_lease_has_run_out(
        self, journal: Journal, clock: Clock
    ) -> None:
        broken = True
        begun: asyncio.Queue[str] = asyncio.Queue()
        ended: asyncio.Queue[str] = asyncio.Queue()

        async def drain(run: LaneRun) -> None:
            await begun.put(run.lane)
            if run.lane == "broken" and broken:
                raise RuntimeError("a bug")
            for delivery in await run.take(9):
                await run.done(delivery, "[]")
            await ended.put(run.lane)

        await fill(journal, "broken")
        async with working(journal, drain):
            assert await begun.get() == "broken"
            for _ in range(2):
                await fill(journal, "fine")
                assert (await begun.get(), await ended.get()) == ("fine", "fine")
            assert (await view(journal, "broken")).owner == "worker"
            broken = False
            clock.advance(LEASE)
            while await begun.get() != "broken":  # the other may still be held, and its lease has run out, too
                pass
        assert await ids(journal, "queued") == []

    async def test_a_worker_goes_on_after_it_lost_a_lane(self, journal: Journal, clock: Clock) -> None:
        outcomes: asyncio.Queue[str] = asyncio.Queue()

        async def drain(run: LaneRun) -> None:
            delivery = (await run.take(1))[0]
            if run.epoch == 1:
                clock.advance(LEASE)
                await (await claim(journal, run.lane, owner="next")).release()
            try:
                await run.done(delivery, "[]")
            except LaneLost:
                await outcomes.put("lost")
                raise
            await outcomes.put("done")

        await fill(journal, "a", 2)
        async with working(journal, drain, slots=1):  # a free slot might take the lane over before "next" does
            assert [await outcomes.get() for _ in range(3)] == ["lost", "done", "done"]
