"""A worker that is asked how it does: health and metrics, and no other path."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest
from tests.support.destination import deliver
from tests.support.drata import Drata
from tests.support.evidence import cloud_resource
from tests.support.programs import process

from proofport.cli import app
from proofport.errors import ConfigError
from proofport.relay.access import keys
from proofport.relay.serving import observing


async def text(origin: str, path: str, **headers: str) -> tuple[int, str]:
    async with aiohttp.ClientSession(headers=headers) as client, client.get(origin + path) as answer:
        return answer.status, await answer.text()


async def test_it_has_health_and_metrics_and_nothing_else(drata: Drata) -> None:
    async with drata.gateway() as gateway:
        await gateway.submit([cloud_resource(1)], to="drata", kind="cloud_resource")
        async with observing(gateway, "127.0.0.1", 0) as (origin, _):
            assert await text(origin, "/healthz") == (200, '{"status":"alive"}')
            status, ready = await text(origin, "/readyz")
            assert (status, '"journal"' in ready) == (200, True)
            status, metrics = await text(origin, "/metrics")
            assert 'proofport_lane_queued_deliveries{destination="drata",kind="cloud_resource",lane="' in metrics
            for path in ("/v1/deliveries", "/docs", "/v1/evidence/device"):
                assert (await text(origin, path))[0] == 404


async def test_readiness_fails_for_a_parked_lane(drata: Drata) -> None:
    async with drata.gateway() as gateway:
        await gateway.submit([cloud_resource(1)], to="drata", kind="cloud_resource")
        journal = await gateway.journal()
        [lane] = await journal.lanes()
        run = await journal.claim(lane.lane, owner="me", lease=60)
        assert run is not None
        await run.park("a reason")
        async with observing(gateway, "127.0.0.1", 0) as (origin, _):
            status, ready = await text(origin, "/readyz")
            assert (status, "1 of 1 lanes are parked" in ready) == (503, True)


async def test_what_it_delivers_is_counted(drata: Drata) -> None:
    async with drata.gateway() as gateway, observing(gateway, "127.0.0.1", 0) as (origin, watch):
        await gateway.submit([cloud_resource(1)], to="drata", kind="cloud_resource")
        await deliver(gateway, watch)
        _, metrics = await text(origin, "/metrics")
        assert 'proofport_outcomes_total{destination="drata",status="delivered"} 1.0' in metrics
        confirmed = "proofport_last_confirmed_delivery_timestamp_seconds"
        assert f'{confirmed}{{destination="drata",kind="cloud_resource"}}' in metrics


async def test_other_machines_need_a_key(drata: Drata) -> None:
    async with drata.gateway() as gateway:
        with pytest.raises(ConfigError, match="the worker would listen on") as caught:
            async with observing(gateway, "0.0.0.0", 9090):
                pass
        assert "listen on this machine only: `--listen 9090`." in (caught.value.hint or "")
        token, _ = await keys.issue(
            await gateway.journal(), name="prometheus", tenant="default", may_read=True, may_write=False
        )
        async with observing(gateway, "127.0.0.1", 0) as (origin, _):
            assert (await text(origin, "/healthz"))[0] == 200
            assert (await text(origin, "/metrics"))[0] == 401
            assert (await text(origin, "/metrics", Authorization=f"Bearer {token}"))[0] == 200


@pytest.mark.parametrize("listen", ["here", "1:2:3", "127.0.0.1:", "70000", "::1:80"])
def test_what_is_no_address_is_refused(listen: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["worker", "--listen", listen]) == 2
    assert "expected PORT, HOST:PORT or [IPV6]:PORT" in " ".join(capsys.readouterr().err.split())


async def test_the_command_says_where_it_listens(tmp_path: Path) -> None:
    (tmp_path / "proofport.yaml").write_text("instance: test\n")
    async with process("worker", "--listen", "0", folder=tmp_path) as worker:
        assert worker.stdout is not None
        said = (await worker.stdout.readline()).decode()
        assert said.startswith("listening on http://127.0.0.1:")
        assert (await text(said.split()[-1], "/healthz"))[0] == 200
        worker.terminate()
        await worker.communicate()
        assert worker.returncode == 0
