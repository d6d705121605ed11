"""Looks at what waits to be delivered, and refuses evidence while there is too much of it, or no room to keep it."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from proofport.config.names import own_name, tenant_of
from proofport.config.relay import Overload
from proofport.gateway import Gateway
from proofport.journal.contract import Arrival, LaneView
from proofport.logs import get_logger
from proofport.notices.causes import expiring
from proofport.relay.problems import ProblemError

LOOK_EVERY = 1.0
"""Seconds for which one look answers everybody."""

SHARE = 20
"""Looking at a long queue counts all of it: it takes at most one part in SHARE of the time."""

BACKLOG_RETRY_AFTER = 30
"""Seconds after which a refused caller may try again."""

log = get_logger("relay")


@dataclass(frozen=True)
class View:
    """One look at the backlog."""

    lanes: Sequence[LaneView]
    #: Of the disk with the journal; None where the journal is on another machine, or in memory.
    free_bytes: int | None
    #: When it was taken, in seconds since 1970.
    at: float
    #: The size of what waits, by tenant; None where it has no limit that is near, because counting it is slow.
    bytes: Mapping[str, int] | None = None
    #: When something of each kind last arrived.
    arrivals: Sequence[Arrival] = ()
    #: Keys of the relay that expire soon, or have expired and are not revoked.
    expiring: int = 0

    @cached_property
    def queued(self) -> Mapping[str, int]:
        """By lane."""
        return {lane.lane: lane.queued for lane in self.lanes}

    @cached_property
    def deliveries(self) -> int:
        return sum(self.queued.values())

    @cached_property
    def _by_tenant(self) -> Mapping[str, Sequence[LaneView]]:
        found: dict[str, list[LaneView]] = {}
        for lane in self.lanes:
            found.setdefault(tenant_of(lane.lane), []).append(lane)
        return found

    def waiting(self, tenant: str) -> int:
        """The deliveries of a tenant that wait."""
        return sum(lane.queued for lane in self._by_tenant.get(tenant, ()))

    @property
    def parked(self) -> int:
        return sum(lane.parked is not None for lane in self.lanes)

    @property
    def broken(self) -> int:
        """Lanes that have broken down at the first delivery that waits."""
        return sum(lane.broken > 0 for lane in self.lanes)

    @property
    def age(self) -> float:
        """Seconds that the oldest delivery has waited; parked lanes, which wait for a person, are left out."""
        return self._oldest(self.lanes)

    def age_of_tenant(self, tenant: str) -> float:
        """The same of a tenant's deliveries."""
        return self._oldest(self._by_tenant.get(tenant, ()))

    def _oldest(self, lanes: Sequence[LaneView]) -> float:
        return max((self.age_of(lane) for lane in lanes if lane.parked is None), default=0.0)

    def age_of(self, lane: LaneView) -> float:
        return 0.0 if lane.oldest is None else max(0.0, self.at - lane.oldest)


class Backlog:
    """`look` is cheap enough for every request. `timer`: seconds that never go back."""

    def __init__(self, gateway: Gateway, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._gateway = gateway
        self._timer = timer
        self._looking = asyncio.Lock()
        self._view: View | None = None
        self._good_until = 0.0

    async def look(self) -> View:
        """Raises JournalError."""
        async with self._looking:
            started = self._timer()
            if self._view is None or started >= self._good_until:
                journal, limits, free = (
                    await self._gateway.journal(),
                    self._gateway.config.relay.overload,
                    self._free_bytes(),
                )
                near = limits.bytes or (free is not None and free < limits.free_bytes)
                sizes = await journal.waiting_bytes() if near else None
                keys = expiring(await journal.access_keys(), time.time())
                lanes, arrivals = await journal.lanes(), await journal.arrivals()
                self._view = View(lanes, free, time.time(), sizes, arrivals, len(keys))
                ended = self._timer()
                self._good_until = ended + max(LOOK_EVERY, SHARE * (ended - started))
            return self._view

    def _free_bytes(self) -> int | None:
        place = self._gateway.config.journal
        if not isinstance(place, Path):
            return None
        try:
            return shutil.disk_usage(place.parent).free
        except OSError:
            return None


class Backpressure:
    """Refuses evidence, and nothing else: other requests look, or make the queue shorter.

    A lane and a tenant have limits of their own. Where the whole relay has reached a limit, a tenant is refused when
    more of its evidence waits than its share: what waits, divided by the number of tenants. Of the disk, half of the
    room that must be free is kept for the others.
    """

    def __init__(self, backlog: Backlog, limits: Overload, tenants: Sequence[str]) -> None:
        self._backlog = backlog
        self._limits = limits
        self._tenants = tenants
        #: The tenants and lanes that are refused.
        self._refused: set[str] = set()

    async def admit(self, tenant: str, lanes: Sequence[str] = ()) -> None:
        """Log when refusing a tenant or a lane begins and ends. Raises ProblemError (overloaded, backlog-full),
        JournalError."""
        view = await self._backlog.look()
        self._note(tenant, reason := self.excess(view, tenant), tenant=tenant)
        if reason is not None:
            raise _refusal("overloaded", "the relay takes no more evidence for now")
        self._note(f"{tenant}/", reason := self.own_excess(view, tenant), tenant=tenant)
        if reason is not None:
            raise _refusal("backlog-full", reason)
        for lane in dict.fromkeys(lanes):
            self._note(lane, reason := self.lane_excess(view, lane), lane=lane)
            if reason is not None:
                raise _refusal("backlog-full", reason)

    def _note(self, key: str, reason: str | None, **whose: str) -> None:
        if reason is not None and key not in self._refused:
            self._refused.add(key)
            log.error("overloaded", **whose, reason=reason)
        elif reason is None and key in self._refused:
            self._refused.remove(key)
            log.info("overload_over", **whose)

    def refused(self, view: View) -> list[str]:
        """The tenants that may send nothing for now."""
        return [each for each in self._tenants if self.excess(view, each) or self.own_excess(view, each)]

    @property
    def tenants(self) -> int:
        return len(self._tenants)

    def excess(self, view: View, tenant: str) -> str | None:
        """The limit of the relay for which a tenant is refused, in words for the log: they tell about all tenants."""
        limits, count, age = self._limits, view.deliveries, view.age_of_tenant(tenant)
        if limits.deliveries and count >= limits.deliveries and self._has_share(view.waiting(tenant), count):
            return f"{count:,} deliveries wait, at most {limits.deliveries:,} may"
        size = sum((view.bytes or {}).values())
        has_share = self._has_share((view.bytes or {}).get(tenant, 0), size)
        if limits.bytes and size >= limits.bytes and has_share:
            return f"{size:,} bytes wait, at most {limits.bytes:,} may"
        if limits.age_seconds and age >= limits.age_seconds:
            return f"the oldest delivery has waited for {age:,.0f} s, at most {limits.age_seconds:,.0f} may pass"
        free = view.free_bytes
        if free is not None and free < limits.free_bytes and (has_share or free < limits.free_bytes / 2):
            return f"{free:,} bytes of the journal's disk are free, at least {limits.free_bytes:,} must be"
        return None

    def own_excess(self, view: View, tenant: str) -> str | None:
        """The limit of the tenant that is exceeded, in words for the tenant."""
        most, count = self._limits.tenant_deliveries, view.waiting(tenant)
        return f"{count:,} of your deliveries wait, at most {most:,} may" if most and count >= most else None

    def lane_excess(self, view: View, lane: str) -> str | None:
        """The limit of a lane that is exceeded, in words for its tenant."""
        most, count = self._limits.lane_deliveries, view.queued.get(lane, 0)
        if most and count >= most:
            return f"{count:,} deliveries wait in the lane {own_name(lane)}, at most {most:,} may"
        return None

    def _has_share(self, own: int, of_all: int) -> bool:
        return own * len(self._tenants) >= of_all


def _refusal(kind: str, why: str) -> ProblemError:
    detail = f"{why}; try again after {BACKLOG_RETRY_AFTER} s"
    return ProblemError(kind, detail, headers={"Retry-After": str(BACKLOG_RETRY_AFTER)})
