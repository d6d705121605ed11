"""Bodies that are kept for what a vendor cannot be asked."""

from __future__ import annotations

from dataclasses import replace

from tests.journal_contract.base import KIND, JournalTests, claim, fill, view
from tests.journal_contract.known import push

from proofport.journal.contract import Filter, Journal, Kept, NewDelivery, Sent


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
