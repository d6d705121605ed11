"""Serves an emulator, and gives tests its control plane as methods."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web

from proofport.errors import UsageError
from proofport.testing.emulator import Emulator
from proofport.testing.emulator_control import routes
from proofport.wire import is_loopback


@asynccontextmanager
async def serve(emulator: Emulator, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve an emulator while the block runs, and yield its origin (`http://127.0.0.1:PORT`). Port 0 takes a free one.

    Raises UsageError when the port is taken, or the host is not this machine's own.
    """
    origin = f"http://[{host}]" if ":" in host else f"http://{host}"
    if not is_loopback(origin):
        raise UsageError(
            f"an emulator does not listen on {host!r}: it has no real credentials to ask for",
            hint="Use 127.0.0.1, ::1 or localhost.",
        )
    application = emulator.application()
    application.add_routes(routes(emulator))
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.25)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise UsageError(
                f"the {emulator.name} emulator cannot listen on {host}:{port}: {error.strerror}",
                hint="Choose another port, or 0 for a free one.",
            ) from error
        yield f"{origin}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@dataclass(frozen=True, slots=True)
class Running:
    """An emulator that is being served, and its control plane."""

    emulator: Emulator
    origin: str
    client: aiohttp.ClientSession  #: For the vendor's own paths as well.

    async def control(self, method: str, path: str, **json: Any) -> Any:
        """Send `method` to `/_emulator/PATH`, with the body `json` if there is any. Raises ValueError on a refusal."""
        async with self.client.request(method, f"{self.origin}/_emulator/{path}", json=json or None) as answer:
            body = await answer.json()
            if answer.status != 200:
                raise ValueError(body["error"])
            return body

    async def state(self) -> dict[str, Any]:
        """All that the vendor holds, once everything it accepted has been processed."""
        await self.control("POST", "settle")
        state: dict[str, Any] = await self.control("GET", "state")
        return state

    async def holdings(self) -> list[dict[str, Any]]:
        """Every object of the vendor with its first records, once everything it accepted has been processed."""
        await self.control("POST", "settle")
        objects: list[dict[str, Any]] = (await self.control("GET", "overview"))["objects"]
        return objects

    async def received(self) -> list[dict[str, Any]]:
        """Every vendor request so far, in order."""
        received: list[dict[str, Any]] = await self.control("GET", "received")
        return received

    async def faults(self, **faults: Any) -> None:
        """Replace the faults. Without any, clear them."""
        await (self.control("POST", "faults", **faults) if faults else self.control("DELETE", "faults"))

    async def switch(self, **values: Any) -> None:
        """Choose other readings of some behaviours."""
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
