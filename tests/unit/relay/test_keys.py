"""Keys: what is kept of one, who is let in with it, and what that costs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from tests.journal_contract import Clock
from tests.journals import MemoryJournal
from tests.unit.relay.gate import make_cheap

from proofport.journal.contract import AccessKey
from proofport.relay import keys
from proofport.relay.keys import RECHECK, KeyRing, Token, issue, parsed

ABOUT: Mapping[str, Any] = {"name": "test", "tenant": "default", "may_read": True, "may_write": True}


class CountingJournal(MemoryJournal):
    looks = 0

    async def access_key(self, prefix: str) -> AccessKey | None:
        self.looks += 1
        return await super().access_key(prefix)


class Proving:
    """Counts slow hashes, and keeps what each held a secret against."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.against: list[str] = []
        self._proves = keys.proves
        monkeypatch.setattr(keys, "proves", self)

    def __call__(self, secret: str, proof: str) -> bool:
        self.against.append(proof)
        return self._proves(secret, proof)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def proving(monkeypatch: pytest.MonkeyPatch) -> Proving:
    make_cheap(monkeypatch)
    return Proving(monkeypatch)


@pytest.fixture
async def journal(clock: Clock) -> AsyncIterator[CountingJournal]:
    journal = CountingJournal(clock=clock)
    await journal.open()
    yield journal
    await journal.close()


@pytest.fixture
def ring(journal: CountingJournal, clock: Clock, proving: Proving) -> KeyRing:
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
    key = AccessKey(token.prefix, proof="scrypt$...", created=0, **ABOUT)
    assert "scrypt" not in repr(key)


@pytest.mark.parametrize(
    "change", ["pp_{0}_{1}x", "pp_{0}_", "pp{0}_{1}", "Pp_{0}_{1}", "pp_{0}_{1}\n", "", "pp__{1}", "é"]
)
def test_what_is_no_token(change: str) -> None:
    token = keys.new_token()
    assert parsed(change.format(token.prefix, token.secret)) is None


def test_the_proof_is_slow_salted_and_says_what_it_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = keys.proof_of("secret"), keys.proof_of("secret")
    assert one != two
    assert one.split("$")[:4] == ["scrypt", "14", "8", "1"]
    assert keys.proves("secret", one)
    assert not keys.proves("secreT", one)
    make_cheap(monkeypatch)
    assert keys.proves("secret", two), "what was made at another cost is still good"


async def test_only_the_proof_is_kept(journal: CountingJournal) -> None:
    token, key = await issue(journal, **ABOUT)
    assert token.secret not in str([getattr(key, name) for name in AccessKey.__slots__])
    assert keys.proves(token.secret, key.proof)


# ---------------------------------------------------------------------- finding
async def test_a_key_is_found_by_its_token_and_by_nothing_like_it(journal: CountingJournal, ring: KeyRing) -> None:
    token, key = await issue(journal, **ABOUT)
    other, _ = await issue(journal, **ABOUT)
    assert await ring.find(token) == key
    for wrong in (Token(token.prefix, other.secret), Token("aaaaaaaaaa", token.secret), keys.new_token()):
        assert await ring.find(wrong) is None
    assert await ring.find(token) == key


async def test_an_unknown_prefix_costs_what_a_wrong_secret_costs(
    journal: CountingJournal, ring: KeyRing, proving: Proving
) -> None:
    token, key = await issue(journal, **ABOUT)
    await ring.find(Token(token.prefix, keys.new_token().secret))
    await ring.find(keys.new_token())
    wrong, unknown = (proof.split("$") for proof in proving.against)
    assert "$".join(wrong) == key.proof
    assert [len(part) for part in wrong] == [len(part) for part in unknown]
    assert wrong[:4] == unknown[:4]
    assert journal.looks == 2


def test_the_cost_of_an_unknown_prefix_is_that_of_a_new_key() -> None:
    assert keys.NOBODY.split("$")[:4] == keys.proof_of("secret").split("$")[:4]
    assert not keys.proves("secret", keys.NOBODY)


async def test_the_slow_hash_is_paid_once(
    journal: CountingJournal, ring: KeyRing, proving: Proving, clock: Clock
) -> None:
    token, key = await issue(journal, **ABOUT)
    found = await asyncio.gather(*(ring.find(token) for _ in range(20)))
    assert found == [key] * 20
    assert (len(proving.against), journal.looks) == (1, 1)
    clock.advance(3600)
    assert await ring.find(token) == key
    assert (len(proving.against), journal.looks) == (1, 2)


async def test_a_wrong_secret_is_held_against_the_proof_also_when_the_right_one_is_remembered(
    journal: CountingJournal, ring: KeyRing, proving: Proving
) -> None:
    token, key = await issue(journal, **ABOUT)
    await ring.find(token)
    assert await ring.find(Token(token.prefix, keys.new_token().secret)) is None
    assert await ring.find(token) == key
    assert len(proving.against) == 2


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
