"""Lanes: one writer at a time, and a blocked lane is left alone until its time has come."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from tests.journal_contract.base import KIND, LEASE, JournalTests, claim, fill, heads, ids, view
from tests.support.clock import Clock

from proofport.errors import LaneLost
from proofport.journal.contract import (
    IN_DOUBT,
    Attempt,
    BatchDone,
    Delivery,
    Failure,
    Filter,
    Intent,
    Journal,
    Known,
    LaneRun,
    LaneView,
    NewRun,
    Places,
    Sent,
)

BUSY = Failure("vendor_unavailable", "503")
BATCH = BatchDone(2, 11, 20, 10, b"digest", "[]", Sent(["stale"], [1]))

WRITES: dict[str, Callable[[LaneRun, Delivery], Awaitable[object]]] = {
    "renew": lambda run, delivery: run.renew(),
    "take": lambda run, delivery: run.take(1),
    "done": lambda run, delivery: run.done(delivery, "[]", sent=Sent(["stale"], [1])),
    "dead": lambda run, delivery: run.dead(delivery, BUSY),
    "later": lambda run, delivery: run.later(delivery, 5, BUSY),
    "set_aside": lambda run, delivery: run.set_aside(delivery, BUSY),
    "excuse": lambda run, delivery: run.excuse(),
    "park": lambda run, delivery: run.park("no"),
    "begin": lambda run, delivery: run.begin(NewRun("stale", "somewhere", KIND, "upsert")),
    "remember": lambda run, delivery: run.remember("r", {"stale": True}),
    "batch_done": lambda run, delivery: run.batch_done("r", BATCH),
    "end": lambda run, delivery: run.end("r", complete=True, report="stale"),
    "forget": lambda run, delivery: run.forget(KIND, ["kept"]),
    "note_missing": lambda run, delivery: run.note_missing(KIND, ["kept"], at=5),
    "forget as gone": lambda run, delivery: run.forget(KIND, ["kept"], gone_at=5),
    "keep_adapter_memory": lambda run, delivery: run.keep_adapter_memory("stale", 1, doubts=KIND),
    "attempted": lambda run, delivery: run.attempted([Attempt("publish", 202, 0.1, 1, "d", "stale", 1.0)]),
}


async def everything(journal: Journal) -> tuple[object, ...]:
    """All that a stale owner could have changed."""
    return (
        await journal.find(Filter()),
        await journal.lanes(),
        [await journal.run(run.run_id, run.destination) for run in await journal.runs()],
        await journal.attempts(),
        await journal.known("a", KIND, ["kept", "stale"]),
        await journal.tombstones("a", KIND, since=0),
        await journal.adapter_memory("a"),
    )


class LaneTests(JournalTests):
    async def test_a_lane_that_is_taken_over_is_logged_and_one_that_was_given_back_is_not(
        self, journal: Journal, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("WARNING", logger="proofport.journal")
        first = await claim(journal, "a", owner="one")
        await first.release()
        await claim(journal, "a", owner="two")
        assert "lane_taken_over" not in caplog.text
        clock.advance(LEASE + 1)
        await claim(journal, "a", owner="three")
        [told] = [record.getMessage() for record in caplog.records if "lane_taken_over" in record.getMessage()]
        assert "lane='a'" in told
        assert "owner='three'" in told
        assert "before='two'" in told

    @pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
    async def test_an_owner_whose_lane_was_taken_over_changes_nothing(
        self, journal: Journal, clock: Clock, write: Callable[[LaneRun, Delivery], Awaitable[object]]
    ) -> None:
        await fill(journal, "a")
        stale = await claim(journal, "a", owner="frozen")
        await stale.begin(NewRun("r", "somewhere", KIND, "upsert"))
        await stale.batch_done("r", BatchDone(1, 1, 10, 10, b"digest", "[]", Sent(["kept"], [7], items=[b"{}"])))
        delivery = (await stale.take(1))[0]
        clock.advance(LEASE + 1)
        taken_over = await claim(journal, "a", owner="next")
        assert taken_over.epoch > stale.epoch
        before = await everything(journal)
        with pytest.raises(LaneLost):
            await write(stale, delivery)
        await stale.release()
        assert await everything(journal) == before
        await taken_over.renew()

    @pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
    async def test_who_gave_the_lane_back_changes_nothing(
        self, journal: Journal, write: Callable[[LaneRun, Delivery], Awaitable[object]]
    ) -> None:
        await fill(journal, "a")
        run = await claim(journal, "a")
        await run.begin(NewRun("r", "somewhere", KIND, "upsert"))
        delivery = (await run.take(1))[0]
        await run.release()
        before = await everything(journal)
        with pytest.raises(LaneLost):
            await write(run, delivery)
        await run.release()
        assert await everything(journal) == before

    async def test_a_lease_that_has_run_out_is_good_while_nobody_else_wants_the_lane(
        self, journal: Journal, clock: Clock
    ) -> None:
        await fill(journal, "a")
        run = await claim(journal, "a")
        delivery = (await run.take(1))[0]
        clock.advance(LEASE + 1)
        await run.done(delivery, "[]")
        await run.renew()
        assert await journal.claim("a", owner="next", lease=LEASE) is None

    @pytest.mark.parametrize("name", ["a", None])
    async def test_nobody_takes_a_lane_that_is_held(self, journal: Journal, clock: Clock, name: str | None) -> None:
        await fill(journal, "a")
        run = await claim(journal, name)
        assert await journal.claim(name, owner="next", lease=LEASE) is None
        clock.advance(LEASE - 1)
        await run.renew()
        clock.advance(LEASE - 1)
        assert await journal.claim(name, owner="next", lease=LEASE) is None
        clock.advance(1)
        assert (await claim(journal, name)).epoch == run.epoch + 1

    async def test_a_lane_that_was_given_back_is_free_at_once(self, journal: Journal) -> None:
        await fill(journal, "a")
        await (await claim(journal)).release()
        assert (await claim(journal)).epoch == 2

    # ------------------------------------------------------------------ which lane
    async def test_without_a_name_the_one_that_has_been_claimable_for_the_longest(
        self, journal: Journal, clock: Clock
    ) -> None:
        for lane in ("b", "a", "c"):
            await fill(journal, lane, 2)
            clock.advance(1)
        first = await claim(journal)
        assert first.lane == "b"
        await first.release()
        clock.advance(1)
        assert [(await claim(journal)).lane for _ in range(3)] == ["a", "c", "b"]

    async def test_without_a_name_no_lane_without_work(self, journal: Journal) -> None:
        assert await journal.claim(owner="me", lease=LEASE) is None
        await fill(journal, "a")
        await journal.cancel(Filter(), "not needed")
        await (await claim(journal, "b")).release()
        assert await journal.claim(owner="me", lease=LEASE) is None
        await fill(journal, "a")
        assert (await claim(journal)).lane == "a"

    async def test_a_lane_that_has_nothing_left_hides_no_other(self, journal: Journal, clock: Clock) -> None:
        await fill(journal, "a")
        clock.advance(1)
        await fill(journal, "b")
        await journal.cancel(Filter(lane="a"), "not needed")
        assert (await claim(journal)).lane == "b"

    async def test_work_that_comes_while_the_lane_is_held_is_not_forgotten(self, journal: Journal) -> None:
        run = await claim(journal, "a")
        await fill(journal, "a")
        assert await journal.claim(owner="me", lease=LEASE) is None
        await run.release()
        assert (await claim(journal)).lane == "a"

    async def test_work_is_found_after_its_owner_died(self, journal: Journal, clock: Clock) -> None:
        await claim(journal, "a")
        await fill(journal, "a")
        clock.advance(LEASE)
        assert (await claim(journal)).lane == "a"

    async def test_by_name_also_an_empty_or_parked_or_resting_lane(self, journal: Journal) -> None:
        assert (await claim(journal, "made now")).epoch == 1
        await fill(journal, "parked")
        await fill(journal, "resting")
        parked, resting = await claim(journal, "parked"), await claim(journal, "resting")
        await parked.park("no credentials")
        await resting.later((await resting.take(1))[0], 100, BUSY)
        for run in (parked, resting):
            await run.release()
            assert await heads(await claim(journal, run.lane)) == []

    # ------------------------------------------------------------------ rest
    async def test_a_lane_rests_as_long_as_it_was_told_and_the_others_go_on(
        self, journal: Journal, clock: Clock
    ) -> None:
        first, _ = await fill(journal, "a", 2)
        await fill(journal, "b")
        run = await claim(journal, "a")
        await run.later((await run.take(1))[0], 30, BUSY)
        assert await run.take(1) == []
        await run.release()
        assert (await claim(journal)).lane == "b"
        assert await journal.claim(owner="me", lease=LEASE) is None
        clock.advance(29.5)
        assert await journal.claim(owner="me", lease=LEASE) is None
        clock.advance(0.5)
        again = (await (await claim(journal)).take(1))[0]
        assert (again.id, again.attempts, again.failure) == (first, 1, BUSY)

    async def test_a_rest_outlives_the_process(self, journal: Journal, clock: Clock) -> None:
        await fill(journal, "a")
        run = await claim(journal)
        await run.later((await run.take(1))[0], 30, BUSY)
        await run.release()
        await journal.close()
        await journal.open()
        await fill(journal, "a")
        assert await journal.claim(owner="me", lease=LEASE) is None
        assert (await view(journal, "a")).next_at == clock.now + 30
        clock.advance(30)
        assert (await claim(journal)).lane == "a"

    async def test_a_rest_goes_on_when_its_lease_has_run_out(self, journal: Journal, clock: Clock) -> None:
        await fill(journal, "a")
        run = await claim(journal)
        await run.later((await run.take(1))[0], LEASE * 2, BUSY)
        clock.advance(LEASE + 1)
        assert await journal.claim(owner="me", lease=LEASE) is None

    async def test_a_rest_outlives_the_delivery_that_caused_it(self, journal: Journal, clock: Clock) -> None:
        """The vendor asked for it, and whatever comes next would go to the same vendor."""
        await fill(journal, "a")
        run = await claim(journal)
        await run.later((await run.take(1))[0], 30, BUSY)
        await journal.cancel(Filter(), "not needed")
        await run.release()
        await fill(journal, "a")
        assert await journal.claim(owner="me", lease=LEASE) is None
        clock.advance(30)
        assert (await claim(journal)).lane == "a"

    # ------------------------------------------------------------------ parked
    async def test_a_parked_lane_keeps_everything_until_it_is_resumed(self, journal: Journal) -> None:
        queued = await fill(journal, "a", 2)
        run = await claim(journal)
        await run.park("the API key was revoked")
        assert await run.take(1) == []
        await run.release()
        queued += await fill(journal, "a")
        assert await journal.claim(owner="me", lease=LEASE) is None
        assert (await view(journal, "a")).parked == "the API key was revoked"
        assert await journal.resume("a") is True
        assert (await view(journal, "a")).parked is None
        assert await heads(await claim(journal)) == queued

    async def test_a_parked_lane_stays_parked_when_its_owner_dies(self, journal: Journal, clock: Clock) -> None:
        await fill(journal, "a")
        await (await claim(journal)).park("the plan ended")
        clock.advance(LEASE)
        assert await journal.claim(owner="next", lease=LEASE) is None

    async def test_resuming_ends_a_rest(self, journal: Journal) -> None:
        await fill(journal, "a")
        run = await claim(journal)
        await run.later((await run.take(1))[0], 3_600, BUSY)
        await run.release()
        assert await journal.resume("a") is True
        assert (await claim(journal)).lane == "a"

    async def test_resuming_takes_no_lane_from_its_owner(self, journal: Journal) -> None:
        await fill(journal, "a")
        run = await claim(journal)
        await run.park("why not")
        await journal.resume("a")
        assert await journal.claim(owner="next", lease=LEASE) is None
        assert len(await run.take(1)) == 1

    async def test_an_unknown_lane_is_not_resumed(self, journal: Journal) -> None:
        assert await journal.resume("a") is False
        assert await journal.lanes() == []

    # ------------------------------------------------------------------ whoever breaks down
    async def test_whoever_dies_while_it_delivers_leaves_a_breakdown_of_the_head(
        self, journal: Journal, clock: Clock
    ) -> None:
        first, second = await fill(journal, "a", 2)
        for count in range(3):
            run = await claim(journal)
            assert [(each.id, each.breakdowns) for each in await run.take(2)] == [(first, count), (second, 0)]
            assert (await view(journal, "a")).broken == count
            clock.advance(LEASE)
        run = await claim(journal)
        await run.set_aside((await run.take(1))[0], BUSY)
        assert (await view(journal, "a")).broken == 0, "the next one has broken nobody"
        clock.advance(LEASE)
        await claim(journal, "a")
        assert (await view(journal, "a")).broken == 1, "whoever takes over, and for whatever"

    async def test_breakdowns_outlive_the_process(self, journal: Journal, clock: Clock) -> None:
        await fill(journal, "a")
        await claim(journal)
        await journal.close()
        await journal.open()
        clock.advance(LEASE)
        await (await claim(journal)).release()
        await journal.close()
        await journal.open()
        assert (await view(journal, "a")).broken == 1

    @pytest.mark.parametrize("end", ["released", "excused", "by name"])
    async def test_no_breakdown_is_counted_where_nobody_broke_down(
        self, journal: Journal, clock: Clock, end: str
    ) -> None:
        await fill(journal, "a")
        run = await claim(journal, "a" if end == "by name" else None)
        if end == "released":
            await run.release()
        if end == "excused":
            await run.excuse()
        clock.advance(LEASE)
        await claim(journal)
        assert (await view(journal, "a")).broken == 0

    async def test_a_breakdown_is_counted_with_its_rest_and_forgotten_with_any_other(
        self, journal: Journal, clock: Clock
    ) -> None:
        await fill(journal, "a")
        for broke_down, count in ((True, 1), (True, 2), (False, 0), (True, 1)):
            run = await claim(journal)
            await run.later((await run.take(1))[0], 5, BUSY, broke_down=broke_down)
            await run.release()
            assert (await view(journal, "a")).broken == count
            clock.advance(5)
        assert [each.attempts for each in await journal.find(Filter())] == [4]

    async def test_what_may_have_arrived_of_a_delivery_that_is_set_aside_is_in_doubt(self, journal: Journal) -> None:
        await fill(journal, "a")
        run = await claim(journal)
        [delivery] = await run.take(1)
        await run.intend(KIND, [Intent(0, Sent(["x"]), delivery=delivery.id)])
        await run.set_aside(delivery, BUSY)
        await run.release()
        await (await claim(journal, "a")).take(1)
        assert await journal.known("a", KIND, ["x"]) == [Known(IN_DOUBT, 0.0)]

    # ------------------------------------------------------------------ tenants
    async def test_the_tenant_with_the_fewest_places_goes_first(self, journal: Journal, clock: Clock) -> None:
        for lane in ("a", "b", "@acme/a", "@other/a"):
            await fill(journal, lane)
            clock.advance(1)
        held: dict[str, int] = {"default": 1, "acme": 1}
        order = []
        for _ in range(4):
            run = await journal.claim(owner="me", lease=LEASE, places=Places(held))
            assert run is not None
            assert run.tenant == ("default" if run.lane in "ab" else run.lane[1:].partition("/")[0])
            held[run.tenant] = held.get(run.tenant, 0) + 1
            order.append(run.lane)
        assert order == ["@other/a", "a", "@acme/a", "b"]

    async def test_a_tenant_that_is_full_gets_no_place(self, journal: Journal, clock: Clock) -> None:
        await fill(journal, "a")
        await fill(journal, "@acme/a")
        one, none = Places({}, ["default"]), Places({}, ["default", "acme"])
        assert await journal.claim(owner="me", lease=LEASE, places=none) is None
        run = await journal.claim(owner="me", lease=LEASE, places=one)
        assert run is not None
        assert run.lane == "@acme/a"
        assert await journal.claim(owner="me", lease=LEASE, places=one) is None
        assert (await claim(journal)).lane == "a"

    # ------------------------------------------------------------------ as seen from outside
    async def test_lanes_are_shown_as_they_are(self, journal: Journal, clock: Clock) -> None:
        start = clock.now
        await fill(journal, "b", 3)
        clock.advance(1)
        await fill(journal, "a", 2)
        run = await claim(journal, "b", owner="host:1")
        await run.dead((await run.take(1))[0], BUSY)
        await run.done((await run.take(1))[0], "[]")
        assert await journal.lanes() == [
            LaneView("a", 2, start + 1, 0, 0, None, None, 0.0, None),
            LaneView("b", 1, start, 1, 1, "host:1", clock.now + LEASE, 0.0, None),
        ]
        await run.release()
        assert (await view(journal, "b")).owner is None
        assert await ids(journal, "dead") == [1]
