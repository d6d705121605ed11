"""An emulator that is being served, and its control plane as methods, for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from proofport.testing.emulator import Emulator, serve


@dataclass(frozen=True, slots=True)
class Running:
    """`origin` is where `emulator` is served; `client` may be used for the vendor's own paths as well."""

    emulator: Emulator
    origin: str
    client: aiohttp.ClientSession

    async def control(self, method: str, path: str, **json: Any) -> Any:
        """`method` on `/_emulator/PATH`; the body is `json` when there is any. Raises ValueError on a refusal."""
        async with self.client.request(method, f"{self.origin}/_emulator/{path}", json=json or None) as answer:
            body = await answer.json()
            if answer.status != 200:
                raise ValueError(body["error"])
            return body

    async def state(self) -> dict[str, Any]:
        """What the vendor holds, once everything it accepted has been processed."""
        await self.control("POST", "settle")
        state: dict[str, Any] = await self.control("GET", "state")
        return state

    async def holdings(self) -> list[dict[str, Any]]:
        """Every object that the vendor holds, with its first records, once all that it accepted has been processed."""
        await self.control("POST", "settle")
        objects: list[dict[str, Any]] = (await self.control("GET", "overview"))["objects"]
        return objects

    async def received(self) -> list[dict[str, Any]]:
        """Every vendor request so far, in order."""
        received: list[dict[str, Any]] = await self.control("GET", "received")
        return received

    async def faults(self, **faults: Any) -> None:
        """Replace the set of faults; called without any, clear it."""
        await (self.control("POST", "faults", **faults) if faults else self.control("DELETE", "faults"))

    async def switch(self, **values: Any) -> None:
        """Choose another reading of a behaviour."""
        await self.control("POST", "switches", **values)

    def destination(self) -> dict[str, Any]:
        """The block of `destinations:` that fits the seeded state."""
        return self.emulator.destination(self.origin)


@asynccontextmanager
async def running(emulator: Emulator) -> AsyncIterator[Running]:
    """Seed and serve an emulator on a free loopback port while the block runs."""
    emulator.seed()
    async with serve(emulator) as origin, aiohttp.ClientSession() as client:
        yield Running(emulator, origin, client)
