"""Snapshots that come in parts: durable, replaceable, ended once."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from tests.journal_contract.base import KIND, LEASE, JournalTests
from tests.support.clock import Clock

from proofport.errors import LaneLost
from proofport.journal.contract import Commit, Journal, NewSnapshot, OtherNumber, Part, SnapshotView

LIFE = 100.0
NEW = NewSnapshot("s1", "acme", KIND, ["@acme/prod", "@acme/test"], LIFE)
ONE = Part("one", 3, b"[\x00\xff]")
TWO = Part("two", 4, b"[]", "there is more", "hr", 2)


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
        await journal.abort_snapshot("s1")
        assert [each.id for each in await journal.snapshots()] == ["s3", "s2", "s1"]
        assert [each.id for each in await journal.snapshots(limit=1)] == ["s3"]
        assert [each.id for each in await journal.snapshots(tenant="acme")] == ["s3", "s1"]
        assert [each.id for each in await journal.snapshots(tenant="acme", state="open")] == ["s3"]
        assert [each.id for each in await journal.snapshots(state="aborted")] == ["s1"]

    async def test_one_that_was_given_up_takes_nothing_and_drops_its_parts(self, journal: Journal) -> None:
        await journal.open_snapshot(NEW)
        await journal.put_part("s1", ONE)
        assert await journal.abort_snapshot("s1")
        assert not await journal.abort_snapshot("s1")
        assert not await journal.put_part("s1", TWO)
        assert not await journal.commit_snapshot("s1", run_id="r", override=None)
        assert await journal.parts("s1") == []
        assert ((await seen(journal)).state, (await seen(journal)).records) == ("aborted", 3)

    async def test_one_that_is_committed_keeps_its_parts_and_takes_no_more(self, journal: Journal) -> None:
        await committed(journal)
        assert not await journal.commit_snapshot("s1", run_id="r2", override=None)
        assert not await journal.abort_snapshot("s1")
        assert not await journal.put_part("s1", TWO)
        assert await journal.parts("s1") == [ONE]

    async def test_one_that_was_delivered_drops_its_parts(self, journal: Journal) -> None:
        await committed(journal)
        await journal.end_commit(await taken(journal), "delivered", "{}")
        assert not await journal.put_part("s1", TWO)
        assert not await journal.commit_snapshot("s1", run_id="r2", override=None)
        assert await journal.parts("s1") == []
        assert ((await seen(journal)).state, (await seen(journal)).records) == ("delivered", 3)

    async def test_one_that_was_not_delivered_is_open_again_with_its_report(
        self, journal: Journal, clock: Clock
    ) -> None:
        await committed(journal)
        clock.advance(10 * LIFE)
        await journal.end_commit(await taken(journal), "open", '{"a": 1}')
        assert await journal.put_part("s1", TWO)
        found = await seen(journal)
        assert (found.state, found.report, found.expires) == ("open", '{"a": 1}', clock.now + LIFE)
        assert await journal.commit_snapshot("s1", run_id="r2", override="sold", without=["hr-us", "a\x00"])
        assert (await seen(journal)).report == '{"a": 1}'
        again = await taken(journal)
        assert (again.run_id, again.override, again.without) == ("r2", "sold", ["hr-us", "a\ufffd"])

    async def test_one_that_nobody_touches_expires(self, journal: Journal, clock: Clock) -> None:
        for name in ("s1", "s2", "s3"):
            await journal.open_snapshot(replace(NEW, id=name))
            await journal.put_part(name, ONE)
        await journal.commit_snapshot("s3", run_id="r", override=None)
        clock.advance(LIFE - 1)
        assert await journal.put_part("s2", TWO)
        clock.advance(1)
        assert [each.state for each in await journal.snapshots()] == ["committed", "open", "expired"]
        assert not await journal.put_part("s1", TWO)
        assert not await journal.commit_snapshot("s1", run_id="r", override=None)
        assert await journal.expire_snapshots() == 1
        assert await journal.expire_snapshots() == 0
        assert await journal.parts("s1") == []
        assert (await seen(journal)).state == "expired"
        assert len(await journal.parts("s2")) == 2
        assert len(await journal.parts("s3")) == 1
        assert [each.id for each in await journal.snapshots(state="expired")] == ["s1"]


class CommitTests(JournalTests):
    async def test_a_commit_says_what_it_is(self, journal: Journal) -> None:
        await committed(journal, override="the office was sold")
        await journal.close()
        await journal.open()
        commit = await taken(journal)
        assert (commit.snapshot, commit.run_id) == (await seen(journal), "r1")
        assert (commit.override, commit.epoch) == ("the office was sold", 1)

    async def test_with_another_number_of_records_nothing_is_committed(self, journal: Journal) -> None:
        await journal.open_snapshot(NEW)
        for part in (TWO, ONE, replace(ONE, skipped=1)):
            await journal.put_part("s1", part)
        for wrong in (0, 7, 9, 11):
            with pytest.raises(OtherNumber) as caught:
                await journal.commit_snapshot("s1", run_id="r", expected=wrong)
            assert (caught.value.found, caught.value.parts) == (10, 2)
        assert (await seen(journal)).state == "open"
        assert await journal.commit_snapshot("s1", run_id="r", expected=10)
        assert not await journal.commit_snapshot("s1", run_id="r", expected=11), "it is committed"

    async def test_none_may_be_expected(self, journal: Journal) -> None:
        await journal.open_snapshot(NEW)
        assert await journal.commit_snapshot("s1", run_id="r", expected=0)

    async def test_what_is_committed_is_what_was_counted(self, journal: Journal) -> None:
        """Parts come in at the same time."""
        for n in range(10):
            await journal.open_snapshot(replace(NEW, id=f"s{n}"))
            await journal.put_part(f"s{n}", ONE)
            commit = journal.commit_snapshot(f"s{n}", run_id=f"r{n}", expected=3)
            await asyncio.gather(journal.put_part(f"s{n}", TWO), commit, return_exceptions=True)
            held = sum(part.records + part.skipped for part in await journal.parts(f"s{n}"))
            assert ((await seen(journal, f"s{n}")).state, held) in [("committed", 3), ("open", 9)]

    async def test_what_is_open_is_not_claimed(self, journal: Journal) -> None:
        await journal.open_snapshot(NEW)
        assert await journal.claim_commit(owner="me", lease=LEASE) is None
        assert await journal.claim_commit(owner="me", lease=LEASE, snapshot="s1") is None

    async def test_one_process_has_it_at_a_time(self, journal: Journal, clock: Clock) -> None:
        await committed(journal)
        first = await taken(journal)
        assert await journal.claim_commit(owner="next", lease=LEASE) is None
        clock.advance(LEASE - 1)
        await journal.renew_commit(first, lease=LEASE)
        clock.advance(LEASE - 1)
        assert await journal.claim_commit(owner="next", lease=LEASE, snapshot="s1") is None
        clock.advance(1)
        second = await taken(journal)
        assert (second.epoch, second.run_id) == (2, "r1")

    async def test_deaths_are_counted_until_somebody_ends_it_or_gives_it_back(
        self, journal: Journal, clock: Clock
    ) -> None:
        await committed(journal)
        found = []
        for _ in range(3):
            found.append(commit := await taken(journal))
            clock.advance(LEASE)
        await journal.release_commit(commit)
        found.append(await taken(journal))
        clock.advance(LEASE)
        found.append(commit := await taken(journal))
        await journal.end_commit(commit, "open", "{}")
        assert await journal.commit_snapshot("s1", run_id="r2")
        found.append(await taken(journal))
        assert [each.breakdowns for each in found] == [0, 1, 2, 0, 1, 0]

    async def test_of_many_at_once_one_claims_it(self, journal: Journal) -> None:
        await committed(journal)
        claims = await asyncio.gather(*(journal.claim_commit(owner=f"{n}", lease=LEASE) for n in range(10)))
        assert len([claim for claim in claims if claim is not None]) == 1

    async def test_none_is_claimed_of_a_tenant_that_is_full(self, journal: Journal) -> None:
        await committed(journal)
        assert await journal.claim_commit(owner="me", lease=LEASE, full=["other", "acme"]) is None
        assert await journal.claim_commit(owner="me", lease=LEASE, full=["other"]) is not None

    async def test_the_oldest_is_claimed_first_or_the_one_that_is_named(self, journal: Journal) -> None:
        for name in ("s1", "s2", "s3"):
            await committed(journal, name)
        named = await journal.claim_commit(owner="me", lease=LEASE, snapshot="s2")
        assert named is not None
        assert [named.snapshot.id, (await taken(journal)).snapshot.id, (await taken(journal)).snapshot.id] == [
            "s2",
            "s1",
            "s3",
        ]

    async def test_who_lost_it_ends_nothing(self, journal: Journal, clock: Clock) -> None:
        await committed(journal)
        stale = await taken(journal)
        clock.advance(LEASE)
        current = await taken(journal)
        assert (stale.before, current.before) == (None, "me")
        with pytest.raises(LaneLost):
            await journal.renew_commit(stale, lease=LEASE)
        with pytest.raises(LaneLost):
            await journal.end_commit(stale, "delivered", "stale")
        await journal.release_commit(stale)
        assert await journal.claim_commit(owner="next", lease=LEASE) is None
        assert len(await journal.parts("s1")) == 1
        await journal.end_commit(current, "delivered", "{}")
        for late in (stale, current):
            with pytest.raises(LaneLost):
                await journal.end_commit(late, "open", "late")
        assert ((await seen(journal)).state, (await seen(journal)).report) == ("delivered", "{}")

    async def test_a_lease_that_has_run_out_is_good_while_nobody_else_wants_it(
        self, journal: Journal, clock: Clock
    ) -> None:
        await committed(journal)
        commit = await taken(journal)
        clock.advance(2 * LEASE)
        await journal.renew_commit(commit, lease=LEASE)
        assert await journal.claim_commit(owner="next", lease=LEASE) is None

    async def test_one_that_was_given_back_goes_to_the_next_at_once(self, journal: Journal) -> None:
        await committed(journal)
        first = await taken(journal)
        await journal.release_commit(first)
        with pytest.raises(LaneLost):
            await journal.end_commit(first, "delivered", "{}")
        assert (await taken(journal)).epoch == 2


async def committed(journal: Journal, name: str = "s1", *, override: str | None = None) -> None:
    await journal.open_snapshot(replace(NEW, id=name))
    assert await journal.put_part(name, ONE)
    assert await journal.commit_snapshot(name, run_id="r1", override=override)


async def taken(journal: Journal) -> Commit:
    commit = await journal.claim_commit(owner="me", lease=LEASE)
    assert commit is not None
    return commit
