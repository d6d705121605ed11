"""What every answer carries, and what none does."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.unit.relay.gate import Gate, gate

from proofport.config.relay import Limits, Rate
from proofport.relay.access.security import HEADERS, harden


@pytest.fixture
async def served() -> AsyncIterator[Gate]:
    async with gate(rate=Rate(per_minute=1, burst=6), limits=Limits(body_bytes=1024)) as served:
        yield served


async def test_every_answer_is_hardened(served: Gate) -> None:
    key = await served.key()
    answers = [
        await served.get(key),
        await served.get(),
        await served.get(key, "/none"),
        await served.get(key, "/broken"),
        await served.ask("PUT", "/documents", key),
        await served.ask("POST", "/documents", key, json=["x" * 2000]),
        await served.ask("POST", "/documents", key, json={}),
        await served.get(key),
    ]
    assert [status for status, _, _ in answers] == [200, 401, 404, 500, 405, 413, 200, 429]
    for _, headers, _ in answers:
        assert HEADERS.items() <= headers.items()
        assert "Server" not in headers
        assert not any("python" in value.lower() or "aiohttp" in value.lower() for value in headers.values())
        assert not any(name.startswith("Access-Control-") for name in headers), "no other site may read it"


def test_what_is_set_for_one_answer_stays() -> None:
    headers = {"Content-Security-Policy": "default-src 'self'", "Server": "Python/3.11 aiohttp/3"}
    harden(headers)
    assert headers == {**HEADERS, "Content-Security-Policy": "default-src 'self'"}


def test_no_answer_is_read_as_what_it_is_not_framed_or_kept() -> None:
    assert HEADERS["X-Content-Type-Options"] == "nosniff"
    assert HEADERS["Cache-Control"] == "no-store"
    assert HEADERS["Referrer-Policy"] == "no-referrer"
    assert HEADERS["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
