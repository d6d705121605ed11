"""What was delivered is counted where it was delivered: queued deliveries and snapshots."""

from __future__ import annotations

from pathlib import Path

from tests.support.evidence import cloud_resources
from tests.support.relay import relay_config, relaying
from tests.unit.relay.test_metrics import of, scraped

from proofport.testing import Running


async def test_outcomes_and_vendor_requests(drata_emulator: Running, tmp_path: Path) -> None:
    async with relaying(relay_config(tmp_path, drata_emulator)) as relay:
        await relay.post(cloud_resources(1, 2))
        await relay.settled()
        opened = await relay.ask("POST", "/v1/snapshots", json={"kind": "cloud_resource", "to": ["drata"]})
        at = f"/v1/snapshots/{opened.body['id']}"
        assert (await relay.ask("PUT", f"{at}/parts/a", json=cloud_resources(*range(1, 6)))).status == 200
        assert (await relay.ask("POST", f"{at}/commit")).status == 200
        await drata_emulator.faults(status={"code": 503, "times": 1})
        await relay.post(cloud_resources(6, 7))
        await relay.settled()
        found = await scraped(relay)
    delivered = of(found, "proofport_outcomes_total")
    assert delivered == {"destination=drata,status=delivered": 9}
    requests = of(found, "proofport_vendor_requests_total")
    assert requests["destination=drata,status=503"] == 1
    assert sum(requests.values()) > 2
