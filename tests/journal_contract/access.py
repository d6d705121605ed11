"""Keys of the relay, and whose work is whose."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.journal_contract.base import JournalTests, claim, fill
from tests.support.clock import Clock

from proofport.config.names import scoped
from proofport.journal.contract import AccessKey, Filter, Journal

WIDE = AccessKey("aaaa", "the webhook", "default", "scrypt:1", may_read=True, may_write=False, created=5.0)
NARROW = AccessKey("bbbb", "ci", "acme", "scrypt:2", False, True, 6.0, ["prod"], [], 9.5)


class AccessTests(JournalTests):
    async def test_a_key_is_kept_as_it_was_added(self, journal: Journal) -> None:
        assert await journal.add_access_key(WIDE)
        assert await journal.add_access_key(NARROW)
        await journal.close()
        await journal.open()
        assert await journal.access_key("aaaa") == WIDE
        assert await journal.access_key("bbbb") == NARROW
        assert await journal.access_key("cccc") is None
        assert await journal.access_keys() == [WIDE, NARROW]
        assert await journal.access_keys(tenant="acme") == [NARROW]
        assert await journal.access_keys(tenant="nobody") == []

    async def test_a_prefix_is_given_once(self, journal: Journal) -> None:
        assert await journal.add_access_key(WIDE)
        assert not await journal.add_access_key(replace(NARROW, prefix="aaaa"))
        assert await journal.access_keys() == [WIDE]

    async def test_the_first_revocation_counts(self, journal: Journal, clock: Clock) -> None:
        await journal.add_access_key(WIDE)
        await journal.add_access_key(NARROW)
        assert not await journal.revoke_access_key("cccc")
        when = clock.now
        for _ in range(2):
            assert await journal.revoke_access_key("aaaa")
            clock.advance(5)
        assert await journal.access_keys() == [replace(WIDE, revoked=when), NARROW]

    async def test_the_latest_use_is_kept(self, journal: Journal) -> None:
        await journal.add_access_key(WIDE)
        await journal.add_access_key(NARROW)
        await journal.note_access({"aaaa": 7.5, "cccc": 8.0})
        await journal.note_access({"aaaa": 7.0, "bbbb": 6.5})
        assert [key.used for key in await journal.access_keys()] == [7.5, 6.5]

    @pytest.mark.parametrize("tenant", ["acme", "acm", "default"])
    async def test_the_work_of_a_tenant_is_found_alone(self, journal: Journal, tenant: str) -> None:
        """Also where one name begins with another, and where a host is called like a tenant."""
        lanes = [scoped(each, f"{host}/1") for each in ("acme", "acm", "default") for host in ("acme", "api.example")]
        for lane in lanes:
            await fill(journal, lane, 2)
        run = await claim(journal, lanes[0])
        await run.done((await run.take(1))[0], "[]")
        found = await journal.find(Filter(tenant=tenant))
        assert [each.lane for each in found] == [
            lane for lane in lanes if lane in {scoped(tenant, "acme/1"), scoped(tenant, "api.example/1")} for _ in "12"
        ]
        assert len(await journal.find(Filter(tenant=tenant, state="queued"))) == (3 if tenant == "acme" else 4)
        assert await journal.cancel(Filter(tenant=tenant), "mistake") == (3 if tenant == "acme" else 4)
        assert len(await journal.find(Filter(state="queued"))) == (8 if tenant == "acme" else 7)
