"""What only Secureframe has: schemas that are frozen and defined by hand, and how its emulator's state is read."""

from __future__ import annotations

from typing import Any

from tests.support.destination import AtEmulator
from tests.support.evidence import Record

CONNECTION = "5f0c0c0e-0000-4000-8000-000000000001"
PUBLISH = {"method": "POST", "path": "/data$"}
"""The requests that publish, for faults."""


def schema(state: dict[str, Any], slug: str) -> dict[str, Any]:
    [connection] = state["connections"]
    found: dict[str, Any] = next(each for each in connection["schemas"] if each["slug"] == slug)
    return found


def records(state: dict[str, Any], kind: str) -> list[Record]:
    return list(schema(state, kind.rpartition(":")[2])["resources"])


def live(state: dict[str, Any], kind: str) -> set[str]:
    """The ids of what has not ended. The vendor deletes nothing."""
    return {each["id"] for each in records(state, kind) if each.get("active") is not False}


class Secureframe(AtEmulator):
    mode = "upsert"

    def deliver_under(self, kind: str, **settings: Any) -> None:
        """Deliver `kind` under a schema of these settings."""
        slug = settings.pop("schema_slug", kind.rpartition(":")[2])
        self.block["objects"] = {**self.block["objects"], kind: {"schema_slug": slug, **settings}}

    async def define(self, slug: str, model: str | None = None) -> None:
        """Do what a person does in the web application, once what was sent has been processed."""
        await self.emulator.state()
        more = {"model": model} if model else {}
        await self.emulator.control(
            "POST", "define-schema", connection_id=CONNECTION, slug=slug, primary_id="id", **more
        )

    async def confirm(self, kind: str) -> None:
        async with self.gateway() as gateway:
            await gateway.confirm_schema(self.name, kind=kind)

    async def schema(self, slug: str) -> dict[str, Any]:
        return schema(await self.emulator.state(), slug)

    async def held(self, slug: str) -> dict[str, Record]:
        """What a schema holds, by id."""
        return {each["id"]: each for each in await self.records(slug)}

    async def published(self) -> list[dict[str, Any]]:
        """The bodies of all publications, in their order."""
        return [each["body"] for each in await self.emulator.received() if each["path"].endswith("/data")]


def snapshot_requests(batches: int, gone: int) -> list[str]:
    """The methods of the requests of a snapshot of accounts: those that are gone are published once more."""
    return ["POST"] * (batches + gone)


def ended(body: Record) -> Record | None:
    """An account that is gone. None: it is no longer there."""
    return {**body, "active": False}
