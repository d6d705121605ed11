"""Row 21: 1,500 requests to vendors that answer 429 beyond 500 a minute.

No real minute is waited for. The journal that plans the requests and the emulators that count them look at one clock,
and where the sender would sleep until its turn, that clock is put forward. All other time is real.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.goals import BUDGET_TIME, REFUSED, Goal
from proofport.config import Config
from proofport.gateway import Gateway
from proofport.http.sender import Sender
from proofport.journal.sqlite import SqliteJournal
from proofport.registry import load_adapter, load_emulator
from proofport.testing import running

ROUNDS = 5
ALLOWED = 500
"""Requests a minute."""
COUNT = 1_500
ONE_A_REQUEST: Mapping[str, Mapping[str, Any]] = {"drata": {}, "secureframe": {"batch_records": 1}}
"""The settings by which each vendor gets one device a request. Drata takes no more."""


@dataclass(slots=True)
class Clock:
    """Seconds since 1970, and those that were not waited for."""

    skipped: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.skipped

    async def sleep(self, seconds: float) -> None:
        """What else is under way gets a turn."""
        self.skipped += seconds
        await asyncio.sleep(0)


@dataclass(slots=True)
class Received:
    """When an emulator was asked, and how often it refused."""

    clock: Clock
    at: list[float] = field(default_factory=list)
    refused: int = 0

    def now(self) -> float:
        """The clock of the emulator's rate limit, which looks at it once a request."""
        self.at.append(self.clock())
        return self.at[-1]

    @property
    def minutes(self) -> float:
        """From the first to the last of the requests that count."""
        return (self.at[COUNT - 1] - self.at[0]) / 60


def run() -> list[Goal]:
    return [
        goal for name in ONE_A_REQUEST for goal in _goals(name, [asyncio.run(one_round(name)) for _ in range(ROUNDS)])
    ]


async def one_round(name: str) -> Received:
    """Push as many devices as there are requests to be made."""
    clock = Clock()
    received = Received(clock)
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        emulator = load_emulator(name)(rate_limit=ALLOWED, clock=received.now)
        served = await stack.enter_async_context(running(emulator))
        destination = {**served.destination(), **ONE_A_REQUEST[name]}
        config = Config(instance="bench", lease=3_600, destinations={name: destination})
        gateway = await stack.enter_async_context(Gateway(config))
        gateway._journal = SqliteJournal(Path(folder, "journal"), clock=clock)
        await gateway._journal.open()
        with patch("proofport.gateway.opened.Sender", partial(Sender, sleep=clock.sleep)):
            report = await gateway.push([_device(number) for number in range(COUNT)], kind="device", to=name)
        assert report.destinations[name].as_dict()["delivered"] == COUNT, report.as_dict()
        received.refused = sum(entry.status == 429 for entry in emulator.log)
    return received


def _device(number: int) -> dict[str, Any]:
    return {"id": f"d-{number}", "owner_email": "ana@example.com", "platform": "macos", "os_version": "15"}


def _goals(name: str, rounds: Sequence[Received]) -> list[Goal]:
    least, planned = COUNT / ALLOWED, load_adapter(name).default_requests_per_minute
    minutes = statistics.median(each.minutes for each in rounds)
    detail = f"{minutes:.2f} minutes against {least:.2f}; {planned} of {ALLOWED} requests a minute are planned"
    refused = max(each.refused for each in rounds)
    return [
        BUDGET_TIME.goal(f"{COUNT:,} requests to {name} against the least possible time", minutes / least, detail),
        REFUSED.goal(f"429s that {name} answered", refused, f"the most in one of {len(rounds)} rounds"),
    ]
