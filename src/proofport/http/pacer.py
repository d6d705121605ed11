"""The request budget of a host. Vendors limit by source address, so all who share a journal share the budget."""

from __future__ import annotations

import asyncio

from proofport.adapter import Adapter
from proofport.http.retry import Sleep
from proofport.journal.contract import Registry

BURST = 10
"""The largest number of requests that go at once. For a small budget it is a tenth. The burst is part of the budget."""


class Pacer:
    """Spaces requests evenly after a small burst, so that no minute has more than the budget. 0: no limit."""

    def __init__(
        self,
        journal: Registry,
        key: str,
        budget: int,
        *,
        turn: asyncio.Lock | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`turn`: that of all who together have one share. None: a share of its own."""
        self._journal = journal
        self._key = key
        self._burst = min(BURST, max(1, budget // 10))
        self._per_minute = budget and max(1, budget - self._burst)
        self._sleep = sleep
        self._turn = turn or asyncio.Lock()

    @classmethod
    def of_host(
        cls, journal: Registry, adapter: Adapter, *, turn: asyncio.Lock | None = None, sleep: Sleep = asyncio.sleep
    ) -> Pacer:
        """The budget of the adapter's host: the configured one, else the adapter's."""
        configured = adapter.settings.requests_per_minute
        budget = adapter.default_requests_per_minute if configured is None else configured
        return cls(journal, adapter.origin, budget, turn=turn, sleep=sleep)

    async def permit(self) -> float:
        """Take a permit. Returns the seconds to wait before using it."""
        if not self._per_minute:
            return 0.0
        return await self._journal.permit(self._key, per_minute=self._per_minute, burst=self._burst)

    async def turn(self) -> None:
        """Take a permit and wait for it. Only one request waits at a time, so that whoever sends in parallel gets no
        larger share than the others."""
        async with self._turn:
            wait = await self.permit()
            if wait:
                await self._sleep(wait)


class Turns:
    """The turns at each host in this process, one a tenant: many lanes give a tenant no larger share of the budget."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, str], asyncio.Lock] = {}

    def of(self, tenant: str, origin: str) -> asyncio.Lock:
        return self._of.setdefault((tenant, origin), asyncio.Lock())
