"""Every operation of Secureframe's document through our client, over a real socket, both ways held to the document."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.emulators import document
from tests.support.evidence import COMPLETE, cloud_resource, personnel_accounts
from tests.support.openapi import Contract
from tests.support.secureframe import Secureframe
from tests.unit.delivery.support import memory_journal

from proofport.adapter import Answer
from proofport.errors import Blocked, ConfigError, UsageError
from proofport.http.sender import Sender
from proofport.operations import find, perform
from proofport.testing import Running
from proofport_secureframe import SecureframeAdapter, SecureframeSettings
from proofport_secureframe.operations import ENTITIES

DOCUMENT = document("secureframe")
Perform = Callable[..., Awaitable[Answer]]


def adapter_of(emulator: Running, **changes: Any) -> SecureframeAdapter:
    block = {name: value for name, value in emulator.destination().items() if name != "adapter"}
    return SecureframeAdapter(SecureframeSettings.model_validate({**block, **changes}))


@pytest.fixture
async def call(secureframe_emulator: Running) -> AsyncIterator[Perform]:
    adapter = adapter_of(secureframe_emulator)
    async with Sender(adapter, await memory_journal()) as sender:

        async def call(name: str, /, **parameters: Any) -> Answer:
            return await perform(find(adapter, name), parameters, sender)

        yield call


def requests_fit(emulator: Running, contract: Contract) -> None:
    assert emulator.emulator.log
    for entry in emulator.emulator.log:
        media = entry.headers.get("Content-Type", "")
        assert contract.request_problem(entry.method, entry.path, entry.query, media, entry.body) is None


async def filled(call: Perform, emulator: Running) -> None:
    """One row in every list."""
    await call("publish", schema_slug="cloud_resource", resource_data=[{"id": "a", "cloud_resource_type": "vpc"}])
    await call("publish", schema_slug="personnel_account", resource_data=[{"id": "a", "email": "a@example.com"}])
    await call("publish", schema_slug="device", resource_data=[{"id": "a", "serial_number": "S"}])
    state = await emulator.state()
    await emulator.control("POST", "seed", **{**state, "users": [{"email": "a@example.com"}]})


async def test_each_is_walked_and_fits_the_document(
    call: Perform, secureframe_emulator: Running, secureframe_contract: Contract
) -> None:
    """That the answers fit is what the emulator's fixture checks at the end."""
    secureframe_contract.seen.clear()
    await filled(call, secureframe_emulator)
    for entity in ENTITIES:
        rows = (await call(f"list_{entity.many}", all=True, sort="-id")).value["data"]
        assert len(rows) == 1
        one = (await call(f"get_{entity.one}", id=rows[0]["id"])).value["data"]
        assert one == rows[0]
    requests_fit(secureframe_emulator, secureframe_contract)
    declared = {each[:2] for each in secureframe_contract.operations()}
    assert len(declared) == 11
    assert {(method, path) for method, path, status in secureframe_contract.seen if status < 300} == declared


async def test_what_deliveries_ask_fits_the_document_too(
    secureframe_emulator: Running, secureframe_contract: Contract, tmp_path: Path
) -> None:
    """Full and partial publishes, removals, every kind of reading back, and `doctor`."""
    here, whole = Secureframe(secureframe_emulator, tmp_path), [cloud_resource("a", **COMPLETE)]
    await here.push(whole, mode="snapshot")
    await here.push([{"id": "a", "region": None}], mode="patch")
    await here.push(personnel_accounts("a", "b"), kind="personnel_account")
    await here.push([{"id": "a"}], kind="personnel_account", mode="remove")
    await here.push([{"id": "a", "serial_number": "S"}], kind="device")
    await here.emulator.state()
    for kind in ("cloud_resource", "personnel_account", "device"):
        await here.verify(kind)
    async with here.gateway() as gateway:
        await gateway.check("secureframe")
        await gateway.plan(whole, kind="cloud_resource", to="secureframe")
    requests_fit(here.emulator, secureframe_contract)
    reads = {each["path"] for each in await here.emulator.received() if each["method"] == "GET"}
    assert reads == {"/cloud_resources", "/user_accounts", "/devices", "/integration_connections"}


def test_no_operation_is_left_out(secureframe_emulator: Running) -> None:
    operations = adapter_of(secureframe_emulator).operations()
    assert len({each.name for each in operations}) == len(operations) == 11
    assert len([method for methods in DOCUMENT["paths"].values() for method in methods if method != "parameters"]) == 11
    assert [each.name for each in operations if each.destructive] == ["publish"]
    for each in operations:
        assert 0 < len(each.summary) <= 55
        assert re.fullmatch(r"publish|(list|get)_[a-z_]+", each.name)


async def test_a_list_goes_on_to_an_empty_page_when_asked(call: Perform, secureframe_emulator: Running) -> None:
    for start in (0, 120):
        data = [{"id": f"d{number}"} for number in range(start, start + 120)]
        await call("publish", schema_slug="device", resource_data=data)
    await secureframe_emulator.state()
    assert len((await call("list_devices")).value["data"]) == 100
    assert len((await call("list_devices", page=3)).value["data"]) == 40
    assert len((await call("list_devices", all=True, page=2)).value["data"]) == 140


async def test_the_vendors_words_reach_whoever_asks(call: Perform, secureframe_emulator: Running) -> None:
    with pytest.raises(UsageError, match="Device is not filterable by email"):
        await call("list_devices", q="email:a@example.com")
    with pytest.raises(ConfigError, match="Device not found"):
        await call("get_device", id="a/../b")
    reader = adapter_of(secureframe_emulator, api_key="secureframe-reader-key", api_secret="secureframe-reader-secret")
    async with Sender(reader, await memory_journal()) as sender:
        with pytest.raises(Blocked, match="may not push"):
            await perform(find(reader, "publish"), {"schema_slug": "a", "resource_data": [{"id": "a"}]}, sender)


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        ("publish", {"schema_slug": "Not A Slug", "resource_data": [{"id": "a"}]}, "schema_slug"),
        ("publish", {"schema_slug": "a", "resource_data": []}, "resource_data"),
        ("list_devices", {"per_page": 101}, "less than or equal to 100"),
        ("list_devices", {"page": 0}, "page"),
        ("get_device", {"id": ".."}, "an id"),
        ("get_devices", {"id": "a"}, "Did you mean 'get_device'"),
    ],
)
async def test_wrong_parameters_send_nothing(
    call: Perform, secureframe_emulator: Running, name: str, parameters: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError) as caught:
        await call(name, **parameters)
    assert words in str(caught.value)
    assert await secureframe_emulator.received() == []
