"""Bodies that are kept for what a vendor cannot be asked."""

from __future__ import annotations

from dataclasses import replace

from tests.journal_contract.base import KIND, JournalTests, claim, fill, view
from tests.journal_contract.known import push

from proofport.adapter import Tombstone
from proofport.journal.contract import IN_DOUBT, Filter, Journal, Kept, NewDelivery, Sent


class BodyTests(JournalTests):
    async def test_bodies_are_kept_where_they_are_given(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        await push(held, "r1", Sent(["x", "y", "z"], [1, 2, 3], items=[b"{1}", b"{\x00}", b""]))
        await push(held, "r2", Sent(["x", "y"], [4, 0], items=[b"{4}", b""]), Sent(["z"], [5]))
        assert await journal.bodies("a", KIND, ["y", "nobody", "x", "z"]) == [b"{\x00}", None, b"{4}", None]
        assert await journal.bodies("b", KIND, ["x"]) == [None]
        assert await journal.bodies("a", "device", ["x"]) == [None]

    async def test_of_what_was_removed_nothing_is_kept_but_that_it_was(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        await push(held, "r1", Sent(["x", "y", "z"], [1, 2, 3], items=[b"{x}", b"{y}", b""]))
        await push(held, "r2", Sent(["x", "z", "never"], [1, 1, 1]), mode="remove")
        assert await journal.bodies("a", KIND, ["x", "y", "z", "never"]) == [b"", b"{y}", None, None]
        gone = Kept("x", "r2", b"", removed=True)
        assert await journal.kept("a", KIND) == [gone, Kept("y", "r1", b"{y}")]
        await held.forget(KIND, ["y"])
        assert await journal.kept("a", KIND) == [gone, Kept("y", None, b"", removed=True)]
        await push(held, "r3", Sent(["x"], [4], items=[b"{back}"]))
        assert await journal.kept("a", KIND, limit=1) == [Kept("x", "r3", b"{back}")]

    async def test_they_name_the_queued_delivery_that_sent_or_removed_them(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        await push(held, "r1", Sent(["x"], [1], items=[b"{1}"]))
        new = NewDelivery("a", "here", KIND, "upsert", b"[]", 1)
        first, second = (await journal.accept([new, replace(new, mode="remove")])).ids
        upsert, removal = await held.take(2)
        await held.done(upsert, "[]", sent=Sent(["x"], [2], items=[b"{x}"]))
        assert await journal.kept("a", KIND) == [Kept("x", None, b"{x}", first)]
        await held.done(removal, "[]", sent=Sent(["x"], [3]))
        assert await journal.kept("a", KIND) == [Kept("x", None, b"", second, removed=True)]

    async def test_the_outcome_of_a_delivery_that_is_done_may_be_amended(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        ids = await fill(journal, "a", 2)
        await held.done((await held.take(1))[0], "first")
        for each in ids:
            await journal.amend_delivery(each, "second")
        assert [each.outcome for each in await journal.find(Filter())] == ["second", None]

    async def test_the_state_is_read_in_pages_with_the_run_of_each(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        await push(held, "r1", Sent(["c", "a", "b"], [1, 1, 1], items=[b"c", b"a", b"b"]), Sent(["d"], [1]))
        await push(held, "r2", Sent(["b"], [2], items=[b"B"]))
        assert await journal.kept("a", KIND, limit=2) == [Kept("a", "r1", b"a"), Kept("b", "r2", b"B")]
        assert await journal.kept("a", KIND, after="b") == [Kept("c", "r1", b"c")]

    async def test_the_report_of_a_run_that_has_ended_may_be_amended(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        await push(held, "r1", complete=None)
        await journal.amend("r1", "here", "too early")
        assert (await view(journal, "a")).owner == "me"
        await held.end("r1", complete=True, report="first")
        await journal.amend("r1", "elsewhere", "wrong")
        await journal.amend("r1", "here", "second")
        run = await journal.run("r1", "here")
        assert run is not None
        assert (run.report, run.state) == ("second", "complete")


class TombstoneTests(JournalTests):
    async def test_what_is_forgotten_as_gone_keeps_its_body_and_the_time(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        await push(held, "r1", Sent(["x", "y", "z"], [1, 2, 3], items=[b"{x}", b"{y}", b""]))
        await held.forget(KIND, ["x", "z", "nobody"], gone_at=100.25)
        await held.forget(KIND, ["y"])
        assert await journal.tombstones("a", KIND, since=0) == [Tombstone("x", b"{x}", 100.25)]
        assert await journal.tombstones("b", KIND, since=0) == []
        assert await journal.tombstones("a", "device", since=0) == []

    async def test_nothing_else_shows_a_tombstone(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        await push(held, "r1", Sent(["x", "y"], [1, 2], items=[b"{x}", b"{y}"]))
        await held.forget(KIND, ["x"], gone_at=5)
        await push(held, "r2", Sent(["y"], [2]))
        assert await journal.known("a", KIND, ["x"]) == [None]
        assert await journal.known_count("a", KIND) == 1
        assert await journal.gone("a", KIND, "r2") == []
        assert await journal.bodies("a", KIND, ["x"]) == [b""], "as of all that was removed"
        assert await journal.kept("a", KIND) == [Kept("x", None, b"", removed=True), Kept("y", "r1", b"{y}")]

    async def test_what_is_forgotten_without_a_time_has_no_tombstone_any_more(self, journal: Journal) -> None:
        held, texts = await claim(journal, "a"), ["x", "y"]
        await push(held, "r1", Sent(texts, [1, 2], items=[b"{x}", b"{y}"]))
        await held.forget(KIND, texts, gone_at=5)
        await held.forget("device", texts)
        await held.forget(KIND, ["x", "nobody"])
        assert await journal.tombstones("a", KIND, since=0) == [Tombstone("y", b"{y}", 5.0)]

    async def test_they_come_in_pages_and_in_the_order_of_their_ids(self, journal: Journal) -> None:
        held, texts = await claim(journal, "a"), ["b", "a\x00b", "ä", "🦆", "\uffff"]
        await push(held, "r1", Sent(texts, [7] * 5, items=[text.encode() for text in texts]))
        await held.forget(KIND, texts, gone_at=5)
        found = [each.id for each in await journal.tombstones("a", KIND, since=5)]
        assert found == sorted(texts)
        assert [each.id for each in await journal.tombstones("a", KIND, since=5, after="b", limit=2)] == found[2:4]

    async def test_an_old_one_is_not_shown_and_is_dropped_by_the_next_that_is_made(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        await push(held, "r1", Sent(["x", "y"], [1, 2], items=[b"{x}", b"{y}"]))
        await held.forget(KIND, ["x"], gone_at=5)
        assert [each.id for each in await journal.tombstones("a", KIND, since=5)] == ["x"]
        assert await journal.tombstones("a", KIND, since=5.5) == []
        await held.forget("device", [], gone_at=9, since=9)
        await held.forget(KIND, ["y"])
        assert [each.id for each in await journal.tombstones("a", KIND, since=0)] == ["x"]
        await held.forget(KIND, [], gone_at=9, since=5.5)
        assert await journal.tombstones("a", KIND, since=0) == []

    async def test_what_is_delivered_again_is_no_tombstone_any_more(self, journal: Journal) -> None:
        held, texts = await claim(journal, "a"), ["new", "same", "rejected", "unknown"]
        await push(held, "r1", Sent(texts, [7] * 4, items=[b"{}"] * 4))
        await held.forget(KIND, texts, gone_at=5)
        await push(held, "r2", Sent(texts, [8, 7, 0, IN_DOUBT], items=[b"{8}", b"", b"", b"{1}"]))
        assert [each.id for each in await journal.tombstones("a", KIND, since=0)] == ["rejected", "unknown"]
        await journal.accept([NewDelivery("a", "here", KIND, "upsert", b"[]", 1)])
        await held.done((await held.take(1))[0], "[]", sent=Sent(["unknown"], [9], items=[b"{9}"]))
        assert [each.id for each in await journal.tombstones("a", KIND, since=0)] == ["rejected"]
        await held.forget(KIND, ["new"], gone_at=6)
        assert (await journal.tombstones("a", KIND, since=0))[0] == Tombstone("new", b"{8}", 6.0)

    async def test_the_time_that_an_attempt_has_noted_first_counts(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        await push(held, "r1", Sent(["x", "y"], [1, 2], items=[b"{x}", b"{y}"]))
        assert await held.note_missing(KIND, ["x"], at=5.5) == [5.5]
        assert await journal.tombstones("a", KIND, since=0) == [], "it is not gone yet"
        assert await journal.known_count("a", KIND) == 2
        assert await journal.bodies("a", KIND, ["x"]) == [b"{x}"]
        await held.release()
        await journal.close()
        await journal.open()
        held = await claim(journal, "a")
        assert await held.note_missing(KIND, ["y", "x"], at=7) == [7.0, 5.5]
        await held.forget(KIND, ["x", "y"], gone_at=8, since=7)
        assert await journal.tombstones("a", KIND, since=0) == [Tombstone("y", b"{y}", 7.0)], "x went too long ago"

    async def test_what_was_back_meanwhile_is_missing_anew(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        await push(held, "r1", Sent(["x", "y", "z"], [1, 2, 3], items=[b"{x}", b"{y}", b"{z}"]))
        await held.note_missing(KIND, ["x", "y", "z"], at=5)
        await held.note_missing(KIND, ["y", "z"], at=6)
        await push(held, "r2", Sent(["z"], [3], items=[b"{z}"]))
        assert await held.note_missing(KIND, ["x", "y", "z"], at=7) == [7.0, 5.0, 7.0]

    async def test_a_tombstone_that_may_be_back_keeps_its_time(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        await push(held, "r1", Sent(["x"], [1], items=[b"{x}"]))
        await held.forget(KIND, ["x"], gone_at=5)
        await push(held, "r2", Sent(["x"], [IN_DOUBT], items=[b"{new}"]))
        assert await held.note_missing(KIND, ["x"], at=7) == [5.0]
        await held.note_missing(KIND, [], at=8)
        assert await journal.tombstones("a", KIND, since=0) == [Tombstone("x", b"{x}", 5.0)]
        await held.forget(KIND, ["x"], gone_at=9)
        assert await journal.tombstones("a", KIND, since=0) == [Tombstone("x", b"{new}", 5.0)]
