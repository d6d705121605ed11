"""A relay of two tenants: what one of them does to it, or its vendor, is nothing to the other."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.support.emulators import emulated, hanging
from tests.support.evidence import cloud_resource
from tests.support.relay import relay_config, relaying

from proofport.config import Tenant
from proofport.delivery.queue.worker import SLOTS
from proofport.journal.contract import Filter
from proofport.relay.access import keys


async def test_a_tenant_whose_vendor_hangs_holds_up_nobody_else(tmp_path: Path) -> None:
    """It has more lanes than the relay has places, and each of them waits for an answer that never comes."""
    kinds = [f"custom:k{number}" for number in range(SLOTS + 2)]
    async with emulated("drata") as emulator, hanging() as (origin, asked):
        good = {**emulator.destination(), "requests_per_minute": 0}
        objects = {kind: {"connection_id": 4, "resource_id": number} for number, kind in enumerate(kinds, 1)}
        bad: dict[str, Any] = {**good, "base_url": origin, "objects": objects}
        config = relay_config(tmp_path, destinations={"drata": bad}, relay={"stop_seconds": 0})
        config = config.model_copy(update={"tenants": {"acme": Tenant(destinations={"drata": good})}})
        async with relaying(config) as relay:
            journal = await relay.gateway.journal()
            headers = {}
            for tenant in ("default", "acme"):
                made, _ = await keys.issue(journal, name="test", tenant=tenant, may_read=True, may_write=True)
                headers[tenant] = {"Authorization": f"Bearer {made}"}
            for kind in kinds:
                answer = await relay.post({"id": "x"}, kind=kind, headers=headers["default"])
                assert answer.status == 202
            async with asyncio.timeout(20):
                for _ in range(SLOTS // 2):
                    await asked.acquire()
                assert (await relay.post(cloud_resource(1), headers=headers["acme"])).status == 202
                while await journal.find(Filter(tenant="acme", state="queued")):  # noqa: ASYNC110 - no journal tells of its changes
                    await asyncio.sleep(0.01)
            assert len(await journal.find(Filter(tenant="acme", state="done"))) == 1
            assert len(await journal.find(Filter(tenant="default", state="queued"))) == len(kinds)
            assert asked.locked(), "half of the places, and no more"
