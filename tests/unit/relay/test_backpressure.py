"""Evidence is refused while too much waits, and taken again once it does not."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.emulators import block
from tests.support.evidence import cloud_resource, cloud_resources
from tests.support.relay import Relay, relay_config, relaying

from proofport.config.relay import Overload
from proofport.gateway import Gateway
from proofport.journal.contract import AccessKey, Arrival, Filter, LaneView
from proofport.relay.operating import backlog
from proofport.relay.operating.backlog import Backlog, Backpressure, View

NOW = 1_000_000.0


OBJECT = {"connection_id": 4, "resource_id": 104}


def place() -> dict[str, Any]:
    return {**block("drata"), "objects": {"cloud_resource": OBJECT}}


@pytest.fixture
async def relay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Relay]:
    monkeypatch.setattr(backlog, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(backlog, "SHARE", 0)
    settings = relay_config(tmp_path, destinations={"drata": place()}, relay={"overload": {"deliveries": 2}})
    async with relaying(settings, deliver=False) as opened:
        yield opened


async def test_at_the_limit_evidence_is_refused_and_everything_else_goes_on(
    relay: Relay, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "proofport.relay")
    journal = await relay.gateway.journal()
    opened = (await relay.ask("POST", "/v1/snapshots", json={"kind": "cloud_resource", "to": ["drata"]})).body
    for number in range(2):
        assert (await relay.post(cloud_resource(number))).status == 202

    part = f"/v1/snapshots/{opened['id']}/parts/a"
    for refused in [await relay.post(cloud_resource(2)), await relay.ask("PUT", part, json=cloud_resources(3))]:
        assert (refused.status, refused.problem) == (503, "overloaded")
        assert refused.headers["Retry-After"] == "30"
        assert "2" not in refused.body["detail"], "how much others have is not told"
    assert (await relay.ask("GET", "/readyz")).body["checks"]["room"]["ok"] is False
    assert len(await journal.find(Filter())) == 2
    assert (await relay.get(f"/v1/snapshots/{opened['id']}"))["parts"] == 0
    assert (await relay.ask("POST", "/v1/preview?kind=cloud_resource&to=drata", json=cloud_resource(1))).status == 200

    await journal.cancel(Filter(), "not needed")
    assert (await relay.post(cloud_resource(4))).status == 202
    told = [each.getMessage() for each in caplog.records if "overload" in each.getMessage() and "event" in each.msg]
    assert [text.partition(" ")[0] for text in told] == ["event='overloaded'", "event='overload_over'"]
    assert "2 deliveries wait, at most 2 may" in told[0]


def lane(queued: int, waited: float, parked: str | None = None, name: str = "l") -> LaneView:
    return LaneView(name, queued, NOW - waited if queued else None, 0, 1, None, None, 0.0, parked)


@pytest.mark.parametrize(
    ("limits", "view", "excess"),
    [
        ({"deliveries": 3}, View([lane(1, 0), lane(1, 0, name="m")], None, NOW), None),
        ({"deliveries": 3}, View([lane(1, 0), lane(2, 0, "parked", "m")], None, NOW), "3 deliveries wait"),
        ({"deliveries": 0}, View([lane(10**9, 0)], None, NOW), None),
        ({"bytes": 1000}, View([lane(1, 0)], None, NOW, {"default": 999}), None),
        ({"bytes": 1000}, View([lane(1, 0)], None, NOW, {"default": 1000}), "1,000 bytes wait, at most 1,000 may"),
        ({"age_seconds": 60}, View([lane(1, 59.9)], None, NOW), None),
        ({"age_seconds": 60}, View([lane(1, 0), lane(1, 60)], None, NOW), "has waited for 60 s"),
        ({"age_seconds": 60}, View([lane(1, 600, "parked"), lane(0, 0)], None, NOW), None),
        ({"age_seconds": 0}, View([lane(1, 10**9)], None, NOW), None),
        ({"free_bytes": 1000}, View([], 1000, NOW), None),
        ({"free_bytes": 1000}, View([], 999, NOW), "999 bytes of the journal's disk are free"),
        ({"free_bytes": 1000}, View([], None, NOW), None),
        ({"free_bytes": 0}, View([], 0, NOW), None),
    ],
)
def test_each_limit(tmp_path: Path, limits: dict[str, Any], view: View, excess: str | None) -> None:
    pressure = Backpressure(Backlog(Gateway(relay_config(tmp_path))), Overload.model_validate(limits), ["default"])
    found = pressure.excess(view, "default")
    assert found is None if excess is None else excess in str(found)


# ---------------------------------------------------------------------- one tenant beside others
THREE = ["default", "acme", "other"]
FLOODED = [lane(1, 600, name="mine"), lane(9, 0, name="@acme/l"), lane(0, 0, name="@other/l")]


@pytest.mark.parametrize(
    ("limits", "view", "refused"),
    [
        ({"deliveries": 10}, View(FLOODED, None, NOW), ["acme"]),
        ({"deliveries": 10}, View([lane(4, 0), lane(6, 0, name="@acme/l")], None, NOW), ["default", "acme"]),
        ({"deliveries": 11}, View(FLOODED, None, NOW), []),
        ({"bytes": 100}, View([], None, NOW, {"default": 20, "acme": 80}), ["acme"]),
        ({"age_seconds": 60}, View(FLOODED, None, NOW), ["default"]),
        ({"free_bytes": 1000}, View(FLOODED, 999, NOW, {"default": 20, "acme": 80}), ["acme"]),
        ({"free_bytes": 1000}, View(FLOODED, 499, NOW, {"default": 20, "acme": 80}), THREE),
        ({"free_bytes": 1000}, View([], 999, NOW, {}), THREE),
        ({"tenant_deliveries": 9}, View(FLOODED, None, NOW), ["acme"]),
    ],
)
def test_whoever_has_more_than_its_share_is_refused_and_nobody_else(
    tmp_path: Path, limits: dict[str, Any], view: View, refused: list[str]
) -> None:
    pressure = Backpressure(Backlog(Gateway(relay_config(tmp_path))), Overload.model_validate(limits), THREE)
    assert pressure.refused(view) == refused


async def test_a_tenant_and_a_lane_have_limits_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(backlog, "SHARE", 0)
    both = {**place(), "objects": {"cloud_resource": OBJECT, "custom:a": {**OBJECT, "resource_id": 105}}}
    limits = {"lane_deliveries": 2, "tenant_deliveries": 3}
    settings = relay_config(tmp_path, destinations={"drata": both}, relay={"overload": limits})
    async with relaying(settings, deliver=False) as relay:
        for number in range(2):
            assert (await relay.post(cloud_resource(number))).status == 202
        lane_is_full = await relay.post(cloud_resource(2))
        assert (await relay.post([{"id": "a"}], kind="custom:a")).status == 202
        tenant_is_full = await relay.post([{"id": "b"}], kind="custom:a")
    for refused, said in (
        (lane_is_full, "2 deliveries wait in the lane"),
        (tenant_is_full, "3 of your deliveries wait, at most 3 may"),
    ):
        assert (refused.status, refused.problem, refused.headers["Retry-After"]) == (429, "backlog-full", "30")
        assert said in refused.body["detail"]


async def test_a_limit_of_bytes_is_for_what_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(backlog, "SHARE", 0)
    settings = relay_config(tmp_path, destinations={"drata": place()}, relay={"overload": {"bytes": 1}})
    async with relaying(settings, deliver=False) as relay:
        assert (await relay.post(cloud_resource(1))).status == 202
        assert (await relay.post(cloud_resource(2))).problem == "overloaded"


async def test_the_disk_is_the_one_with_the_journal(tmp_path: Path) -> None:
    async with Gateway(relay_config(tmp_path)) as gateway:
        view = await Backlog(gateway).look()
    assert view.free_bytes is not None
    assert view.free_bytes > 0


async def test_one_look_answers_everybody_for_a_while_and_a_slow_one_for_longer(tmp_path: Path) -> None:
    now, looks = [0.0], []

    class Slow:
        async def lanes(self) -> list[LaneView]:
            looks.append(now[0])
            now[0] += 0.5
            return []

        async def arrivals(self) -> list[Arrival]:
            return []

        async def access_keys(self) -> list[AccessKey]:
            return []

    class Fake(Gateway):
        async def journal(self) -> Any:
            return Slow()

    looked = Backlog(Fake(relay_config(tmp_path)), timer=lambda: now[0])
    for now[0] in (0.0, 0.6, 10.4, 10.6):
        await looked.look()
    assert looks == [0.0, 10.6], "half a second of counting in every ten"
