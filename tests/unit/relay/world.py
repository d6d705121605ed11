"""A relay of three tenants whose vendor objects have the same numbers; one of them has something of everything."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import aiohttp
from aiohttp import web
from tests.support.emulators import block
from tests.support.journals import MemoryJournal
from yarl import URL

from proofport.accounting import rejected
from proofport.config import Config, Tenant
from proofport.config.names import own_name, scoped, tenant_of
from proofport.config.relay import Rate, RelaySettings
from proofport.delivery.lane.payload import encode_outcomes, pack
from proofport.delivery.target import lane_of
from proofport.errors import Problem
from proofport.gateway import Gateway
from proofport.journal.contract import Attempt, Failure, Filter, Journal, NewRun, NewSnapshot, Part
from proofport.relay.access import keys
from proofport.relay.body.limits import server_options
from proofport.relay.operating.access_log import HEADER
from proofport.relay.serving import application

KIND = "custom:software_package"
CLASSIFIED = "classified"
"""Stands in whatever the owner's data consists of, and in nothing else."""

OWN_PLACE = "vault"
"""A destination that only the owner has."""

EMPTY_PLACE = "empty"
"""A destination that all have, and that nothing was ever sent to."""

TENANTS = ("default", "acme", "other")


class World:
    """`owner`: the tenant whose data there is. `ids`: what the paths of its things are made of."""

    def __init__(self, owner: str, gateway: Gateway, journal: Journal, client: aiohttp.ClientSession, at: str) -> None:
        self.owner = owner
        self.gateway = gateway
        self.journal = journal
        self.client = client
        self.origin = at
        self.ids: dict[str, Any] = {}
        place = scoped(owner, "prod")
        self.lane = lane_of(place, gateway.config.adapter(place).resource(KIND))

    async def key(self, tenant: str, **scope: Any) -> str:
        about = {"name": "test", "tenant": tenant, "may_read": True, "may_write": True}
        return str((await keys.issue(self.journal, **{**about, **scope}))[0])

    async def ask(self, method: str, path: str, key: str | None, **more: Any) -> tuple[int, str]:
        headers = {HEADER: "1"} | ({"Authorization": f"Bearer {key}"} if key else {}) | more.pop("headers", {})
        url = URL(self.origin + path, encoded=True)
        async with self.client.request(method, url, headers=headers, **more) as answer:
            told = {name: value for name, value in answer.headers.items() if name != "Date"}
            return answer.status, f"{told}\n{await answer.text()}"

    async def kept(self, tenant: str) -> str:
        """All that the journal has of a tenant, to see whether anything changed."""
        lanes = [lane for lane in await self.journal.lanes() if tenant_of(lane.lane) == tenant]
        snapshots = await self.journal.snapshots(tenant=tenant)
        parts = [await self.journal.parts(snapshot.id) for snapshot in snapshots]
        runs = [await self.journal.runs(lane=lane.lane) for lane in lanes]
        return repr([await self.journal.find(Filter(tenant=tenant)), lanes, snapshots, parts, runs])

    async def fill(self) -> None:
        """Queued, dead and done deliveries, a parked lane, a run with an attempt, an open snapshot with a part."""
        key = await self.key(self.owner)
        record = [{"id": f"{CLASSIFIED}-{self.owner}", "name": CLASSIFIED}]
        for place in ("prod", "prod", "prod", OWN_PLACE):
            status, told = await self.ask("POST", f"/v1/evidence/{KIND}?to={place}", key, json=record)
            assert status == 202, told
        run = await self.journal.claim(self.lane, owner="me", lease=60)
        assert run is not None
        dead, done = await run.take(2)
        await run.dead(dead, Failure("rejected", encode_outcomes([rejected(Problem(CLASSIFIED, "another"))])))
        await run.done(done, encode_outcomes([rejected(Problem(CLASSIFIED, "another"))]))
        await run.attempted([Attempt("send", 400, 0.1, 9, "d", CLASSIFIED, 1.0, delivery=dead.id)])
        await run.begin(NewRun("r-1", scoped(self.owner, "prod"), KIND, "upsert", [CLASSIFIED]))
        await run.end("r-1", complete=True, report=f'{{"note": "{CLASSIFIED}"}}')
        await run.park(f"{CLASSIFIED}: the vendor refuses")
        await run.release()
        places = [scoped(self.owner, "prod")]
        await self.journal.open_snapshot(NewSnapshot("5a5a", self.owner, KIND, places, 3600))
        await self.journal.put_part("5a5a", Part("a", 1, pack(record), f"{CLASSIFIED} is missing"))
        queued = (await self.journal.find(Filter(tenant=self.owner, state="queued")))[0]
        lane = quote(own_name(self.lane), safe="")
        self.ids = {"dead": dead.id, "done": done.id, "queued": queued.id, "snapshot": "5a5a", "lane": lane}


@asynccontextmanager
async def world(owner: str, *, filled: bool = True) -> AsyncIterator[World]:
    """No vendor is asked anything: nobody works on what is queued."""
    place = block("drata")
    place["objects"] = {KIND: {"connection_id": 4, "resource_id": 104}}
    own: dict[str, Any] = {OWN_PLACE: place}
    other = {**place, "objects": {KIND: {"connection_id": 4, "resource_id": 105}}}
    places = {each: {"prod": place, EMPTY_PLACE: other} | (own if each == owner else {}) for each in TENANTS}
    config = Config(
        instance="test",
        patience=0,
        destinations=places.pop("default"),
        tenants={tenant: Tenant(destinations=each) for tenant, each in places.items()},
        relay=RelaySettings(rate=Rate(per_minute=0)),
    )
    async with Gateway(config) as gateway, aiohttp.ClientSession() as client:
        journal = gateway._journal = MemoryJournal()
        await journal.open()
        runner = web.AppRunner(await application(gateway), **server_options(config.relay.limits))
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            served = World(owner, gateway, journal, client, f"http://127.0.0.1:{runner.addresses[0][1]}")
            if filled:
                await served.fill()
            yield served
        finally:
            await runner.cleanup()
