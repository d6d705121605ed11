"""One destination, delivered to through the library: its settings, its gateway, and what is asked of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.emulators import records
from tests.support.evidence import Record

from proofport.adapter import Mode
from proofport.config import Config
from proofport.delivery.plan import Plan
from proofport.delivery.queue.books import Watch
from proofport.delivery.report.report import RunReport
from proofport.gateway import Gateway
from proofport.gateway.verify import Verification
from proofport.testing import Running


def configuration(folder: Path, destinations: Mapping[str, Mapping[str, Any]], **options: Any) -> Config:
    """Nothing waits: neither for a budget, nor for a vendor that says no."""
    blocks = {name: {"requests_per_minute": 0, **block} for name, block in destinations.items()}
    given = {"instance": "test", "journal": folder / "journal", "patience": 0, "destinations": blocks}
    return Config.model_validate({**given, **options})


class Destination:
    """`block` holds the destination's settings, `options` the configuration's, `others` more destinations.

    `mode` is how it is pushed to unless a test says otherwise.
    """

    mode: Mode = "snapshot"

    def __init__(self, name: str, block: Mapping[str, Any], folder: Path, **options: Any) -> None:
        self.name = name
        self.block = dict(block)
        self.folder = folder
        self.options = options
        self.others: dict[str, Any] = {}

    def gateway(self, journal: str = "journal", **settings: Any) -> Gateway:
        blocks = {self.name: {**self.block, **settings}, **self.others}
        return Gateway(configuration(self.folder, blocks, **{"journal": self.folder / journal, **self.options}))

    async def push(
        self, given: Any, *, kind: str = "cloud_resource", mode: Mode | None = None, to: Any = None, **how: Any
    ) -> RunReport:
        async with self.gateway(how.pop("journal", "journal")) as gateway:
            return await gateway.push(given, kind=kind, to=to or self.name, mode=mode or self.mode, **how)

    async def plan(
        self, given: Any, *, kind: str = "cloud_resource", mode: Mode | None = None, journal: str = "journal"
    ) -> Plan:
        async with self.gateway(journal) as gateway:
            return await gateway.plan(given, kind=kind, to=self.name, mode=mode or self.mode)

    async def verify(self, kind: str, **how: Any) -> Verification:
        async with self.gateway() as gateway:
            return await gateway.verify(self.name, kind=kind, **how)


class AtEmulator(Destination):
    """A destination whose vendor is an emulator in this process."""

    def __init__(self, emulator: Running, folder: Path, **options: Any) -> None:
        super().__init__(emulator.emulator.name, emulator.destination(), folder, **options)
        self.emulator = emulator

    async def records(self, kind: str = "cloud_resource") -> list[Record]:
        """What the vendor holds, once everything it accepted has been processed."""
        return records(self.name, await self.emulator.state(), kind)

    async def written(self) -> list[dict[str, Any]]:
        """The requests that were to change something, in their order."""
        return [each for each in await self.emulator.received() if each["method"] != "GET"]


async def deliver(gateway: Gateway, watch: Watch | None = None) -> None:
    """Deliver all that is queued."""
    stop, journal = asyncio.Event(), await gateway.journal()
    working = asyncio.create_task(gateway.work(stop, watch=watch))
    while any(lane.queued for lane in await journal.lanes()):  # noqa: ASYNC110 - a journal has no event for this
        await asyncio.sleep(0.01)
    stop.set()
    await working
