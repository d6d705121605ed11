"""A relay of two tenants: what one of them does to it, or its vendor, is nothing to the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.support.emulators import emulated, hanging
from tests.support.evidence import cloud_resource
from tests.support.relay import Relay, relay_config, relaying

from proofport.config import Tenant
from proofport.delivery.queue.worker import SLOTS
from proofport.journal.contract import Filter
from proofport.relay.access import keys

KINDS = [f"custom:k{number}" for number in range(SLOTS + 2)]


@asynccontextmanager
async def two_tenants(folder: Path) -> AsyncIterator[tuple[Relay, asyncio.Semaphore, Mapping[str, Mapping[str, str]]]]:
    """A relay, the requests at the vendor of `default` that hangs, and the headers of each tenant."""
    async with emulated("drata") as emulator, hanging() as (origin, asked):
        good = {**emulator.destination(), "requests_per_minute": 0}
        objects = {kind: {"connection_id": 4, "resource_id": number} for number, kind in enumerate(KINDS, 1)}
        bad: dict[str, Any] = {**good, "base_url": origin, "objects": objects}
        quick = {"stop_seconds": 0, "commit_seconds": 0}
        config = relay_config(folder, destinations={"drata": bad}, relay=quick)
        config = config.model_copy(update={"tenants": {"acme": Tenant(destinations={"drata": good})}})
        async with relaying(config) as relay:
            headers = {}
            for tenant in ("default", "acme"):
                journal = await relay.gateway.journal()
                made, _ = await keys.issue(journal, name="test", tenant=tenant, may_read=True, may_write=True)
                headers[tenant] = {"Authorization": f"Bearer {made}"}
            yield relay, asked, headers


async def test_a_tenant_whose_vendor_hangs_holds_up_nobody_else(tmp_path: Path) -> None:
    """It has more lanes than the relay has places, and each of them waits for an answer that never comes."""
    async with two_tenants(tmp_path) as (relay, asked, headers), asyncio.timeout(30):
        journal = await relay.gateway.journal()
        for kind in KINDS:
            assert (await relay.post({"id": "x"}, kind=kind, headers=headers["default"])).status == 202
        for _ in range(SLOTS // 2):
            await asked.acquire()
        assert (await relay.post(cloud_resource(1), headers=headers["acme"])).status == 202
        while await journal.find(Filter(tenant="acme", state="queued")):  # noqa: ASYNC110 - no journal tells of its changes
            await asyncio.sleep(0.01)
        assert len(await journal.find(Filter(tenant="acme", state="done"))) == 1
        assert len(await journal.find(Filter(tenant="default", state="queued"))) == len(KINDS)
        assert asked.locked(), "half of the places, and no more"


async def test_so_do_its_snapshots(tmp_path: Path) -> None:
    async with two_tenants(tmp_path) as (relay, asked, headers), asyncio.timeout(30):

        async def commit(tenant: str, kind: str) -> str:
            """The path of a snapshot that was committed."""
            new = {"kind": kind, "to": ["drata"]}
            opened = await relay.ask("POST", "/v1/snapshots", json=new, headers=headers[tenant])
            path = f"/v1/snapshots/{opened.body['id']}"
            part = await relay.ask("PUT", f"{path}/parts/1", json=[{"id": "x", "type": "t"}], headers=headers[tenant])
            assert part.status == 200
            assert (await relay.ask("POST", f"{path}/commit", headers=headers[tenant])).status == 202
            return path

        for kind in KINDS:
            await commit("default", kind)
        for _ in range(SLOTS // 2):
            await asked.acquire()
        path = await commit("acme", "cloud_resource")
        while (await relay.ask("GET", path, headers=headers["acme"])).body["state"] != "delivered":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert asked.locked(), "half of the places, and no more"
