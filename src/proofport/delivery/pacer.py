"""The request budget of a vendor's host. Vendors limit by source address, so all who share a journal share it."""

from __future__ import annotations

from proofport.adapter import Adapter
from proofport.journal.contract import Journal

BURST = 10
"""At most so many requests at once, and of a small budget a tenth; what goes at once is a part of the budget."""


class Pacer:
    """Spaces requests to a host, evenly after a small burst, so that no minute holds more than the budget."""

    def __init__(self, journal: Journal, adapter: Adapter) -> None:
        configured = adapter.settings.requests_per_minute
        budget = adapter.default_requests_per_minute if configured is None else configured
        self._burst = min(BURST, max(1, budget // 10))
        self._per_minute = budget and max(1, budget - self._burst)
        self._journal = journal
        self._host = adapter.origin

    async def permit(self) -> float:
        """Take a permit; the seconds to wait before using it."""
        if not self._per_minute:
            return 0.0
        return await self._journal.permit(self._host, per_minute=self._per_minute, burst=self._burst)
