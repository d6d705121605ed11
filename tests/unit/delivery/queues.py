"""A journal with deliveries in it, and workers on it, against tiny vendors with scripts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

from tests.support.journals import MemoryJournal
from tests.unit.delivery.runs import Vendor
from tests.unit.delivery.support import KIND, LEASE, Plain, ScriptedSender, Tiny, all_ok

from proofport.adapter import Mode
from proofport.delivery.lane.payload import decode_outcomes
from proofport.delivery.queue.worker import Worker
from proofport.delivery.target import Target
from proofport.errors import ConfigError
from proofport.journal.contract import Delivery, Filter, NewDelivery

LANE = f"here/{KIND}"


class Queue:
    """A journal with deliveries in it, a clock that stands still, and the vendors they go to."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.journal = MemoryJournal(clock=lambda: self.now)
        self.vendors: dict[str, Vendor] = {}
        self.mapping: Any = Plain()

    def vendor(self, *answers: Any, name: str = "here", made: type[Tiny] = Tiny, **options: Any) -> Vendor:
        """Gives these answers, the last one for ever."""
        sender = ScriptedSender(send_records=list(answers) or [all_ok])
        vendor = self.vendors[name] = Vendor(sender, made, **options)
        vendor.host = name
        return vendor

    async def accept(self, *records: dict[str, Any], to: str = "here", kind: str = KIND, mode: Mode = "upsert") -> int:
        new = NewDelivery(f"{to}/{kind}", to, kind, mode, json.dumps(records).encode(), len(records))
        return (await self.journal.accept([new])).ids[0]

    def target(self, destination: str, kind: str, mode: Mode) -> Target:
        if destination not in self.vendors:
            raise ConfigError(f"no destination {destination!r}")
        vendor = self.vendors[destination]
        return Target(destination, vendor, vendor.resource(kind), self.mapping)

    @asynccontextmanager
    async def working(self, **how: Any) -> AsyncIterator[asyncio.Event]:
        stop = asyncio.Event()
        senders = cast(Any, lambda target: target.adapter.sender)
        worker = Worker(self.journal, self.target, senders, instance="test", lease=LEASE, **how)
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            group.create_task(worker.run(stop))
            yield stop
            stop.set()

    async def work(self, **how: Any) -> None:
        """Work until there is nothing more to do for now."""
        async with self.working(**how):
            await until(self.is_idle)

    def is_idle(self) -> bool:
        return all(
            lane.owner is None and (not lane.queued or lane.parked or lane.next_at > self.now)
            for lane in self.journal.lanes_now()
        )

    async def all(self) -> list[Delivery]:
        return await self.journal.find(Filter())

    async def states(self) -> list[str]:
        return [delivery.state for delivery in await self.all()]


async def until(met: Callable[[], bool]) -> None:
    while not met():  # noqa: ASYNC110 - it is the journal that is watched, and no journal tells of its changes
        await asyncio.sleep(0)


def ids(vendor: Vendor) -> list[str]:
    return [row["id"] for row in vendor.received()]


def ends(delivery: Delivery) -> list[str]:
    text = delivery.outcome if delivery.state == "done" else delivery.failure and delivery.failure.detail
    return [outcome.status.value for outcome in decode_outcomes(text or "[]")]
