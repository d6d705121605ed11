"""Refuses evidence while there is more than can be delivered soon, or no room to keep it."""

from __future__ import annotations

from proofport.config.relay import Overload
from proofport.logs import get_logger
from proofport.relay.backlog import Backlog, View
from proofport.relay.problems import ProblemError

RETRY_AFTER = 30
"""Seconds: a queue that is too long has not become short a moment later."""

log = get_logger("relay")


class Backpressure:
    """Only what brings evidence is refused: whoever looks, resumes or replays makes the queue shorter."""

    def __init__(self, backlog: Backlog, limits: Overload) -> None:
        self._backlog = backlog
        self._limits = limits
        self._reason: str | None = None

    async def admit(self) -> None:
        """Raises ProblemError (overloaded), JournalError."""
        if self._note(self.excess(await self._backlog.look())) is not None:
            detail = f"the relay takes no more evidence for now; try again after {RETRY_AFTER} s"
            raise ProblemError("overloaded", detail, headers={"Retry-After": str(RETRY_AFTER)})

    def excess(self, view: View) -> str | None:
        """Which limit is exceeded. Not for callers: it tells of all tenants."""
        limits = self._limits
        if limits.deliveries and view.deliveries >= limits.deliveries:
            return f"{view.deliveries:,} deliveries wait, at most {limits.deliveries:,} may"
        if limits.bytes and (view.queued_bytes or 0) >= limits.bytes:
            return f"{view.queued_bytes:,} bytes wait, at most {limits.bytes:,} may"
        if limits.age_seconds and view.age >= limits.age_seconds:
            return f"the oldest delivery has waited for {view.age:,.0f} s, at most {limits.age_seconds:,.0f} may pass"
        if view.free_bytes is not None and view.free_bytes < limits.free_bytes:
            return f"{view.free_bytes:,} bytes of the journal's disk are free, at least {limits.free_bytes:,} must be"
        return None

    def _note(self, reason: str | None) -> str | None:
        """Logged when it begins and when it ends, not at every request."""
        if reason is not None and self._reason is None:
            log.error("overloaded", reason=reason)
        elif reason is None and self._reason is not None:
            log.info("overload_over")
        self._reason = reason
        return reason
