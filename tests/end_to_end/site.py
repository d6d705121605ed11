"""A relay with both emulators behind it, and what is asked of it over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from proofport.config import Config
from proofport.gateway import Gateway
from proofport.relay.problems import MEDIA_TYPE, PREFIX
from proofport.relay.serving import serving
from proofport.testing import Running

PATIENCE = 20.0


def resource(number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"i-{number}", "type": "aws.ec2.instance", "name": f"web {number}", **more}


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


class Site:
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


def config(folder: Path, *emulators: Running, **more: Any) -> Config:
    destinations = {each.emulator.name: {**each.destination(), "requests_per_minute": 0} for each in emulators}
    given = {"instance": "test", "journal": folder / "journal", "patience": 0, "destinations": destinations}
    return Config.model_validate({**given, **more, "relay": {"port": 0, **more.get("relay", {})}})


@asynccontextmanager
async def site(config: Config, *, deliver: bool = True) -> AsyncIterator[Site]:
    async with (
        Gateway(config) as gateway,
        serving(gateway, deliver=deliver) as origin,
        aiohttp.ClientSession() as client,
    ):
        yield Site(origin, gateway, client)
