"""Taking one id out: its bodies and words go, and all of others stays."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from tests.journal_contract.base import KIND, JournalTests, claim, fill
from tests.journal_contract.receipts import receipt_after
from tests.support.clock import Clock

from proofport.journal.contract import (
    Attempt,
    BatchDone,
    Failure,
    Filter,
    IdempotencyRecord,
    Intent,
    Journal,
    NewDelivery,
    NewRun,
    NewSnapshot,
    Sent,
    Standing,
)


def hidden(text: str) -> str:
    return re.sub(r'"x"', '"?"', text)


class ErasingTests(JournalTests):
    async def test_the_body_goes_and_what_finds_the_gone_stays(self, journal: Journal, clock: Clock) -> None:
        held = await claim(journal, "a")
        await held.begin(NewRun("r1", "here", KIND, "upsert"))
        sent = Sent(["x", "y", "left"], [7, 8, 9], items=[b"x7", b"y8", b"left9"])
        await held.batch_done("r1", BatchDone(1, 1, 3, 3, b"d", "[]", sent))
        await held.forget(KIND, ["left"], gone_at=clock.now)
        places = await journal.standing(["x", "left", "unknown"])
        assert places == [
            Standing("a", KIND, "left", 0, has_body=True, is_gone=True),
            Standing("a", KIND, "x", 7, has_body=True, is_gone=False),
        ]
        await journal.erase_bodies(places)
        assert await journal.bodies("a", KIND, ["x", "y", "left"]) == [None, b"y8", None]
        assert [each and each.body for each in await journal.known("a", KIND, ["x", "y", "left"])] == [7, 8, None]
        assert [(each.id, each.body) for each in await journal.tombstones("a", KIND, since=0)] == [("left", b"left9")]
        await held.begin(NewRun("r2", "here", KIND, "upsert"))
        assert await journal.gone("a", KIND, "r2") == ["x", "y"]
        assert await journal.damage() == []

    async def test_the_content_of_a_delivery_is_replaced_unless_it_has_changed(self, journal: Journal) -> None:
        [number] = (await journal.accept([NewDelivery("a", "here", KIND, "upsert", b"[1,2]", 2)])).ids
        await journal.set_aside(Filter(ids=[number]), Failure("invalid", "[1,2]"))
        [dead] = await journal.find(Filter())
        less = replace(dead, payload=b"[2]", records=1, failure=Failure("invalid", "[2]"), bodies=b"[null]")
        assert await journal.erase_records(dead, less)
        [now] = await journal.find(Filter())
        assert (now.payload, now.records, now.failure, now.bodies) == (b"[2]", 1, less.failure, b"[null]")
        assert not await journal.erase_records(dead, less)
        await journal.replay(Filter(ids=[number]))
        assert not await journal.erase_records(now, less)

    async def test_what_is_about_to_be_sent_is_known(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        await held.intend(KIND, [Intent(1, Sent(["x", "y"]), b"d", 5)])
        assert [list(each.ids) for each in await journal.intended()] == [["x", "y"]]

    async def test_calls_go_by_delivery_and_by_what_they_say(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        says = [(1, "fine"), (2, "fine"), (3, 'no "x"'), (3, "no extra")]
        await held.attempted([Attempt("publish", 422, 0.1, 10, "d", text, 5.0, None, number) for number, text in says])
        assert await journal.erase_attempts([1], "x", lambda text: '"x"' in text) == 2
        left = [(each.delivery, each.message) for each in await journal.attempts(lane="a")]
        assert left == [(3, "no extra"), (2, "fine")]

    async def test_words_are_changed_where_they_stand(self, journal: Journal) -> None:
        await fill(journal, "a")
        held = await claim(journal, "a")
        for name, text in (("r1", '["x"]'), ("r2", '["max"]')):
            await held.begin(NewRun(name, "here", KIND, "upsert"))
            await held.batch_done(name, BatchDone(1, 1, 1, 1, b"d", text))
            await held.end(name, complete=True, report=text)
        record = IdempotencyRecord("default", "k", b"digest", b'{"refused":"x"}')
        await journal.accept([NewDelivery("a", "here", KIND, "upsert", b"[]", 1)], record=record)
        await journal.open_snapshot(NewSnapshot("s", "default", KIND, ["here"], 60))
        await journal.commit_snapshot("s", run_id="s")
        commit = await journal.claim_commit(owner="me", lease=60)
        assert commit is not None
        await journal.end_commit(commit, "delivered", '{"gone":["x"]}')
        assert await journal.erase_words("x", hidden) == 4
        latest, first = await journal.runs(lane="a")
        assert (first.report, latest.report) == ('["?"]', '["max"]')
        assert (await journal.run("r1", "here")).batches[0].outcomes == '["?"]'  # type: ignore[union-attr]
        assert json.loads((await journal.snapshot("s")).report or "") == {"gone": ["?"]}  # type: ignore[union-attr]
        again = await journal.accept([NewDelivery("a", "here", KIND, "upsert", b"[]", 1)], record=record)
        assert again.first is not None
        assert again.first.answer == b'{"refused":"?"}'

    async def test_a_file_beside_a_receipt_is_replaced(self, journal: Journal) -> None:
        new = receipt_after(await journal.log_head(), plain=b"x\ny\n", ids=b"digest")
        assert await journal.add_receipt(new, after=0)
        await journal.put_receipt_file(0, "plain", b"y\n")
        assert await journal.receipt_file(0, "plain") == b"y\n"
        assert await journal.receipt_file(0, "ids") == b"digest"
        assert [each.envelope for each in await journal.receipts()] == [new.envelope]
