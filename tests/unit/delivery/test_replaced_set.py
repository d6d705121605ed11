"""A set that replaces the vendor's, compared with the vendor's list."""

from __future__ import annotations

from contextlib import closing

from tests.unit.delivery.snapshots import TERMS, books_of
from tests.unit.delivery.support import ScriptedSender, TinyAdapter, WholeTiny, all_ok, batch, destination, listing

from proofport.adapter import Flow, Lists, Observed, Page
from proofport.delivery.ids.ids import IdStore
from proofport.delivery.report.report import Exit
from proofport.delivery.snapshot.replaced import ReplacedSet
from proofport.journal import open_journal

HELD = (Observed("kept"), Observed("direct", outside=True), Observed("ended", ended=True), Observed("gone"))


class ShownWhole(WholeTiny, Lists):
    lags = False

    def page(self, cursor: str | None) -> Flow[Page]:
        yield from ()
        return Page(HELD)


async def test_what_was_uploaded_directly_is_listed_apart() -> None:
    sender, journal = ScriptedSender(replace_records=all_ok), open_journal("memory:")
    await journal.open()
    tried = destination(sender, mode="snapshot", adapter=TinyAdapter(made=ShownWhole))
    books = await books_of(tried, journal)
    with closing(IdStore()) as ids:
        ids.add(["kept"], [1])
        await tried.take(batch("kept"))
        await tried.finish()
        await tried.run()
        assert not await ReplacedSet(tried, books, TERMS, ids, listing(tried, books, TERMS)).end(())
    await journal.close()
    assert (sender.calls, tried.report.exit) == ([], Exit.GUARD)
    assert tried.report.gone.ids == ["direct", "gone"]
    assert tried.report.outside.ids == ["direct"]
