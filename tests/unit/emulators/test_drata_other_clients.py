"""What other people's clients of Drata use: the paths of version 1, workspaces, the company, a limited key."""

from __future__ import annotations

from typing import Any

import pytest

from proofport_drata.emulator.emulator import SCOPED_KEY

RECORDS = "/public/custom-connections/1/resources/101/records"
DEVICES = "/public/custom-connections/5/devices"
DEVICE = {"personnelId": 1, "platformName": "MACOS", "platformVersion": "15", "serialNumber": "S"}


async def test_records_are_taken_by_the_paths_of_v1(drata: Any) -> None:
    assert (await drata("POST", RECORDS, {"data": [{"id": "a"}]}))[0] == 200
    status, body = await drata("PUT", f"{RECORDS}/a", {"data": {"n": 1}})
    assert (status, body["id"]) == (200, "a")
    assert await drata.live() == {"a": {"id": "a", "n": 1}}
    assert (await drata("DELETE", f"{RECORDS}/a"))[0] == 204
    assert await drata.live() == {}


class TestSessionsAsHeaders:
    async def test_a_session_is_staged_and_completed(self, drata: Any) -> None:
        await drata.upload([{"id": "old"}])
        await drata("POST", RECORDS, {"data": [{"id": "a"}]}, headers={"X-Session-ID": "run-1"})
        assert [*await drata.live()] == ["old"]

        more = {"X-Session-ID": "run-1", "X-Session-Complete": "true", "X-Session-Abort": "false"}
        status, body = await drata("POST", RECORDS, {"data": [{"id": "b"}]}, headers=more)

        assert (status, [each["id"] for each in body]) == (200, ["b"])
        assert [*await drata.live()] == ["a", "b"]
        assert await drata.sessions() == {"run-1": "ACTIVE"}

    async def test_a_session_is_cancelled(self, drata: Any) -> None:
        await drata("POST", RECORDS, {"data": [{"id": "a"}]}, headers={"X-Session-ID": "run-1"})

        status, _ = await drata(
            "POST", RECORDS, {"data": []}, headers={"X-Session-ID": "run-1", "X-Session-Abort": "true"}
        )

        assert (status, await drata.sessions()) == (200, {"run-1": "CANCELED"})
        assert await drata.live() == {}

    @pytest.mark.parametrize(
        "headers",
        [
            {"X-Session-ID": "no"},
            {"X-Session-ID": "not/this"},
            {"X-Session-Complete": "true"},
            {"X-Session-ID": "run-1", "X-Session-Complete": "soon"},
            {"X-Session-ID": "run-1", "X-Session-Complete": "true", "X-Session-Abort": "true"},
        ],
    )
    async def test_what_means_nothing_is_refused(self, drata: Any, headers: dict[str, str]) -> None:
        assert (await drata("POST", RECORDS, {"data": [{"id": "a"}]}, headers=headers))[0] == 400
        assert await drata.sessions() == {}


async def test_devices_are_taken_and_listed_by_the_path_of_v1(drata: Any) -> None:
    status, device = await drata("POST", DEVICES, DEVICE)
    assert (status, device["isDeviceCompliant"], device["userId"]) == (201, True, 1)
    assert (await drata("POST", DEVICES, {**DEVICE, "personnelId": "email:a@example.com"}))[0] == 400
    await drata("POST", DEVICES, {**DEVICE, "personnelId": 2, "serialNumber": "T"})

    _, page = await drata("GET", DEVICES + "?page=2.0&limit=1.0&expand[]=IDENTIFIERS")
    assert [page["page"], page["limit"], page["total"]] == [2, 1, 2]
    assert [(each["serialNumber"], each["identifiers"]) for each in page["data"]] == [("T", [])]

    _, page = await drata("GET", DEVICES + "?personnelId=1.0")
    assert [each["serialNumber"] for each in page["data"]] == ["S"]


async def test_the_tenant_has_one_workspace_and_a_company(drata: Any) -> None:
    _, page = await drata("GET", "/public/v2/workspaces")
    assert [(each["id"], each["primary"]) for each in page["data"]] == [(1, True)]
    assert page["pagination"] == {"cursor": None}
    assert (await drata("GET", "/public/workspaces"))[1]["total"] == 1
    assert (await drata("GET", "/public/workspaces?q=nothing"))[1]["data"] == []
    assert (await drata("GET", "/public/v2/company"))[1]["domain"] == "example.com"


async def test_a_key_that_is_limited_to_custom_connections(drata: Any) -> None:
    drata.authorization = f"Bearer {SCOPED_KEY}"

    assert (await drata.upload([{"id": "a"}]))[0] == 200
    for path in ("/public/v2/workspaces", "/public/workspaces", "/public/v2/company"):
        status, body = await drata("GET", path)
        assert (status, body["code"]) == (403, 4030)


async def test_a_plan_without_custom_connections_still_shows_the_tenant(drata: Any) -> None:
    await drata.served.switch(access="plan")

    assert (await drata("GET", "/public/v2/workspaces"))[0] == 200
    assert (await drata("GET", "/public/workspaces"))[0] == 402
    assert (await drata("POST", DEVICES, DEVICE))[0] == 402
