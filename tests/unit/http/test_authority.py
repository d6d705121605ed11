"""Asking a time stamp authority that does not work at first."""

from __future__ import annotations

import pytest
from tests.support.authority import stamping
from tests.support.emulators import hanging

from proofport.errors import ProofportError, Retryable
from proofport.gateway import stamping as asking
from proofport.gateway.stamping import asked


async def test_an_authority_that_is_busy_is_asked_again() -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        authority.answers = lambda query: (200, query[::-1])

    with stamping() as authority:
        authority.answers = lambda query: (503, b"")
        assert await asked(authority.url, b"abc", 10.0, sleep=sleep) == b"cba"
        authority.answers = lambda query: (503, b"")
        with pytest.raises(Retryable, match="answered 503"):
            await asked(authority.url, b"abc", 0.5, sleep=sleep)
    assert pauses == [1.0]
    assert authority.queries == [b"abc"] * 3


async def test_all_attempts_together_have_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "SECONDS", 5.0)
    monkeypatch.setattr(asking, "LONGEST_WAIT", 0.1)
    async with hanging() as (origin, _):
        with pytest.raises(ProofportError, match=r"gave no answer within 0\.1 s"):
            await asked(origin, b"abc", 60.0)


async def test_one_attempt_has_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "SECONDS", 0.05)
    async with hanging() as (origin, _):
        with pytest.raises(Retryable, match=r"the authority gave no answer within 0\.05 s"):
            await asked(origin, b"abc", 0.0)
