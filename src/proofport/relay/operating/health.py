"""Checks whether the relay is ready. Anybody may ask, so the answer names no tenant, lane or path."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Literal, TypeAlias

from proofport.config.relay import Ready
from proofport.errors import JournalError
from proofport.gateway import Gateway
from proofport.logs import get_logger
from proofport.relay.operating.backlog import Backlog, Backpressure, View

CheckName: TypeAlias = Literal["journal", "lanes", "age", "room"]
CHECK_EVERY = 1.0
"""Seconds for which one check answers everybody, because each check writes to the journal."""

WRITE_SECONDS = 5.0
"""Seconds in which the journal must have written something."""

LEAST_FREE = 1024 * 1024
"""Bytes below which the journal's disk counts as full. The write of a check is so small that it may still succeed."""

log = get_logger("relay")


@dataclass(frozen=True, slots=True)
class Check:
    ok: bool
    detail: str


class Readiness:
    """Checks at most once in CHECK_EVERY."""

    def __init__(self, gateway: Gateway, backlog: Backlog, backpressure: Backpressure, settings: Ready) -> None:
        self._gateway = gateway
        self._backlog = backlog
        self._backpressure = backpressure
        self._settings = settings
        self._checking = asyncio.Lock()
        self._found: dict[CheckName, Check] = {}
        self._good_until = 0.0

    async def checks(self) -> dict[CheckName, Check]:
        async with self._checking:
            if time.monotonic() >= self._good_until:
                self._found = await self._look()
                self._good_until = time.monotonic() + CHECK_EVERY
            return self._found

    async def _look(self) -> dict[CheckName, Check]:
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                # A write without effect on others: a rate budget that only this check uses.
                await (await self._gateway.journal()).permit("/readyz", per_minute=60_000, burst=60_000)
                view = await self._backlog.look()
        except (JournalError, TimeoutError) as error:
            log.error("journal_unavailable", error=str(error) or f"no answer within {WRITE_SECONDS:g} s")
            unknown = Check(False, "unknown: the journal cannot be used")
            failed = Check(False, "the journal cannot be written; the log says why")
            return {"journal": failed, "lanes": unknown, "age": unknown, "room": unknown}
        full = view.free_bytes is not None and view.free_bytes < LEAST_FREE
        said = "the journal's disk is full" if full else "the journal can be written"
        return {"journal": Check(not full, said), **self._delivering(view)}

    def _delivering(self, view: View) -> dict[CheckName, Check]:
        allowed, age = self._settings.parked_lanes, self._settings.age_seconds
        lanes = f"{view.parked} of {len(view.lanes)} lanes are parked"
        if view.broken:
            lanes += f", {view.broken} break down at the first delivery"
        return {
            "lanes": Check(view.parked <= allowed and not view.broken, lanes),
            "age": Check(not age or view.age < age, f"the oldest delivery has waited for {view.age:.0f} s"),
            "room": self._room(view),
        }

    def _room(self, view: View) -> Check:
        """It fails when no tenant may send. One that floods the relay does not take it from the others."""
        refused, tenants = len(self._backpressure.refused(view)), self._backpressure.tenants
        if tenants and refused == tenants:
            return Check(False, "no more evidence is accepted")
        return Check(True, f"more evidence is accepted{f', but of {refused} of {tenants} tenants' if refused else ''}")
