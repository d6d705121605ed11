"""Receipts: one log without gaps, in which nothing is written twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from hashlib import sha256

import pytest
from tests.journal_contract.base import LEASE, JournalTests, claim, fill
from tests.support.clock import Clock

from proofport.errors import JournalError, LaneLost
from proofport.journal.contract import (
    Delivery,
    Failure,
    Filter,
    Journal,
    LogHead,
    NewReceipt,
    NewRun,
    ReceiptKey,
    Stamp,
)

KEY = ReceiptKey(b"1" * 32, 5.0)
RUN = NewRun("r1", "somewhere", "device", "upsert", due=True)


def receipt_after(head: LogHead, run_id: str = "r1", **files: bytes) -> NewReceipt:
    envelope = f"envelope of {run_id} after {head.size}".encode()
    digest = sha256(envelope).digest()
    leaf = sha256(b"\x00" + envelope).digest()
    return NewReceipt(head.branch, head.sequence + 1, run_id, "somewhere", leaf, digest, envelope, files)


async def one(journal: Journal, number: int) -> Delivery:
    [found] = await journal.find(Filter(ids=[number]))
    return found


class ReceiptTests(JournalTests):
    async def test_a_receipt_is_kept_with_its_files(self, journal: Journal, clock: Clock) -> None:
        head = await journal.log_head()
        assert (head.size, head.sequence, head.digest) == (0, 0, b"")
        new = receipt_after(head, exchanges=b"a\nb\n")
        assert await journal.add_receipt(new, after=0)
        await journal.close()
        await journal.open()
        [kept] = await journal.receipts()
        assert (kept.place, kept.name, kept.run_id, kept.at) == (0, f"{head.branch}-1", "r1", clock.now)
        assert (kept.envelope, kept.files) == (new.envelope, ["exchanges"])
        assert await journal.receipt_file(0, "exchanges") == b"a\nb\n"
        assert await journal.receipt_file(0, "ids") is None
        assert await journal.leaves() == [new.leaf]
        assert await journal.log_head() == LogHead(1, head.branch, 1, new.digest)

    async def test_the_slower_of_two_is_told_so(self, journal: Journal) -> None:
        head = await journal.log_head()
        new = [receipt_after(head, f"r{number}") for number in range(8)]
        added = await asyncio.gather(*(journal.add_receipt(each, after=0) for each in new))
        assert added.count(True) == 1
        assert len(await journal.receipts()) == 1

    async def test_a_gap_is_not_possible(self, journal: Journal) -> None:
        head = await journal.log_head()
        assert not await journal.add_receipt(receipt_after(replace(head, size=3)), after=3)
        assert await journal.receipts() == []

    async def test_a_run_has_one_receipt(self, journal: Journal) -> None:
        head = await journal.log_head()
        assert await journal.add_receipt(receipt_after(head), after=0)
        again = await journal.log_head()
        assert not await journal.add_receipt(receipt_after(again), after=1)
        assert await journal.add_receipt(receipt_after(again, "r2"), after=1)
        assert [each.run_id for each in await journal.receipts()] == ["r1", "r2"]
        assert [each.run_id for each in await journal.receipts(run_id="r2")] == ["r2"]
        assert [each.run_id for each in await journal.receipts(first=1)] == ["r2"]

    async def test_a_run_is_due_until_its_receipt(self, journal: Journal) -> None:
        lane = await claim(journal, "a")
        await lane.begin(RUN)
        await lane.begin(replace(RUN, run_id="r2", destination="elsewhere", due=False))
        assert await journal.due() == [("r1", "somewhere")]
        await lane.end("r1", complete=True, report="{}")
        await lane.end("r2", complete=True, report="{}")
        assert await journal.due() == [("r1", "somewhere")]
        assert await journal.add_receipt(receipt_after(await journal.log_head()), after=0)
        assert await journal.due() == []

    async def test_a_key_signs_until_the_next(self, journal: Journal) -> None:
        first, second = ReceiptKey(b"1" * 32, 5.0), ReceiptKey(b"2" * 32, 9.0, rotation=b"signed")
        await journal.add_receipt_key(first)
        await journal.add_receipt_key(replace(first, since=6.0))
        assert await journal.receipt_keys() == [first]
        await journal.add_receipt_key(second)
        assert await journal.receipt_keys() == [replace(first, until=9.0), second]

    async def test_texts_are_kept_by_their_digest(self, journal: Journal) -> None:
        await journal.keep_texts({"ab": "mapping: x", "cd": "y"})
        await journal.keep_texts({"ab": "mapping: x"})
        assert await journal.kept_text("ab") == "mapping: x"
        assert await journal.kept_text("ef") is None

    async def test_time_stamps_are_kept_by_the_size_of_the_log(self, journal: Journal) -> None:
        assert await journal.stamped() == 0
        stamps = [Stamp(size, 7.0, b"note %d" % size, b"answer") for size in (3, 1, 5)]
        for each in stamps:
            await journal.add_stamp(each)
        await journal.add_stamp(replace(stamps[0], note=b"of another process"))
        assert await journal.stamped() == 5
        assert await journal.stamps() == [stamps[1], stamps[0], stamps[2]]
        assert await journal.stamps(after=1, limit=1) == [stamps[0]]

    async def test_the_log_has_one_branch(self, journal: Journal) -> None:
        heads = await asyncio.gather(*(journal.log_head() for _ in range(4)))
        assert len({head.branch for head in heads}) == 1
        [branch] = await journal.branches()
        assert (branch.name, branch.size) == (heads[0].branch, 0)

    async def test_what_ends_in_the_queue_is_due_once_a_key_signs(self, journal: Journal) -> None:
        before, *later = await fill(journal, "a", 5)
        lane = await claim(journal, "a")
        await lane.done(await one(journal, before), "[]")
        await journal.add_receipt_key(KEY)
        await lane.done(await one(journal, later[0]), "[]")
        await lane.dead(await one(journal, later[1]), Failure("rejected"))
        await journal.cancel(Filter(ids=[later[2]]), "not wanted")
        await journal.cancel(Filter(ids=[later[1]]), "not wanted either")
        await journal.set_aside(Filter(ids=[later[3]]), Failure("set_aside"))
        assert [each.id for each in await lane.unreceipted(10)] == later
        assert [each.id for each in await lane.unreceipted(2, after=later[0])] == later[1:3]
        assert [(name, count) for name, count, _ in await journal.due_lanes()] == [("a", 4)]

    async def test_deliveries_name_their_receipt(self, journal: Journal) -> None:
        await journal.add_receipt_key(KEY)
        first, second = await fill(journal, "a", 2)
        lane = await claim(journal, "a")
        for number in (first, second):
            await lane.done(await one(journal, number), "[]")
        head = await journal.log_head()
        assert await lane.add_receipt(receipt_after(head, "deliveries"), [first], after=0)
        assert (await one(journal, first)).receipt == f"{head.branch}-1"
        assert (await one(journal, second)).receipt is None
        assert [each.id for each in await lane.unreceipted(10)] == [second]

    async def test_no_delivery_has_two_receipts(self, journal: Journal) -> None:
        """Nothing is written where one of them has a receipt, has not ended, or is in another lane."""
        await journal.add_receipt_key(KEY)
        ended, queued, _ = await fill(journal, "a", 3)
        [other] = await fill(journal, "b")
        lane = await claim(journal, "a")
        await lane.done(await one(journal, ended), "[]")
        assert await lane.add_receipt(receipt_after(await journal.log_head(), "d1"), [ended], after=0)
        for number in (ended, queued, other):
            with pytest.raises(JournalError):
                await lane.add_receipt(receipt_after(await journal.log_head(), "d2"), [number], after=1)
        assert len(await journal.receipts()) == 1

    async def test_only_who_holds_the_lane_writes_its_receipt(self, journal: Journal, clock: Clock) -> None:
        await journal.add_receipt_key(KEY)
        [number] = await fill(journal, "a")
        lane = await claim(journal, "a")
        await lane.done(await one(journal, number), "[]")
        clock.now += 2 * LEASE
        next_one = await claim(journal, "a", owner="next")
        new = receipt_after(await journal.log_head(), "d1")
        with pytest.raises(LaneLost):
            await lane.add_receipt(new, [number], after=0)
        assert await next_one.add_receipt(new, [number], after=0)
