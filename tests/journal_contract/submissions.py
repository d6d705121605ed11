"""Submissions: what came together, and only once; and finding deliveries as their callers ask for them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from tests.journal_contract.base import JournalTests, claim, new

from proofport.journal.contract import Failure, Filter, IdempotencyRecord, Journal, NewDelivery, Submitted

RECORD = IdempotencyRecord("default", "k", b"\x00digest", b'{"answer": 1}')


class SubmissionTests(JournalTests):
    async def test_what_was_submitted_together_is_found_by_its_first_id(self, journal: Journal) -> None:
        one = await journal.accept([new("a"), new("b"), new("a")])
        two = await journal.accept([new("b")])
        assert one.first is two.first is None
        assert sorted(one.ids) == list(one.ids)
        await journal.close()
        await journal.open()
        for submitted in (one, two):
            found = await journal.find(Filter(submission=submitted.ids[0]))
            assert [delivery.id for delivery in found] == list(submitted.ids)
            assert {delivery.submission for delivery in found} == {submitted.ids[0]}

    async def test_a_submission_of_many_lanes_is_in_the_order_of_each(self, journal: Journal) -> None:
        submitted = await journal.accept([new("a"), new("b"), new("a")])
        later = await journal.accept([new("a")])
        run = await claim(journal, "a")
        assert [d.id for d in await run.take(9)] == [submitted.ids[0], submitted.ids[2], later.ids[0]]

    async def test_a_submission_wakes_its_lane(self, journal: Journal) -> None:
        await journal.accept([new("a")])
        assert (await claim(journal)).lane == "a"

    async def test_a_key_gives_the_first_answer_again_and_accepts_nothing(self, journal: Journal) -> None:
        first = await journal.accept([new("a"), new("b")], record=RECORD)
        assert first.first is None
        await journal.close()
        await journal.open()
        other = replace(RECORD, digest=b"other", answer=b"other")
        for again in (RECORD, other):
            assert await journal.accept([new("c")], record=again) == Submitted(first.ids, RECORD)
        assert len(await journal.find(Filter())) == 2

    async def test_keys_belong_to_their_tenant(self, journal: Journal) -> None:
        one = await journal.accept([new()], record=RECORD)
        two = await journal.accept([new()], record=replace(RECORD, tenant="acme"))
        assert two.first is None
        assert set(one.ids).isdisjoint(two.ids)

    async def test_of_many_at_once_under_one_key_one_is_accepted(self, journal: Journal) -> None:
        submitted = await asyncio.gather(*[journal.accept([new()], record=RECORD) for _ in range(20)])
        assert len(await journal.find(Filter())) == 1
        assert [each.first for each in submitted].count(None) == 1
        assert len({each.ids[0] for each in submitted}) == 1

    async def test_a_dead_letter_is_no_part_of_the_submission(self, journal: Journal) -> None:
        submitted = await journal.accept([new("a")])
        run = await claim(journal, "a")
        [delivery] = await run.take(1)
        await run.done(delivery, "[]", dead=(new("a", "bad"), Failure("rejected")))
        assert [d.id for d in await journal.find(Filter(submission=submitted.ids[0]))] == list(submitted.ids)

    async def test_they_are_found_by_destination_and_kind(self, journal: Journal) -> None:
        made = [(d, k) for d in ("one", "two", "three") for k in ("device", "person")]
        await journal.accept([NewDelivery("a", d, k, "upsert", b"[]", 0) for d, k in made])

        async def found(chosen: Filter) -> list[tuple[str, str]]:
            return [(each.destination, each.kind) for each in await journal.find(chosen)]

        assert await found(Filter(destinations=["one", "three"], kinds=["person"])) == [
            ("one", "person"),
            ("three", "person"),
        ]
        assert await found(Filter(destinations=["two"])) == [("two", "device"), ("two", "person")]
        assert await found(Filter(kinds=[])) == await found(Filter(destinations=[])) == []

    async def test_the_latest_come_first_when_they_are_asked_for_from_the_end(self, journal: Journal) -> None:
        ids = list((await journal.accept([new(lane) for lane in "abab"])).ids)
        end = ids[-1] + 1
        assert [d.id for d in await journal.find(Filter(), before=end)] == ids[::-1]
        assert [d.id for d in await journal.find(Filter(), before=ids[3], limit=2)] == [ids[2], ids[1]]
        assert [d.id for d in await journal.find(Filter(lane="a"), before=end, limit=1)] == [ids[2]]
        assert await journal.find(Filter(), before=ids[0]) == []
