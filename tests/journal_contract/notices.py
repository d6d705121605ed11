"""Notices: each cause once, a webhook's notices in their order, and nothing lost when it is opened again."""

from __future__ import annotations

from tests.journal_contract.base import JournalTests
from tests.support.clock import Clock

from proofport.journal.contract import Journal, NewCause

PARKED = NewCause("lane_parked:a", "lane_parked", '{"lane":"a"}')


class NoticeTests(JournalTests):
    async def test_a_cause_is_noted_once_with_a_notice_for_each_webhook(self, journal: Journal, clock: Clock) -> None:
        assert await journal.note_cause(PARKED, webhooks=[0, 2])
        assert not await journal.note_cause(PARKED, webhooks=[0, 2])
        await journal.close()
        await journal.open()
        [cause] = await journal.causes()
        assert (cause.key, cause.event, cause.content) == (PARKED.key, "lane_parked", '{"lane":"a"}')
        first, second = await journal.due_notices()
        assert (first.webhook, second.webhook) == (0, 2)
        assert (first.event, first.content, first.over, first.attempts) == ("lane_parked", '{"lane":"a"}', None, 0)
        assert first.since == cause.since

    async def test_its_end_is_told_after_its_beginning(self, journal: Journal, clock: Clock) -> None:
        assert not await journal.end_cause(PARKED.key, webhooks=[0])
        await journal.note_cause(PARKED, webhooks=[0])
        clock.advance(60)
        assert await journal.end_cause(PARKED.key, webhooks=[0])
        assert not await journal.end_cause(PARKED.key, webhooks=[0])
        assert await journal.causes() == []
        [begun] = await journal.due_notices()
        assert begun.over is None
        await journal.notice_later(begun.number, 30)
        assert await journal.due_notices() == []
        clock.advance(31)
        [again] = await journal.due_notices()
        assert (again.number, again.attempts) == (begun.number, 1)
        await journal.notice_sent(again.number)
        [over] = await journal.due_notices()
        assert over.over is not None
        assert over.over - over.since >= 60
        await journal.notice_sent(over.number)
        assert await journal.due_notices() == []

    async def test_webhooks_get_other_numbers(self, journal: Journal) -> None:
        await journal.note_cause(PARKED, webhooks=[0, 1, 2])
        await journal.renumber_webhooks({0: 2**30 + 5, 1: 2**31 - 1})
        assert sorted(each.webhook for each in await journal.due_notices()) == [2, 2**30 + 5, 2**31 - 1]

    async def test_a_webhook_that_waits_holds_up_no_other(self, journal: Journal) -> None:
        await journal.note_cause(PARKED, webhooks=[0, 1])
        await journal.note_cause(NewCause("full", "journal_nearly_full", "{}"), webhooks=[0, 1])
        slow, fast = await journal.due_notices()
        await journal.notice_later(slow.number, 60)
        await journal.notice_sent(fast.number)
        assert [(each.webhook, each.event) for each in await journal.due_notices()] == [(1, "journal_nearly_full")]
