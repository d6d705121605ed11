"""The vendors of the property: every emulator that is installed, and the toys. Each on a socket in this process.

A vendor refuses records by their ids, and a request may never be answered.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import PrivateAttr
from tests.property.sets.nights import plain
from tests.support.emulators import block, live, records, strict
from tests.toy.toy_server import Toy
from tests.toy.whole_server import Whole

from proofport.testing import Emulator, Faults

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
SECRET = "issued-secret"


class Wire:
    """Where a process dies: it never sees the answer to one of its requests, and makes none after it."""

    def __init__(self) -> None:
        self.stopped = asyncio.Event()
        self._over = asyncio.Event()
        self._left: int | None = None
        self._arrives = True

    def stop_at(self, request: int | None, *, arrives: bool) -> None:
        """`arrives`: the vendor still does what that request asks for. None: nothing is stopped."""
        self._left, self._arrives = request, arrives
        self.stopped, self._over = asyncio.Event(), asyncio.Event()

    def let_go(self) -> None:
        """End the requests that are held. Whoever made them is gone."""
        self._left = None
        self._over.set()

    async def answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self._left is None:
            return await handler(request)
        self._left -= 1
        if self._left > 0:
            return await handler(request)
        over = self._over
        await request.read()
        if self._left == 0 and self._arrives:
            await handler(request)
        self.stopped.set()
        await over.wait()
        return web.Response(status=503)


class Vendor(ABC):
    """A vendor that holds nothing yet. `refuses`: the ids of the records that it does not take."""

    def __init__(self) -> None:
        self.wire = Wire()
        self.refuses: set[str] = set()

    @abstractmethod
    def application(self) -> web.Application: ...

    @abstractmethod
    def block(self, origin: str) -> dict[str, Any]:
        """Its block of `destinations:`."""

    @abstractmethod
    async def live(self, kind: str) -> set[str]:
        """The ids that it shows as present, once everything it accepted has been processed."""

    async def gone(self, kind: str) -> set[str]:
        """The ids that its set has as gone."""
        return set()

    async def meet(self, request: web.Request) -> None:
        """Refuse those items of a request that `refuses` names."""
        return

    @asynccontextmanager
    async def served(self) -> AsyncIterator[str]:
        @web.middleware
        async def stand_between(request: web.Request, handler: Handler) -> web.StreamResponse:
            await self.meet(request)
            return await self.wire.answer(request, handler)

        application = self.application()
        application.middlewares.insert(0, stand_between)
        async with TestServer(application, host="127.0.0.1") as server:
            yield str(server.make_url("")).rstrip("/")


# ------------------------------------------------------------------ emulators
class Refusals(Faults):
    """The items of one request that fail, in their order."""

    _fails: list[bool] = PrivateAttr(default_factory=list)

    def item_fails(self) -> bool:
        return bool(self._fails) and self._fails.pop(0)


class Emulated(Vendor):
    def __init__(self, name: str) -> None:
        super().__init__()
        self._emulator: Emulator = strict(name)

    def application(self) -> web.Application:
        return self._emulator.application()

    def block(self, origin: str) -> dict[str, Any]:
        return block(self._emulator.name, origin)

    async def live(self, kind: str) -> set[str]:
        await self._emulator.settle()
        return live(self._emulator.name, self._emulator.state(), kind)

    async def gone(self, kind: str) -> set[str]:
        shown = {each["id"] for each in records(self._emulator.name, self._emulator.state(), kind)}
        return shown - await self.live(kind)

    async def meet(self, request: web.Request) -> None:
        faults, items = Refusals(), _items(await request.read())
        faults._fails = [not self.refuses.isdisjoint(_texts(item)) for item in items]
        self._emulator.faults = faults


def _items(body: bytes) -> list[dict[str, Any]]:
    """The records of a request: the list that it is or has, else itself."""
    found = orjson.loads(body) if body.startswith((b"[", b"{")) else []
    if isinstance(found, dict):
        found = next((each for each in found.values() if isinstance(each, list)), [found])
    return [each for each in found if isinstance(each, dict)]


def _texts(item: dict[str, Any]) -> list[str]:
    return [plain(value) for value in item.values() if isinstance(value, str)]


# ------------------------------------------------------------------ toys
class ToyVendor(Vendor):
    def __init__(self, _: str) -> None:
        super().__init__()
        self._toy = Toy(SECRET)

    def application(self) -> web.Application:
        return self._toy.application

    def block(self, origin: str) -> dict[str, Any]:
        return {"adapter": "toy", "base_url": origin, "api_key": SECRET}

    async def live(self, kind: str) -> set[str]:
        return {widget["id"] for widget in self._toy.live["widgets"]}


class WholeVendor(Vendor):
    def __init__(self, _: str) -> None:
        super().__init__()
        self._whole = Whole(SECRET)

    def application(self) -> web.Application:
        return self._whole.application

    def block(self, origin: str) -> dict[str, Any]:
        return {"adapter": "whole", "base_url": origin, "client_id": "app", "client_secret": SECRET}

    async def live(self, kind: str) -> set[str]:
        return set(self._whole.live(kind))

    async def gone(self, kind: str) -> set[str]:
        return set(self._whole.sets.get(kind, {})) - await self.live(kind)


TOYS = {"toy": ToyVendor, "whole": WholeVendor}


def vendor_of(name: str) -> Vendor:
    return TOYS.get(name, Emulated)(name)
