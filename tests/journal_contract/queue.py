"""Queued deliveries: accepted once, kept in order, ended visibly."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest
from tests.journal_contract.base import KIND, JournalTests, claim, fill, heads, ids, new
from tests.support.clock import Clock

from proofport.errors import JournalError
from proofport.journal.contract import (
    Failure,
    Filter,
    IdempotencyRecord,
    Journal,
    NewDelivery,
    NewSnapshot,
    Part,
    Submitted,
)

WORN_OUT = Failure("vendor_unavailable", "three tries")
RECORD = IdempotencyRecord("default", "k", b"digest", b"answer")


class QueueTests(JournalTests):
    async def test_what_was_accepted_is_there_after_closing(self, journal: Journal, clock: Clock) -> None:
        accepted = await journal.accept([NewDelivery("a", "drain", KIND, "patch", b"[\x00\xff]", 3)])
        await journal.close()
        await journal.open()
        [found] = await journal.find(Filter())
        assert (found.id, found.lane, found.destination, found.kind) == (accepted.ids[0], "a", "drain", KIND)
        assert (found.mode, found.payload, found.records) == ("patch", b"[\x00\xff]", 3)
        assert (found.state, found.attempts, found.created, found.finished) == ("queued", 0, clock.now, None)
        assert (found.outcome, found.failure) == (None, None)

    async def test_order_is_the_order_of_acceptance(self, journal: Journal) -> None:
        accepted = (await journal.accept([new("a"), new("b"), new("a"), new("b")])).ids
        later = (await journal.accept([new("a")])).ids
        assert await heads(await claim(journal, "a")) == [accepted[0], accepted[2], later[0]]
        assert await ids(journal) == sorted({*accepted, *later})

    async def test_nothing_to_accept_is_accepted(self, journal: Journal) -> None:
        assert await journal.accept([]) == Submitted([])
        assert await journal.find(Filter()) == []

    async def test_nothing_is_accepted_by_a_closed_journal(self, journal: Journal) -> None:
        await journal.close()
        with pytest.raises(JournalError):
            await journal.accept([new()])

    async def test_finding_chooses_and_pages(self, journal: Journal) -> None:
        a, b = await fill(journal, "a", 3), await fill(journal, "b", 2)
        run = await claim(journal, "a")
        await run.done((await run.take(1))[0], "[]")
        assert await ids(journal, "queued", "a") == a[1:]
        assert await ids(journal, "queued") == [*a[1:], *b]
        assert await ids(journal, None, "b") == b
        assert await ids(journal, "done", "b") == await ids(journal, None, "nobody") == []
        assert [d.id for d in await journal.find(Filter(ids=[b[0], a[0], 999_999, 2**64, 10**25]))] == [a[0], b[0]]
        assert await journal.find(Filter(ids=[])) == []
        assert [d.id for d in await journal.find(Filter(), after=a[0], limit=2)] == a[1:]

    async def test_closing_brings_to_its_end_what_was_asked_before(self, journal: Journal) -> None:
        accepting = [asyncio.create_task(journal.accept([new()])) for _ in range(100)]
        await asyncio.sleep(0)
        await journal.close()
        accepted = [one.ids[0] for one in await asyncio.gather(*accepting)]
        await journal.open()
        assert await ids(journal, "queued") == sorted(accepted)

    # ------------------------------------------------------------------ the head and its end
    async def test_the_head_stays_the_head_until_it_ends(self, journal: Journal) -> None:
        first, second, third, fourth = await fill(journal, "a", 4)
        run = await claim(journal, "a")
        assert await heads(run, 2) == await heads(run, 2) == [first, second]
        await run.done((await run.take(1))[0], "[]")
        assert await heads(run) == [second, third, fourth]
        await run.dead((await run.take(1))[0], WORN_OUT)
        assert await heads(run) == [third, fourth]
        await journal.cancel(Filter(ids=[third]), "not needed")
        assert await heads(run) == [fourth]

    async def test_done_keeps_the_outcome(self, journal: Journal, clock: Clock) -> None:
        await fill(journal, "a")
        run = await claim(journal, "a")
        delivery = (await run.take(1))[0]
        clock.advance(5)
        await run.done(delivery, "all well")
        clock.advance(5)
        await run.done(delivery, "a second time")
        [found] = await journal.find(Filter(state="done"))
        assert (found.outcome, found.attempts, found.finished) == ("all well", 1, clock.now - 5)

    async def test_a_dead_delivery_says_why(self, journal: Journal, clock: Clock) -> None:
        await fill(journal, "a")
        run = await claim(journal, "a")
        await run.dead((await run.take(1))[0], WORN_OUT)
        [found] = await journal.find(Filter(state="dead"))
        assert (found.failure, found.attempts, found.finished) == (WORN_OUT, 1, clock.now)

    async def test_rejected_records_become_a_dead_delivery_of_their_own(self, journal: Journal) -> None:
        [whole] = await fill(journal, "a")
        run = await claim(journal, "a")
        await run.done((await run.take(1))[0], "[]", dead=(new("a", "bad"), Failure("rejected", "no region")))
        assert await ids(journal, "done") == [whole]
        [part] = await journal.find(Filter(state="dead"))
        assert (part.payload, part.failure) == (b'[{"id":"bad"}]', Failure("rejected", "no region"))
        assert await heads(run) == []

    async def test_they_count_the_attempts_of_the_delivery_they_were_part_of(self, journal: Journal) -> None:
        await fill(journal, "a")
        run = await claim(journal, "a")
        await run.later((await run.take(1))[0], 0, WORN_OUT)
        await run.done((await run.take(1))[0], "[]", dead=(new("a", "bad"), Failure("rejected")))
        assert [delivery.attempts for delivery in await journal.find(Filter())] == [2, 2]

    async def test_what_was_sent_of_a_dead_delivery_is_kept(self, journal: Journal) -> None:
        await fill(journal, "a", 2)
        run = await claim(journal, "a")
        one, two = await run.take(2)
        await run.dead(one, WORN_OUT, bodies=b"[\x00\xff]")
        await run.done(two, "[]", dead=(replace(new(), bodies=b"part"), WORN_OUT))
        await journal.close()
        await journal.open()
        assert [delivery.bodies for delivery in await journal.find(Filter())] == [b"[\x00\xff]", None, b"part"]

    async def test_delivered_wins_over_cancelled_and_cancelled_over_failed(self, journal: Journal) -> None:
        first, second, third = await fill(journal, "a", 3)
        run = await claim(journal, "a")
        one, two, three = await run.take(3)
        await journal.cancel(Filter(), "a mistake")
        await run.done(one, "[]")
        await run.dead(two, WORN_OUT)
        await run.later(three, 5, WORN_OUT)
        assert await ids(journal, "done") == [first]
        assert await ids(journal, "cancelled") == [second, third]

    # ------------------------------------------------------------------ cancel and replay
    async def test_cancelling_drops_what_has_not_ended_and_keeps_the_reason(self, journal: Journal) -> None:
        queued, dead, done = await fill(journal, "a", 3)
        run = await claim(journal, "a")
        deliveries = await run.take(3)
        await run.dead(deliveries[1], WORN_OUT)
        await run.done(deliveries[2], "[]")
        assert await journal.cancel(Filter(lane="b"), "not here") == 0
        assert await journal.cancel(Filter(lane="a"), 'sent by "hand"') == 2
        assert await journal.cancel(Filter(lane="a"), "again") == 0
        dropped = await journal.find(Filter(state="cancelled"))
        assert [delivery.id for delivery in dropped] == [queued, dead]
        assert [json.loads(delivery.outcome or "") for delivery in dropped] == [{"reason": 'sent by "hand"'}] * 2
        assert dropped[1].failure == WORN_OUT
        assert await ids(journal, "done") == [done]

    async def test_the_size_of_what_waits(self, journal: Journal) -> None:
        assert await journal.waiting_bytes() == {}
        sizes = (("a", 7), ("a", 100_000), ("@acme/b", 30))
        await journal.accept([NewDelivery(lane, "x", KIND, "upsert", b"x" * size, 1) for lane, size in sizes])
        assert await journal.waiting_bytes() == {"default": 100_007, "acme": 30}
        run = await claim(journal, "a")
        await run.done((await run.take(1))[0], "[]")
        await run.park("so it waits all the same")
        assert await journal.waiting_bytes() == {"default": 100_000, "acme": 30}
        await journal.cancel(Filter(lane="a"), "not needed")
        await journal.open_snapshot(NewSnapshot("s", "acme", KIND, ["x"], 60.0))
        await journal.put_part("s", Part("1", 1, b"x" * 500))
        assert await journal.waiting_bytes() == {"acme": 530}

    async def test_a_queued_delivery_is_set_aside_and_can_be_replayed(self, journal: Journal) -> None:
        first, second = await fill(journal, "a", 2)
        assert await journal.set_aside(Filter(ids=[first, 99]), Failure("set_aside", "it holds the others up")) == 1
        assert await journal.set_aside(Filter(ids=[first]), WORN_OUT) == 0, "it is set aside already"
        [letter] = await journal.find(Filter(state="dead"))
        assert (letter.id, letter.failure) == (first, Failure("set_aside", "it holds the others up"))
        assert await ids(journal, "queued") == [second]
        [again] = await journal.replay(Filter(ids=[first]))
        assert await heads(await claim(journal)) == [second, again.id]

    async def test_what_arrives_though_it_was_set_aside_meanwhile_is_done(self, journal: Journal) -> None:
        [number] = await fill(journal, "a")
        run = await claim(journal)
        [delivery] = await run.take(1)
        await journal.set_aside(Filter(ids=[number]), WORN_OUT)
        await run.done(delivery, "[]")
        assert await ids(journal, "done") == [number]

    async def test_replaying_accepts_the_dead_again_at_the_tail(self, journal: Journal) -> None:
        first, second, third = (await journal.accept([new(), new(), new()], record=RECORD)).ids
        run = await claim(journal, "a")
        for delivery in await run.take(2):
            await run.dead(delivery, WORN_OUT)
        replayed = await journal.replay(Filter(lane="a"))
        assert await heads(run) == [third, *(one.id for one in replayed)]
        assert not any(one.duplicate for one in replayed)
        old = await journal.find(Filter(state="cancelled"))
        assert [delivery.id for delivery in old] == [first, second]
        assert [json.loads(d.outcome or "") for d in old] == [{"replayed_as": one.id} for one in replayed]
        again = await run.take(3)
        assert (again[1].payload, again[1].attempts, again[1].failure) == (old[0].payload, 0, None)
        assert again[1].submission is None
        assert await journal.accept([new()], record=RECORD) == Submitted([first, second, third], RECORD)

    async def test_a_replay_as_it_was_takes_the_bodies_along(self, journal: Journal) -> None:
        await fill(journal, "a", 3)
        run = await claim(journal, "a")
        for delivery, bodies in zip(await run.take(3), (b"one", b"two", None), strict=True):
            await run.dead(delivery, WORN_OUT, bodies=bodies)
        first, second, third = await ids(journal)
        await journal.replay(Filter(ids=[second]))
        await journal.replay(Filter(ids=[first, third]), as_it_was=True)
        again = await run.take(3)
        assert [delivery.bodies for delivery in again] == [None, b"one", None]
        await run.later(again[0], 0, WORN_OUT)
        await run.later(again[1], 0, WORN_OUT)
        assert [delivery.bodies for delivery in await run.take(3)] == [None, b"one", None]
        await run.dead(again[1], WORN_OUT, bodies=b"new")
        assert [delivery.bodies for delivery in await journal.find(Filter(state="dead"))] == [b"new"]

    async def test_bodies_are_accepted_with_a_delivery(self, journal: Journal) -> None:
        await journal.accept([replace(new(), bodies=b"{}"), new()])
        await journal.accept([replace(new(), bodies=b"[]")])
        run = await claim(journal, "a")
        assert [delivery.bodies for delivery in await run.take(3)] == [b"{}", None, b"[]"]

    async def test_only_the_dead_are_replayed(self, journal: Journal) -> None:
        await fill(journal, "a", 2)
        run = await claim(journal, "a")
        await run.done((await run.take(1))[0], "[]")
        assert await journal.replay(Filter()) == []
        assert len(await ids(journal)) == 2

    async def test_a_replay_wakes_its_lane(self, journal: Journal) -> None:
        await fill(journal, "a")
        run = await claim(journal)
        await run.dead((await run.take(1))[0], WORN_OUT)
        await run.release()
        assert await journal.claim(owner="me", lease=1) is None
        await journal.replay(Filter())
        assert (await claim(journal)).lane == "a"
