"""Clients that speak to the emulators as a vendor's customer would."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from tests.support.vanta import authorization
from tests.unit.emulators.client import Client, Vanta

from proofport.testing import Running

CONNECTION = "5f0c0c0e-0000-4000-8000-000000000001"


@dataclass(slots=True)
class Drata(Client):
    resource: str = "/public/v2/custom-connections/1/resources/101"

    async def upload(self, data: Any, session: str | None = None) -> tuple[int, Any]:
        path = f"/sessions/{session}" if session else "/records"
        return await self("POST", self.resource + path, {"data": data})

    async def act(self, session: str, action: str) -> tuple[int, Any]:
        return await self("POST", f"{self.resource}/sessions/{session}/actions", {"action": action})

    async def live(self) -> dict[str, Any]:
        """The records that the list without a session shows, by id."""
        status, body = await self("GET", self.resource + "/records?size=500")
        assert status == 200
        return {record["id"]: record["attributes"] for record in body["data"]}

    async def sessions(self) -> dict[str, str]:
        _, body = await self("GET", self.resource + "/sessions")
        return {each["sessionId"]: each["status"] for each in body["data"]}


@dataclass(slots=True)
class Secureframe(Client):
    async def publish(self, slug: str, *items: Any, **more: Any) -> tuple[int, Any]:
        body = {"schema_slug": slug, "vendor_slug": "acme", "resource_data": list(items), **more}
        return await self("POST", f"/custom_connections/{CONNECTION}/data", body)

    async def schema(self, slug: str) -> dict[str, Any]:
        """What the operator sees of a schema once everything is processed."""
        state = await self.served.state()
        return next(each for each in state["connections"][0]["schemas"] if each["slug"] == slug)

    async def resources(self, slug: str) -> dict[str, Any]:
        return {each["id"]: each for each in (await self.schema(slug))["resources"]}

    async def reasons(self, slug: str) -> list[str]:
        return [failure["reason"] for failure in (await self.schema(slug))["failures"]]


@pytest.fixture
def drata(drata_emulator: Running) -> Drata:
    return Drata(drata_emulator, f"Bearer {drata_emulator.destination()['api_key']}")


@pytest.fixture
def secureframe(secureframe_emulator: Running) -> Secureframe:
    block = secureframe_emulator.destination()
    return Secureframe(secureframe_emulator, f"{block['api_key']} {block['api_secret']}")


@pytest.fixture
async def vanta(vanta_emulator: Running) -> Vanta:
    return Vanta(vanta_emulator, await authorization(vanta_emulator))
