"""Trouble on demand."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofport.testing import Faults
from proofport.testing.emulator_log import RateLimiter
from proofport_secureframe.emulator import SecureframeEmulator

GOOD = {"id": "i-1", "cloud_resource_type": "ec2_instance"}


async def test_a_status_is_answered_as_often_as_ordered(drata: Any) -> None:
    await drata.served.faults(status={"code": 503, "times": 2, "retry_after": 7})

    assert [(await drata.upload([{"id": "a"}]))[0] for _ in range(3)] == [503, 503, 200]


async def test_an_ordered_status_has_the_vendors_error_body_and_header(drata: Any, secureframe: Any) -> None:
    await drata.served.faults(status={"code": 402, "retry_after": "soon"})
    await secureframe.served.faults(status={"code": 500})

    status, body = await drata.upload([{"id": "a"}])
    assert (status, body["statusCode"], "name" in body) == (402, 402, False)
    assert drata.headers["Retry-After"] == "soon"
    assert set((await secureframe.publish("cloud_resource", GOOD))[1]) == {"message"}
    assert "Retry-After" not in secureframe.headers
    assert await drata.live() == {}


async def test_only_what_matches_is_hit(drata: Any) -> None:
    await drata.served.faults(status={"code": 500, "times": 9}, match={"method": "post", "path": "/sessions/[^/]+$"})

    assert (await drata.upload([{"id": "a"}]))[0] == 200
    assert (await drata("GET", drata.resource + "/sessions"))[0] == 200
    assert (await drata.upload([{"id": "a"}], "s-1"))[0] == 500


async def test_faults_can_be_cleared(drata: Any) -> None:
    await drata.served.faults(status={"code": 500, "times": 9})
    await drata.served.faults()

    assert (await drata.upload([{"id": "a"}]))[0] == 200


async def test_dropped_before_means_not_processed(drata: Any) -> None:
    await drata.served.faults(drop="before")

    with pytest.raises(aiohttp.ClientConnectionError):
        await drata.upload([{"id": "a"}])

    assert await drata.live() == {}
    assert (await drata.served.received())[0]["status"] is None


async def test_dropped_after_means_processed_and_not_answered(drata: Any) -> None:
    await drata.served.faults(drop="after")

    with pytest.raises(aiohttp.ClientConnectionError):
        await drata.upload([{"id": "a"}])

    assert await drata.live() == {"a": {"id": "a"}}
    assert (await drata.served.received())[0]["status"] is None


async def test_dropped_in_the_middle_means_half_an_answer(drata: Any) -> None:
    await drata.served.faults(drop="middle")

    with pytest.raises(aiohttp.ClientPayloadError):
        await drata.upload([{"id": "a"}])

    assert await drata.live() == {"a": {"id": "a"}}


async def test_an_answer_without_a_body_is_dropped_in_its_head(secureframe: Any) -> None:
    await secureframe.served.faults(drop="middle")

    with pytest.raises(aiohttp.ClientConnectionError):
        await secureframe.publish("cloud_resource", GOOD)

    assert "i-1" in await secureframe.resources("cloud_resource")


async def test_a_connection_is_dropped_as_often_as_ordered(drata: Any) -> None:
    await drata.served.faults(drop="before", drop_times=2)

    for _ in range(2):
        with pytest.raises(aiohttp.ClientConnectionError):
            await drata.upload([{"id": "a"}])

    assert (await drata.upload([{"id": "a"}]))[0] == 200


async def test_latency_outlasts_an_impatient_client(drata: Any) -> None:
    await drata.served.faults(latency_ms=60_000)

    with pytest.raises(TimeoutError):
        await drata("GET", drata.resource + "/records", timeout=aiohttp.ClientTimeout(total=0.05))


async def test_a_share_of_the_items_fails_with_the_vendors_words(drata: Any) -> None:
    await drata.served.faults(partial_item_failures=0.25)

    status, results = await drata.upload([{"id": f"r-{n}"} for n in range(8)])

    failed = [each for each in results if "error" in each]
    assert (status, len(failed)) == (200, 2)
    assert failed[0]["error"]["message"].startswith("Schema validation failed for data: [{")
    assert len(await drata.live()) == 6


async def test_items_behind_a_queue_fail_where_only_the_operator_sees(secureframe: Any) -> None:
    await secureframe.served.faults(partial_item_failures=1.0)

    assert await secureframe.publish("cloud_resource", GOOD) == (202, None)

    assert await secureframe.resources("cloud_resource") == {}
    assert await secureframe.reasons("cloud_resource") == ["the emulator was told to let this item fail"]


async def test_a_list_that_is_cut_short_looks_whole_and_is_tagged(drata: Any, secureframe: Any) -> None:
    await drata.upload([{"id": f"r-{n}"} for n in range(4)])
    await secureframe.publish("cloud_resource", *({**GOOD, "id": f"i-{n}"} for n in range(4)))
    await secureframe.resources("cloud_resource")
    for emulator, path in ((drata, drata.resource + "/records"), (secureframe, "/cloud_resources")):
        await emulator.served.faults(list_ends_after=3)
        shown = (await emulator("GET", path))[1]
        assert (len(shown["data"]), emulator.headers["X-Emulator-Fault"]) == (3, "list_ends_after")
        assert shown.get("pagination", {"cursor": None}) == {"cursor": None}
        await emulator.served.faults(list_ends_after=4)
        assert len((await emulator("GET", path))[1]["data"]) == 4
        assert "X-Emulator-Fault" not in emulator.headers
    assert len(await drata.live()) == 4


@given(st.floats(0, 1), st.integers(0, 300))
def test_items_fail_evenly(share: float, items: int) -> None:
    faults = Faults(partial_item_failures=share)

    failed = sum(faults.item_fails() for _ in range(items))

    assert abs(failed - share * items) < 1


class TestRateLimit:
    async def test_it_is_off_by_default(self, drata: Any) -> None:
        assert {(await drata.upload([]))[0] for _ in range(20)} == {200}

    async def test_more_than_the_limit_is_refused_and_told_how_long(self, drata: Any) -> None:
        await drata.served.switch(rate_limit=2)

        statuses = [(await drata.upload([{"id": "a"}]))[0] for _ in range(3)]

        assert statuses == [200, 200, 429]
        assert 1 <= int(drata.headers["Retry-After"]) <= 60

    async def test_the_other_vendor_does_not_say_how_long_unless_switched(self, secureframe: Any) -> None:
        await secureframe.served.switch(rate_limit=1)
        await secureframe("GET", "/devices")

        assert (await secureframe("GET", "/devices"))[0] == 429
        assert "Retry-After" not in secureframe.headers

        await secureframe.served.switch(retry_after=True)
        await secureframe("GET", "/devices")
        assert "Retry-After" in secureframe.headers

    async def test_it_is_asked_before_the_key(self, secureframe: Any) -> None:
        await secureframe.served.switch(rate_limit=1)
        secureframe.authorization = "wrong"

        assert [(await secureframe("GET", "/devices"))[0] for _ in range(2)] == [401, 429]

    def test_the_constructor_sets_the_switch_and_reset_keeps_it(self) -> None:
        emulator = SecureframeEmulator(rate_limit=500)
        emulator.switches.set({"rate_limit": 0})

        emulator.reset()

        assert emulator.switches["rate_limit"] == 500

    def test_the_window_slides(self) -> None:
        now = 0.0
        limiter = RateLimiter(lambda: now)
        assert limiter.wait("a", 2) == 0
        now = 40
        assert limiter.wait("a", 2) == 0
        assert limiter.wait("a", 2) == 20
        assert limiter.wait("b", 2) == 0
        now = 60
        assert limiter.wait("a", 2) == 0
        assert limiter.wait("a", 2) == 40


async def test_a_body_above_the_limit_is_too_large(drata: Any) -> None:
    await drata.served.switch(max_body_bytes=100)

    assert (await drata.upload([{"id": "a", "text": "x" * 100}]))[0] == 413
    assert (await drata.upload([{"id": "a"}]))[0] == 200
