"""Asking a time stamp authority that does not work at first."""

from __future__ import annotations

import pytest
from tests.support.authority import stamping

from proofport.errors import Retryable
from proofport.http.authority import asked


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
