"""Secureframe, for the tests that hold every emulator to its document."""

from __future__ import annotations

from typing import Any

from tests.support.emulators import seeded
from tests.support.secureframe import CONNECTION

from proofport.testing import Emulator, Running
from proofport_secureframe.emulator.entities import ENTITIES

USER = "20000000-0000-4000-8000-000000000001"
KNOWN: dict[str, list[str]] = {"id": [CONNECTION, "10000000-0000-4000-8000-000000000001", USER]}
SCHEMAS = ["cloud_resource", "training_record", "personnel_account", "device", "software_package", "new"]
"""The slugs that requests are made up with."""
KNOWN |= {"schema_slug": SCHEMAS, "vendor_slug": ["acme"]}
WITNESS = "5f0c0c0e-0000-4000-8000-00000000aaaa"
WITNESSES = [
    f"/integration_connections/{WITNESS}",
    "/user_accounts?q=vendor_name:Witness",
    "/cloud_resources?q=vendor_name:Witness&sort=-third_party_id",
]
KEY, WRONG = "secureframe-emulator-key secureframe-emulator-secret", "x y"
HOSTILE = [
    ("POST", "/custom_connections/5f0c0c0e-0000-4000-8000-000000000001/data"),
    ("GET", "/cloud_resources?q=%00&page=1"),
    ("GET", "/user_accounts?sort=,-,&per_page=1e3"),
]
READER = "secureframe-reader-key secureframe-reader-secret"


def filled() -> Emulator:
    emulator = seeded("secureframe")
    state = emulator.state()
    for schema in state["connections"][0]["schemas"]:
        schema["resources"] = [{"id": "a", "email": "a@example.com", "cloud_resource_type": "vpc"}]
    models = ("personnel_account", "cloud_resource")
    state["connections"].append(
        {
            "id": WITNESS,
            "vendor_slug": "witness",
            "vendor_name": "Witness",
            "schemas": [{"slug": each, "model": each, "resources": [{"id": "w", "region": "w"}]} for each in models],
        }
    )
    emulator.load({**state, "users": [{"id": USER, "email": "a@example.com"}]})
    return emulator


async def authorization(_: Running) -> str:
    return KEY


async def walk(served: Running, expect: Any) -> None:
    publish = f"/custom_connections/{CONNECTION}/data"
    body = {"schema_slug": "cloud_resource", "vendor_slug": "acme"}
    items = {
        "cloud_resource": {"id": "a", "cloud_resource_type": "ec2_instance"},
        "personnel_account": {"id": "a", "email": "a@example.com"},
        "device": {"id": "a"},
    }
    for slug, item in items.items():
        await expect(KEY, 202, "POST", publish, {**body, "schema_slug": slug, "resource_data": [item]})
    state = await served.state()
    await served.control("POST", "seed", **{**state, "users": [{"email": "a@example.com"}]})
    await expect(KEY, 400, "POST", publish, body)
    await expect(WRONG, 401, "POST", publish, body)
    await expect(READER, 403, "POST", publish, body)
    await expect(KEY, 404, "POST", publish.replace("0001/", "0002/"), body)
    for meta in (False, True):
        await served.switch(meta=meta)
        for entity in ENTITIES:
            found = await expect(KEY, 200, "GET", f"/{entity.path}")
            await expect(KEY, 200, "GET", f"/{entity.path}/{found['data'][0]['id']}")
            await expect(KEY, 404, "GET", f"/{entity.path}/none")
            await expect(KEY, 400, "GET", f"/{entity.path}?q=nothing:x")
            await expect(WRONG, 401, "GET", f"/{entity.path}")
    await served.switch(rate_limit=1)
    for _ in range(2):
        await served.client.get(served.origin + "/devices")
