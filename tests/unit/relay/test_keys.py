"""Keys: what the journal keeps of one, and who gets in with it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from tests.support.clock import Clock
from tests.support.journals import MemoryJournal

from proofport.journal.contract import AccessKey
from proofport.relay.access import keys
from proofport.relay.access.keys import RECHECK, KeyRing, Token, issue, parsed

ABOUT: Mapping[str, Any] = {"name": "test", "tenant": "default", "may_read": True, "may_write": True}


class CountingJournal(MemoryJournal):
    looks = 0

    async def access_key(self, prefix: str) -> AccessKey | None:
        self.looks += 1
        return await super().access_key(prefix)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def journal(clock: Clock) -> AsyncIterator[CountingJournal]:
    journal = CountingJournal(clock=clock)
    await journal.open()
    yield journal
    await journal.close()


@pytest.fixture
def ring(journal: CountingJournal, clock: Clock) -> KeyRing:
    return KeyRing(journal, clock=clock, timer=clock)


# ---------------------------------------------------------------------- one key
def test_a_token_is_read_as_it_is_written() -> None:
    token = keys.new_token()
    assert parsed(str(token)) == token
    assert len({str(keys.new_token()) for _ in range(100)}) == 100
    assert len(str(token)) < 80


def test_its_secret_is_in_no_repr() -> None:
    token = keys.new_token()
    assert token.secret not in repr(token)
    key = AccessKey(token.prefix, proof="sha256$...", created=0, **ABOUT)
    assert "sha256" not in repr(key)


@pytest.mark.parametrize(
    "change", ["pp_{0}_{1}x", "pp_{0}_", "pp{0}_{1}", "Pp_{0}_{1}", "pp_{0}_{1}\n", "", "pp__{1}", "é"]
)
def test_what_is_no_token(change: str) -> None:
    token = keys.new_token()
    assert parsed(change.format(token.prefix, token.secret)) is None


def test_the_proof_is_the_hash_of_the_secret_and_says_which() -> None:
    assert keys.proof_of("secret") == f"sha256${hashlib.sha256(b'secret').hexdigest()}"
    assert keys.proof_of("secreT") != keys.proof_of("secret")


async def test_only_the_proof_is_kept(journal: CountingJournal) -> None:
    token, key = await issue(journal, **ABOUT)
    assert token.secret not in str([getattr(key, name) for name in AccessKey.__slots__])
    assert key.proof == keys.proof_of(token.secret)


# ---------------------------------------------------------------------- finding
async def test_a_key_is_found_by_its_token_and_by_nothing_like_it(journal: CountingJournal, ring: KeyRing) -> None:
    token, key = await issue(journal, **ABOUT)
    other, _ = await issue(journal, **ABOUT)
    assert await ring.find(token) == key
    for wrong in (Token(token.prefix, other.secret), Token("aaaaaaaaaa", token.secret), keys.new_token()):
        assert await ring.find(wrong) is None
    assert await ring.find(token) == key


async def test_a_key_is_looked_up_once_in_a_while(journal: CountingJournal, ring: KeyRing, clock: Clock) -> None:
    token, key = await issue(journal, **ABOUT)
    assert [await ring.find(token) for _ in range(20)] == [key] * 20
    assert await ring.find(Token(token.prefix, keys.new_token().secret)) is None
    assert journal.looks == 1
    clock.advance(RECHECK)
    assert await ring.find(token) == key
    assert journal.looks == 2


async def test_a_key_of_an_earlier_version_is_refused(journal: CountingJournal, ring: KeyRing) -> None:
    token = keys.new_token()
    old = AccessKey(token.prefix, proof=f"scrypt$14$8$1${'00' * 16}${'00' * 32}", created=0, **ABOUT)
    await journal.add_access_key(old)
    assert await ring.find(token) is None
    assert keys.is_outdated(old)
    assert not keys.is_outdated((await issue(journal, **ABOUT))[1])


# ---------------------------------------------------------------------- the end of a key
async def test_a_revoked_key_is_refused_within_seconds(journal: CountingJournal, ring: KeyRing, clock: Clock) -> None:
    token, _ = await issue(journal, **ABOUT)
    assert await ring.find(token)
    await journal.revoke_access_key(token.prefix)
    clock.advance(RECHECK)
    assert RECHECK <= 5
    assert await ring.find(token) is None


async def test_a_revoked_key_is_refused_by_a_relay_that_never_saw_it(journal: CountingJournal, ring: KeyRing) -> None:
    token, _ = await issue(journal, **ABOUT)
    await journal.revoke_access_key(token.prefix)
    assert await ring.find(token) is None


async def test_a_key_expires_to_the_second_without_asking_the_journal(
    journal: CountingJournal, ring: KeyRing, clock: Clock
) -> None:
    token, key = await issue(journal, **ABOUT, expires=clock.now + 1)
    assert await ring.find(token) == key
    clock.advance(0.9)
    assert await ring.find(token) == key
    clock.advance(0.1)
    assert await ring.find(token) is None
    assert journal.looks == 1


# ---------------------------------------------------------------------- its use
async def test_uses_are_written_when_asked_for(journal: CountingJournal, ring: KeyRing, clock: Clock) -> None:
    token, _ = await issue(journal, **ABOUT)
    idle, _ = await issue(journal, **ABOUT)
    await ring.find(token)
    clock.advance(1)
    await ring.find(token)
    await ring.find(Token(idle.prefix, keys.new_token().secret))
    assert [key.used for key in await journal.access_keys()] == [None, None]
    when = clock.now
    clock.advance(1)
    await ring.note_uses()
    assert [key.used for key in await journal.access_keys()] == [when, None]


async def test_the_first_key_closes_the_door_within_seconds(
    journal: CountingJournal, ring: KeyRing, clock: Clock
) -> None:
    assert await ring.is_empty()
    token, _ = await issue(journal, **ABOUT)
    clock.advance(RECHECK)
    assert not await ring.is_empty()
    await journal.revoke_access_key(token.prefix)
    clock.advance(RECHECK)
    assert not await ring.is_empty(), "a revoked key does not open it again"
