"""A relay, and what is asked of it over HTTP: in this process with its gateway, or in a process that may be killed."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from tests.support.destination import configuration
from tests.support.programs import PATIENCE

from proofport.config import Config
from proofport.gateway import Gateway
from proofport.relay.problems import MEDIA_TYPE, PREFIX
from proofport.relay.serving import serving
from proofport.testing import Running


class Answer:
    """One answer. What is no success is a problem: its parts belong together, whatever it is about."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body: Any = orjson.loads(body)
        if status >= 400:
            assert headers["Content-Type"] == MEDIA_TYPE
            assert self.body["status"] == status
            assert self.body["title"]
            assert self.body["detail"]

    @property
    def problem(self) -> str:
        return str(self.body["type"]).removeprefix(PREFIX)


class Relay:
    """`origin` is where the relay listens; `gateway` is its own."""

    def __init__(self, origin: str, gateway: Gateway, client: aiohttp.ClientSession) -> None:
        self.origin = origin
        self.gateway = gateway
        self.client = client

    async def ask(self, method: str, path: str, **more: Any) -> Answer:
        async with self.client.request(method, self.origin + path, **more) as answer:
            return Answer(answer.status, dict(answer.headers), await answer.read())

    async def get(self, path: str) -> Any:
        answer = await self.ask("GET", path)
        assert answer.status == 200, answer.body
        return answer.body

    async def post(self, records: Any, query: str = "to=drata", *, kind: str = "cloud_resource", **more: Any) -> Answer:
        given: dict[str, Any] = {"json": records}
        if isinstance(records, bytes):
            given = {"data": records, "headers": {"Content-Type": "application/x-ndjson"}}
        given.setdefault("headers", {}).update(more.pop("headers", {}))
        return await self.ask("POST", f"/v1/evidence/{kind}?{query}", **given, **more)

    async def settled(self) -> list[dict[str, Any]]:
        """All deliveries, the earliest first, once none of them is queued."""
        async with asyncio.timeout(PATIENCE):
            while True:
                items: list[dict[str, Any]] = (await self.get("/v1/deliveries?limit=500"))["items"]
                if all(each["state"] != "queued" for each in items):
                    return items[::-1]
                await asyncio.sleep(0.01)


def relay_config(folder: Path, *emulators: Running, **more: Any) -> Config:
    """The configuration of a relay with these vendors behind it, or with the `destinations` that are given."""
    blocks = more.pop("destinations", {each.emulator.name: each.destination() for each in emulators})
    return configuration(folder, blocks, **{**more, "relay": {"port": 0, **more.get("relay", {})}})


@asynccontextmanager
async def relaying(config: Config, *, deliver: bool = True) -> AsyncIterator[Relay]:
    async with (
        Gateway(config) as gateway,
        serving(gateway, deliver=deliver) as origin,
        aiohttp.ClientSession() as client,
    ):
        yield Relay(origin, gateway, client)


class RelayProcess:
    """`log` is what it has written to stderr so far, line by line."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.origin = ""
        self.log: list[str] = []

    @property
    def port(self) -> int:
        return int(self.origin.rpartition(":")[2])


@asynccontextmanager
async def relay_process(started: AbstractAsyncContextManager[Process]) -> AsyncIterator[RelayProcess]:
    """A process that was started as `proofport relay`. It accepts once the block begins, and is killed at its end."""
    async with started as process:
        assert process.stdout is not None
        assert process.stderr is not None
        relay = RelayProcess(process)
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
