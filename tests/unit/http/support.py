"""A vendor that only has an origin and a key, and a journal with budgets and leases."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue
from tests.support.clock import Clock
from tests.unit.delivery.support import TinySettings

from proofport.adapter import Adapter, Auth, Body, Resource, StaticHeaders
from proofport.errors import UnsupportedFeature
from proofport.journal.contract import Lease, Registry

WISH = 5.0
"""Seconds for which a wish for a lease counts. A lease that was given back is kept so long for who has asked."""


class TinyAdapter(Adapter):
    name = "tiny"
    Settings = TinySettings
    settings: TinySettings

    @property
    def origin(self) -> str:
        return str(self.settings.base_url)

    @property
    def auth(self) -> Auth:
        return StaticHeaders({"Authorization": f"Bearer {self.settings.key.get_secret_value()}"})

    def resource(self, kind: str) -> Resource:
        raise UnsupportedFeature("there is none")

    @classmethod
    def bodies(cls, kind: str) -> Sequence[Body]:
        return ()


class SharedJournal(Registry):
    """The part of a journal that senders and tokens use: budgets and leases that several processes share."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.permits: list[str] = []
        #: Who holds each lease, and until when; who has asked for it, and when.
        self.held: dict[str, tuple[str, float]] = {}
        self.wishes: dict[str, tuple[str, float]] = {}
        self._next: dict[str, float] = {}

    async def permit(self, key: str, *, per_minute: int, burst: int) -> float:
        self.permits.append(key)
        if per_minute == 0:
            return 0.0
        now, interval = self.clock(), 60 / per_minute
        at = max(self._next.get(key, 0.0), now - interval * (burst - 1))
        self._next[key] = at + interval
        return max(0.0, at - now)

    async def take_lease(self, name: str, *, owner: str, lease: float) -> Lease:
        now = self.clock()
        holder, until = self.held.get(name, ("", 0.0))
        wisher, asked = self.wishes.get(name, (owner, 0.0))
        wanted = wisher != owner and asked > now - WISH
        if holder != owner and until > now:
            self.wishes[name] = (wisher, asked) if wanted else (owner, now)
            return Lease(holder, until, True)
        if holder != owner and wanted:
            return Lease(wisher, asked + WISH, True)
        self.held[name] = (owner, now + lease)
        if not wanted:
            self.wishes.pop(name, None)
        return Lease(owner, now + lease, wanted)

    async def give_back_lease(self, name: str, *, owner: str) -> None:
        if self.held.get(name, ("", 0.0))[0] == owner:
            del self.held[name]
            if name in self.wishes:
                self.wishes[name] = (self.wishes[name][0], self.clock())

    async def adapter_memory(self, lane: str) -> dict[str, JsonValue]:
        raise AssertionError("a sender keeps nothing of a lane")

    async def keep_adapter_memory(self, lane: str, key: str, value: JsonValue, *, before: JsonValue | None) -> bool:
        raise AssertionError("a sender keeps nothing of a lane")
