"""Retention: what is old goes, what anybody may still need stays, and nobody waits for it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter

from tests.journal_contract.base import KIND, JournalTests, claim, fill, ids, new
from tests.journal_contract.receipts import KEY, receipt_after
from tests.support.clock import Clock

from proofport.journal.contract import (
    PRUNABLE,
    Attempt,
    BatchDone,
    Delivery,
    Failure,
    Filter,
    IdempotencyRecord,
    Intent,
    Journal,
    NewRun,
    NewSnapshot,
    Part,
    Sent,
)

DAY = 86_400.0
SENT = Sent(["x", "y"], [7, 8], items=[b"x7", b"y8"])
DEAD = Failure("invalid", "[]")
REPORT = json.dumps(
    {"input": 1, "delivered": 1, "reasons": {"a": 1}, "gone": {"ids": ["x"]}, "problems": [{"id": "x"}]}
)


async def prune(journal: Journal, before: float, *, limit: int = 500, dry_run: bool = False) -> Counter[str]:
    """All that is old. How many rows went, by what they are."""
    gone: Counter[str] = Counter()
    for what in PRUNABLE:
        after: int | None = 0
        while after is not None:
            pruned = await journal.prune(what, before=before, after=after, limit=limit, dry_run=dry_run)
            gone.update({each.what: each.rows for each in pruned.dropped})
            after = pruned.after
    return gone


async def deliver(journal: Journal, lane: str = "a", n: int = 100) -> list[Delivery]:
    held = await claim(journal, lane)
    done = await held.take(n)
    for each in done:
        await held.done(each, "[]", sent=SENT)
        await held.attempted([Attempt("publish", 200, 0.1, 10, "d", "fine", each.created, None, each.id)])
    await held.release()
    return done


async def rows(journal: Journal) -> dict[str, int]:
    return {each.what: each.rows for each in (await journal.size()).holdings}


class RetentionTests(JournalTests):
    async def test_what_was_delivered_goes_once_it_is_old(self, journal: Journal, clock: Clock) -> None:
        await fill(journal, "a", 3)
        await deliver(journal)
        clock.advance(10 * DAY)
        young = await fill(journal, "a", 2)
        await deliver(journal)
        before = clock.now - DAY
        expected = {"deliveries": 3, "attempts": 3}
        assert await prune(journal, before, dry_run=True) == expected
        assert len(await ids(journal)) == 5
        assert await prune(journal, before) == expected
        assert await ids(journal) == young
        assert len(await journal.attempts(lane="a")) == 2
        assert await prune(journal, before) == {}
        # deduplication and the search for what is gone need this
        assert [each and each.body for each in await journal.known("a", KIND, ["x", "y"])] == [7, 8]
        assert await journal.bodies("a", KIND, ["x"]) == [b"x7"]
        assert [each.id for each in await journal.kept("a", KIND)] == ["x", "y"]
        assert await journal.damage() == []
        assert (await fill(journal, "a"))[0] > young[-1]

    async def test_what_waits_or_is_dead_stays_with_its_attempts(self, journal: Journal, clock: Clock) -> None:
        dead, queued, cancelled = [(await fill(journal, "a"))[0] for _ in range(3)]
        held = await claim(journal, "a")
        [head] = await held.take(1)
        await held.attempted([Attempt("publish", 422, 0.1, 10, "d", "no", clock.now, None, head.id)])
        await held.dead(head, DEAD, bodies=b"[null]")
        await held.release()
        await journal.cancel(Filter(ids=[cancelled]), "a mistake")
        clock.advance(100 * DAY)
        assert await prune(journal, clock.now) == {"deliveries": 1}
        assert await ids(journal) == [dead, queued]
        assert [each.message for each in await journal.attempts(lane="a")] == ["no"]

    async def test_a_dead_letter_that_was_replayed_is_as_old_as_that(self, journal: Journal, clock: Clock) -> None:
        [dead] = await fill(journal, "a")
        await journal.set_aside(Filter(ids=[dead]), DEAD)
        clock.advance(100 * DAY)
        [again] = await journal.replay(Filter(ids=[dead]))
        assert await prune(journal, clock.now) == {}
        clock.advance(1)
        assert await prune(journal, clock.now) == {"deliveries": 1}
        assert await ids(journal) == [again.id]

    async def test_a_key_is_known_as_long_as_its_submission(self, journal: Journal, clock: Clock) -> None:
        record = IdempotencyRecord("default", "k", b"digest", b"answer")
        other = IdempotencyRecord("default", "other", b"digest", b"answer")
        await journal.accept([new("c")], record=other)
        first = await journal.accept([new("a"), new("b"), new("a")], record=record)
        await deliver(journal, "a")
        clock.advance(100 * DAY)
        assert await prune(journal, clock.now) == {"attempts": 2}
        assert list((await journal.accept([new("a")], record=record)).ids) == list(first.ids)
        await deliver(journal, "b")
        clock.advance(1)
        gone = await prune(journal, clock.now, limit=2)  # the submission lies across windows
        assert gone == {"deliveries": 3, "answers to repeated submissions": 1, "attempts": 1}
        assert (await journal.accept([new("a")], record=record)).first is None
        assert (await journal.accept([new("c")], record=other)).first == other

    async def test_what_somebody_was_about_to_send_stays(self, journal: Journal, clock: Clock) -> None:
        [number] = await fill(journal, "a")
        held = await claim(journal, "a")
        await held.intend(KIND, [Intent(1, Sent(["x"]), b"d", number)])
        await journal.cancel(Filter(ids=[number]), "a mistake")
        clock.advance(100 * DAY)
        assert await prune(journal, clock.now) == {}

    async def test_of_a_run_the_counts_stay(self, journal: Journal, clock: Clock) -> None:
        held = await claim(journal, "a")
        for name, complete in (("r1", True), ("r2", False), ("r3", False)):
            await held.begin(NewRun(name, "here", KIND, "upsert"))
            await held.batch_done(name, BatchDone(1, 1, 1, 1, b"d", "[]", SENT))
            await held.attempted([Attempt("publish", 200, 0.1, 10, "d", name, clock.now, name)])
            await held.end(name, complete=complete, report=REPORT)
        clock.advance(100 * DAY)
        gone = await prune(journal, clock.now)
        assert gone == {"reports": 2, "batches of runs": 2, "attempts": 3}
        latest, *older = await journal.runs(lane="a")
        assert latest.report == REPORT, "it may be resumed"
        assert [batch.number for batch in (await journal.run("r3", "here")).batches] == [1]  # type: ignore[union-attr]
        assert [(run.run_id, run.state) for run in older] == [("r2", "ended"), ("r1", "complete")]
        for run in older:
            assert json.loads(run.report or "") == {"input": 1, "delivered": 1, "reasons": {"a": 1}}
        assert (await journal.run("r1", "here")).batches == []  # type: ignore[union-attr]
        assert await prune(journal, clock.now) == {}
        assert await journal.gone("a", KIND, "r3") == []
        assert await journal.damage() == []

    async def test_a_run_without_its_receipt_is_not_touched(self, journal: Journal, clock: Clock) -> None:
        held = await claim(journal, "a")
        await held.begin(NewRun("r1", "somewhere", KIND, "upsert", due=True))
        await held.batch_done("r1", BatchDone(1, 1, 1, 1, b"d", "[]", SENT))
        await held.attempted([Attempt("publish", 200, 0.1, 10, "d", "fine", clock.now, "r1")])
        await held.end("r1", complete=True, report=REPORT)
        clock.advance(100 * DAY)
        assert await prune(journal, clock.now) == {}
        assert await journal.add_receipt(receipt_after(await journal.log_head(), ids=b"x\n"), after=0)
        assert await prune(journal, clock.now) == {"reports": 1, "batches of runs": 1, "attempts": 1}
        assert await journal.receipt_file(0, "ids") == b"x\n"

    async def test_lists_of_plain_ids_go_and_receipts_stay(self, journal: Journal, clock: Clock) -> None:
        files = {"ids": b"digest", "ids.plain": b"u1"}
        for number in range(3):
            assert await journal.add_receipt(
                receipt_after(await journal.log_head(), f"r{number}", **files), after=number
            )
            clock.advance(10 * DAY)
        before = await journal.receipts()
        assert await prune(journal, clock.now - 15 * DAY) == {"lists of plain ids": 2}
        after = await journal.receipts()
        assert [each.files for each in after] == [["ids"], ["ids"], ["ids", "ids.plain"]]
        assert [each.envelope for each in after] == [each.envelope for each in before]
        assert await prune(journal, clock.now - 15 * DAY) == {}

    async def test_a_delivery_without_its_receipt_is_not_touched(self, journal: Journal, clock: Clock) -> None:
        await journal.add_receipt_key(KEY)
        await fill(journal, "a", 2)
        first, second = await deliver(journal)
        clock.advance(100 * DAY)
        assert (await prune(journal, clock.now))["deliveries"] == 0
        lane = await claim(journal, "a")
        assert await lane.add_receipt(receipt_after(await journal.log_head(), "deliveries"), [first.id], after=0)
        assert (await prune(journal, clock.now))["deliveries"] == 1
        assert [each.id for each in await lane.unreceipted(10)] == [second.id]

    async def test_a_run_that_is_open_is_not_touched(self, journal: Journal, clock: Clock) -> None:
        held = await claim(journal, "a")
        await held.begin(NewRun("r1", "here", KIND, "upsert"))
        await held.attempted([Attempt("publish", 200, 0.1, 10, "d", "fine", clock.now, "r1")])
        clock.advance(100 * DAY)
        assert await prune(journal, clock.now) == {}

    async def test_snapshots_go_once_they_have_ended(self, journal: Journal, clock: Clock) -> None:
        for name in ("expired", "aborted", "committed", "delivered"):
            await journal.open_snapshot(NewSnapshot(name, "default", KIND, ["here"], DAY))
            await journal.put_part(name, Part("1", 1, b"[]"))
        await journal.abort_snapshot("aborted")
        for name in ("committed", "delivered"):
            await journal.commit_snapshot(name, run_id=f"run-{name}")
        commit = await journal.claim_commit(owner="me", lease=60, snapshot="delivered")
        assert commit is not None
        await journal.end_commit(commit, "delivered", REPORT)
        clock.advance(100 * DAY)
        await journal.open_snapshot(NewSnapshot("open", "default", KIND, ["here"], DAY))
        await journal.expire_snapshots()
        assert await prune(journal, clock.now) == {"snapshots": 3}
        assert {each.id for each in await journal.snapshots()} == {"committed", "open"}
        assert len(await journal.parts("committed")) == 1

    async def test_tombstones_and_what_is_gone_stay(self, journal: Journal, clock: Clock) -> None:
        await fill(journal, "a")
        await deliver(journal)
        held = await claim(journal, "a")
        await held.forget(KIND, ["x"], gone_at=clock.now)
        clock.advance(100 * DAY)
        await prune(journal, clock.now)
        assert [each.id for each in await journal.tombstones("a", KIND, since=0)] == ["x"]
        assert [each and each.body for each in await journal.known("a", KIND, ["x", "y"])] == [None, 8]

    async def test_accepting_goes_on_while_pruning(self, journal: Journal, clock: Clock) -> None:
        await journal.accept([new("a", str(number)) for number in range(400)])
        await deliver(journal, "a", 400)
        clock.advance(DAY)
        pruning = asyncio.create_task(prune(journal, clock.now, limit=20))
        await asyncio.gather(*(fill(journal, "b") for _ in range(50)))
        assert (await pruning)["deliveries"] == 400
        assert len(await ids(journal)) == 50

    async def test_the_size_says_what_there_is(self, journal: Journal, clock: Clock) -> None:
        record = IdempotencyRecord("default", "k", b"digest", b"answer")
        await journal.accept([new("a"), new("a")], record=record)
        await deliver(journal, "a", 1)
        size = await journal.size()
        found = {each.what: (each.rows, each.bytes) for each in size.holdings}
        assert found["deliveries: done"] == found["deliveries: queued"] == (1, len(b'[{"id":"x"}]'))
        assert found["answers to repeated submissions"] == (1, 6)
        assert found["last bodies"] == (2, 4)
        assert found["attempts"] == (1, 4)
        assert size.bytes > sum(each.bytes for each in size.holdings)
        while await journal.give_space_back():
            pass
        assert await rows(journal) == {what: count for what, (count, _) in found.items()}
