"""Snapshots that come in parts: durable, replaceable, ended once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.journal_contract.base import KIND, Clock, JournalTests

from proofport.journal.contract import Journal
from proofport.journal.snapshots import NewSnapshot, Part, SnapshotState, SnapshotView

LIFE = 100.0
NEW = NewSnapshot("s1", "acme", KIND, ["@acme/prod", "@acme/test"], LIFE)
ONE = Part("one", 3, b"[\x00\xff]")
TWO = Part("two", 4, b"[]", "there is more")


async def seen(journal: Journal, snapshot: str = "s1") -> SnapshotView:
    found = await journal.snapshot(snapshot)
    assert found is not None
    return found


class SnapshotTests(JournalTests):
    async def test_a_snapshot_and_its_parts_are_there_after_closing(self, journal: Journal, clock: Clock) -> None:
        await journal.open_snapshot(NEW)
        clock.advance(5)
        assert await journal.put_part("s1", TWO)
        assert await journal.put_part("s1", ONE)
        await journal.close()
        await journal.open()
        assert await seen(journal) == SnapshotView(
            "s1", "acme", KIND, ["@acme/prod", "@acme/test"], "open", clock.now - 5, clock.now + LIFE, 2, 7
        )
        assert await journal.parts("s1") == [ONE, TWO]
        assert await journal.parts("s1", after="one") == [TWO]
        assert await journal.parts("s1", limit=1) == [ONE]
        assert await journal.snapshot("other") is None
        assert await journal.parts("other") == []

    async def test_a_part_of_the_same_name_is_replaced(self, journal: Journal) -> None:
        await journal.open_snapshot(NEW)
        for part in (ONE, TWO, replace(ONE, records=5, payload=b"[1]")):
            assert await journal.put_part("s1", part)
        assert ((await seen(journal)).parts, (await seen(journal)).records) == (2, 9)
        assert [part.payload for part in await journal.parts("s1")] == [b"[1]", b"[]"]

    async def test_they_are_listed_the_latest_first(self, journal: Journal) -> None:
        for name, tenant in (("s1", "acme"), ("s2", "default"), ("s3", "acme")):
            await journal.open_snapshot(replace(NEW, id=name, tenant=tenant))
        await journal.move_snapshot("s1", "open", "aborted")
        assert [each.id for each in await journal.snapshots()] == ["s3", "s2", "s1"]
        assert [each.id for each in await journal.snapshots(limit=1)] == ["s3"]
        assert [each.id for each in await journal.snapshots(tenant="acme")] == ["s3", "s1"]
        assert [each.id for each in await journal.snapshots(tenant="acme", state="open")] == ["s3"]
        assert [each.id for each in await journal.snapshots(state="aborted")] == ["s1"]

    @pytest.mark.parametrize("end", ["delivered", "aborted"])
    async def test_one_that_has_ended_takes_nothing_and_drops_its_parts(
        self, journal: Journal, end: SnapshotState
    ) -> None:
        await journal.open_snapshot(NEW)
        await journal.put_part("s1", ONE)
        assert await journal.move_snapshot("s1", "open", end)
        assert not await journal.put_part("s1", TWO)
        assert not await journal.move_snapshot("s1", "open", "committed")
        assert await journal.parts("s1") == []
        assert ((await seen(journal)).state, (await seen(journal)).records) == (end, 3)

    async def test_one_that_is_committed_keeps_its_parts_and_takes_no_more(self, journal: Journal) -> None:
        await journal.open_snapshot(NEW)
        await journal.put_part("s1", ONE)
        assert await journal.move_snapshot("s1", "open", "committed")
        assert not await journal.move_snapshot("s1", "open", "aborted")
        assert not await journal.put_part("s1", TWO)
        assert await journal.parts("s1") == [ONE]

    async def test_one_that_was_not_delivered_is_open_again_with_its_report(
        self, journal: Journal, clock: Clock
    ) -> None:
        await journal.open_snapshot(NEW)
        await journal.put_part("s1", ONE)
        await journal.move_snapshot("s1", "open", "committed")
        clock.advance(10 * LIFE)
        assert await journal.move_snapshot("s1", "committed", "open", report='{"a": 1}')
        assert await journal.put_part("s1", TWO)
        found = await seen(journal)
        assert (found.state, found.report, found.expires) == ("open", '{"a": 1}', clock.now + LIFE)
        await journal.move_snapshot("s1", "open", "committed")
        assert (await seen(journal)).report == '{"a": 1}'

    async def test_one_that_nobody_touches_expires(self, journal: Journal, clock: Clock) -> None:
        for name in ("s1", "s2", "s3"):
            await journal.open_snapshot(replace(NEW, id=name))
            await journal.put_part(name, ONE)
        await journal.move_snapshot("s3", "open", "committed")
        clock.advance(LIFE - 1)
        assert await journal.put_part("s2", TWO)
        clock.advance(1)
        assert [each.state for each in await journal.snapshots()] == ["committed", "open", "expired"]
        assert not await journal.put_part("s1", TWO)
        assert not await journal.move_snapshot("s1", "open", "committed")
        assert await journal.expire_snapshots() == 1
        assert await journal.expire_snapshots() == 0
        assert await journal.parts("s1") == []
        assert (await seen(journal)).state == "expired"
        assert len(await journal.parts("s2")) == 2
        assert len(await journal.parts("s3")) == 1
        assert [each.id for each in await journal.snapshots(state="expired")] == ["s1"]
