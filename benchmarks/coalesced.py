"""Row 22: from the relay's 202 to the vendor's answer, 20 posts a second, a vendor that takes 50 ms for a request.

One by one, the vendor would be just busy all the time, and the queue would grow. What waits goes in one request.
The posts come at random times, as those of many callers do.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import orjson
from aiohttp import web

from benchmarks.goals import WAITING, WAITING_TAIL, Goal
from proofport.config import Config
from proofport.config.relay import RelaySettings
from proofport.gateway import Gateway
from proofport.registry import load_emulator
from proofport.relay.serving import serving

VENDOR, KIND = "secureframe", "cloud_resource"
RESOURCE = {"type": "aws.ec2.instance", "provider": "aws", "account_id": "1", "region": "eu-west-1", "name": "web"}
POSTS, EACH_SECOND, TAKES = 600, 20, 0.05
ALONE = 20
"""Posts that wait for the vendor's answer to the one before: what one request takes, all that is around it included."""


class SlowVendor:
    """Takes 50 ms for a request, of however many records."""

    def __init__(self) -> None:
        self.answered: dict[str, float] = {}
        self.requests = 0
        self.news = asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        records = orjson.loads(await request.read())["resource_data"]
        await asyncio.sleep(TAKES)
        self.requests += 1
        self.answered.update(dict.fromkeys((record["id"] for record in records), time.perf_counter()))
        self.news.set()
        return web.json_response({"message": "Data has been queued for processing"}, status=202)

    async def has_answered(self, ids: set[str]) -> None:
        while not ids <= self.answered.keys():
            self.news.clear()
            await self.news.wait()


@asynccontextmanager
async def _listening(vendor: SlowVendor) -> AsyncIterator[str]:
    app = web.Application(client_max_size=0)
    app.router.add_post("/{path:.*}", vendor.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def measured() -> tuple[list[float], list[float], int]:
    """The seconds of posts alone, those of posts at their rate, and how many requests these made."""
    vendor, accepted, chance = SlowVendor(), dict[str, float](), random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        async with _listening(vendor) as address, aiohttp.ClientSession() as session:
            place = {**load_emulator(VENDOR)().destination(address), "requests_per_minute": 0}
            place["objects"] = {KIND: {"schema_slug": KIND, "defined": True}}
            journal = Path(folder, "journal.sqlite3")
            relay = RelaySettings.model_validate({"port": 0, "rate": {"per_minute": 0}})
            config = Config(instance="bench", journal=journal, relay=relay, destinations={VENDOR: place})
            async with Gateway(config) as gateway, serving(gateway) as origin:

                async def post(name: str) -> None:
                    resource = {**RESOURCE, "id": name}
                    async with session.post(f"{origin}/v1/evidence/{KIND}?to={VENDOR}", json=[resource]) as answer:
                        assert answer.status == 202, await answer.text()
                        accepted[name] = time.perf_counter()

                alone = [f"alone-{number}" for number in range(ALONE)]
                for name in alone:
                    await post(name)
                    await vendor.has_answered({name})
                before, names = vendor.requests, [f"many-{number}" for number in range(POSTS)]
                async with asyncio.TaskGroup() as group:
                    for name in names:
                        await asyncio.sleep(chance.expovariate(EACH_SECOND))
                        group.create_task(post(name))
                await vendor.has_answered(set(names))
    taken = {name: vendor.answered[name] - at for name, at in accepted.items()}
    return [taken[name] for name in alone], [taken[name] for name in names], vendor.requests - before


def run() -> list[Goal]:
    alone, many, requests = asyncio.run(measured())
    one, cuts = statistics.median(alone), statistics.quantiles(many, n=100)
    detail = f"one request {one * 1000:.0f} ms; {POSTS} posts, {EACH_SECOND} a second, in {requests} requests"
    return [
        WAITING.goal("202 to the vendor's answer, the median, against one request", cuts[49] / one, detail),
        WAITING_TAIL.goal("… the 99th of 100", cuts[98] / one, f"{cuts[98] * 1000:.0f} ms"),
    ]
