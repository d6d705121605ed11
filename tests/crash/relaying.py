"""A relay as a process of its own, on a port that stays the same from one start to the next."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.crash.scene import Scene


@dataclass
class Relay:
    process: Process
    origin: str
    log: list[str] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.origin.rpartition(":")[2])


@asynccontextmanager
async def relaying(at: Scene, port: int = 0, name: str = "relay") -> AsyncIterator[Relay]:
    """It accepts once the block begins; at its end it is killed, unless it has ended already."""
    async with at.process("relay", "--port", str(port), name=name) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        relay = Relay(process, "")
        reading = asyncio.create_task(_read(process.stderr, relay.log))  # a full pipe would stop it
        async with asyncio.timeout(60):
            said = (await process.stdout.readline()).decode()
        assert said.startswith("listening on "), relay.log
        relay.origin = said.split()[-1]
        try:
            yield relay
        finally:
            if process.returncode is None:
                process.kill()
            await reading
        broken = next((number for number, line in enumerate(relay.log) if "Traceback" in line), None)
        assert broken is None, "".join(relay.log[max(0, broken - 1) :][:50])


async def _read(stream: asyncio.StreamReader, into: list[str]) -> None:
    while line := await stream.readline():
        into.append(line.decode())
