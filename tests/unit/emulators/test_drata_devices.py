"""Devices of the Drata emulator."""

from __future__ import annotations

from typing import Any

import pytest

PATH = "/public/v2/custom-connections/5/devices"
LIST = "/public/v2/connections/5/devices"
DEVICE = {"personnelId": "email:ana@example.com", "platformName": "MACOS", "platformVersion": "15.1"}
KEYED = {**DEVICE, "externalId": "d-1", "serialNumber": "S1", "macAddress": "aa:bb"}


async def test_a_device_is_created_then_updated_by_any_of_its_keys(drata: Any) -> None:
    status, device = await drata("POST", PATH, {**KEYED, "encryptionEnabled": True, "model": "M1"})
    assert status == 201

    for key in ("externalId", "serialNumber", "macAddress"):
        status, again = await drata("POST", PATH, {**DEVICE, key: KEYED[key], "encryptionEnabled": False})
        assert (status, again["id"], again["encryptionEnabled"]) == (200, device["id"], False)

    assert len((await drata("GET", LIST))[1]["data"]) == 1


@pytest.mark.parametrize(("reading", "model"), [("merge", "M1"), ("replace", None)])
async def test_what_an_update_omits(drata: Any, reading: str, model: str | None) -> None:
    await drata.served.switch(device_update=reading, device_update_status=201)
    await drata("POST", PATH, {**KEYED, "model": "M1"})

    assert (await drata("POST", PATH, KEYED))[0] == 201
    assert (await drata("GET", LIST))[1]["data"][0]["model"] == model


async def test_only_half_of_a_device_can_be_read(drata: Any) -> None:
    _, device = await drata(
        "POST", PATH, {**KEYED, "alias": "Ana's", "screenLockEnabled": True, "antivirusEnabled": None}
    )

    _, shown = await drata("GET", f"/public/v2/devices/{device['id']}?expand[]=deviceApps&expand[]=asset")

    assert not {"alias", "screenLockEnabled", "platformName", "platformVersion"} & shown.keys()
    assert (shown["osVersion"], shown["antivirusEnabled"], shown["apps"]) == ("15.1", None, [])
    assert shown["asset"]["name"] == "Ana's"
    assert (await drata.served.state())["connections"][4]["devices"][0]["screenLockEnabled"] is True


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"personnelId": None}, "personnelId"),
        ({"personnelId": "ana@example.com"}, "personnelId"),
        ({"platformName": "IOS"}, "platformName"),
        ({"platformVersion": "x" * 192}, "platformVersion"),
        ({"encryptionEnabled": "yes"}, "encryptionEnabled"),
        ({"appList": [{"name": "a"}]}, "appList"),
        ({"alias": None}, "alias"),
    ],
)
async def test_a_wrong_device_is_refused(drata: Any, changes: dict[str, Any], says: str) -> None:
    status, body = await drata("POST", PATH, {**KEYED, **changes})

    assert (status, says in body["message"]) == (400, True)


async def test_an_unknown_owner(drata: Any) -> None:
    await drata("POST", PATH, KEYED)
    await drata.served.switch(unknown_owner=True)

    assert (await drata("POST", PATH, {**KEYED, "personnelId": "email:bo@example.com"}))[0] == 404
    _, known = await drata("POST", PATH, KEYED)
    assert (await drata("POST", PATH, {**KEYED, "personnelId": known["personnelId"]}))[0] == 200
    assert (await drata("POST", PATH, {**KEYED, "personnelId": 4711}))[0] == 404


@pytest.mark.parametrize("number", [1e20, 1.9, -3, 0, 10**15])
async def test_a_number_that_nobody_can_have_spoils_nothing(drata: Any, number: float) -> None:
    assert (await drata("POST", PATH, {**KEYED, "personnelId": number}))[0] == 404
    assert (await drata("GET", LIST))[1]["data"] == []


@pytest.mark.parametrize(("created", "devices"), [(True, 2), (False, 0)])
async def test_a_device_without_a_key(drata: Any, created: bool, devices: int) -> None:
    await drata.served.switch(device_without_key=created)

    assert [(await drata("POST", PATH, DEVICE))[0] for _ in range(2)] == [201 if created else 400] * 2
    assert len((await drata("GET", LIST))[1]["data"]) == devices


@pytest.mark.parametrize(("reading", "status"), [("first", 200), ("refused", 400)])
async def test_keys_of_two_devices(drata: Any, reading: str, status: int) -> None:
    await drata.served.switch(keys_of_two_devices=reading)
    await drata("POST", PATH, {**DEVICE, "externalId": "a"})
    await drata("POST", PATH, {**DEVICE, "serialNumber": "b"})

    assert (await drata("POST", PATH, {**DEVICE, "externalId": "a", "serialNumber": "b"}))[0] == status


async def test_devices_are_found_by_their_keys_and_owner(drata: Any) -> None:
    _, device = await drata("POST", PATH, KEYED)
    await drata("POST", PATH, {**DEVICE, "personnelId": 9, "externalId": "d-2", "macAddress": "cc"})

    async def found(query: str) -> list[str]:
        return [each["externalId"] for each in (await drata("GET", f"{LIST}?{query}"))[1]["data"]]

    assert await found("externalId=d-1") == ["d-1"]
    assert await found("macAddress=cc,dd") == ["d-2"]
    assert await found(f"personnelId={device['personnelId']}") == ["d-1"]
    assert await found("serialNumber=none") == []


async def test_a_device_is_deleted_from_its_connection(drata: Any) -> None:
    _, device = await drata("POST", PATH, KEYED)

    assert await drata("DELETE", f"{PATH}/{device['id']}") == (204, None)
    assert (await drata("DELETE", f"{PATH}/{device['id']}"))[0] == 404
    assert (await drata("GET", f"/public/v2/devices/{device['id']}"))[0] == 404


async def test_another_connection_has_no_devices(drata: Any) -> None:
    assert (await drata("GET", LIST.replace("/5/", "/1/")))[0] == 400
    assert (await drata("POST", PATH.replace("/5/", "/6/"), KEYED))[0] == 400
    assert (await drata("POST", PATH.replace("/5/", "/99/"), KEYED))[0] == 404
