"""One Secureframe destination on the emulator, and what is asked of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from proofport.config import Config
from proofport.delivery.report import RunReport
from proofport.gateway import Gateway
from proofport.gateway.verify import Verification
from proofport.testing import Running

CONNECTION = "5f0c0c0e-0000-4000-8000-000000000001"
PUBLISH = {"method": "POST", "path": "/data$"}


class Company:
    """`settings` are the destination's, `options` the configuration's, `others` more destinations."""

    def __init__(self, emulator: Running, folder: Path) -> None:
        self.emulator = emulator
        self.folder = folder
        self.settings = {**emulator.destination(), "requests_per_minute": 0}
        self.options: dict[str, Any] = {"patience": 0}
        self.others: dict[str, Any] = {}

    def gateway(self) -> Gateway:
        destinations = {"secureframe": self.settings, **self.others}
        given = {"instance": "test", "journal": self.folder / "journal", "destinations": destinations}
        return Gateway(Config.model_validate({**given, **self.options}))

    def object(self, kind: str, **settings: Any) -> None:
        """Deliver `kind` under a schema of these settings."""
        slug = settings.pop("schema_slug", kind.rpartition(":")[2])
        self.settings["objects"] = {**self.settings["objects"], kind: {"schema_slug": slug, **settings}}

    async def push(
        self, records: Any, *, kind: str = "cloud_resource", mode: Any = "upsert", to: Any = "secureframe", **how: Any
    ) -> RunReport:
        async with self.gateway() as gateway:
            return await gateway.push(records, kind=kind, to=to, mode=mode, **how)

    async def confirm(self, kind: str) -> None:
        async with self.gateway() as gateway:
            await gateway.confirm_schema("secureframe", kind=kind)

    async def verify(self, kind: str, **how: Any) -> Verification:
        async with self.gateway() as gateway:
            return await gateway.verify("secureframe", kind=kind, **how)

    async def define(self, slug: str, model: str | None = None) -> None:
        """What a person does in the web application, once what was sent has been processed."""
        await self.emulator.state()
        more = {"model": model} if model else {}
        await self.emulator.control(
            "POST", "define-schema", connection_id=CONNECTION, slug=slug, primary_id="id", **more
        )

    async def schema(self, slug: str) -> dict[str, Any]:
        (connection,) = (await self.emulator.state())["connections"]
        found: dict[str, Any] = next(each for each in connection["schemas"] if each["slug"] == slug)
        return found

    async def held(self, slug: str) -> dict[str, Any]:
        return {each["id"]: each for each in (await self.schema(slug))["resources"]}

    async def published(self) -> list[dict[str, Any]]:
        """The bodies of all publications, in their order."""
        return [each["body"] for each in await self.emulator.received() if each["path"].endswith("/data")]


def instances(*ids: str, **more: Any) -> list[dict[str, Any]]:
    whole = {"type": "aws.ec2.instance", "name": "web", "account_id": "1", "region": "eu-west-1"}
    return [{"id": each, **whole, **more} for each in ids]


def accounts(*ids: str, **more: Any) -> list[dict[str, Any]]:
    return [{"id": each, "email": f"{each}@example.com", "active": True, **more} for each in ids]


def counts(report: RunReport) -> dict[str, int]:
    tally = report.destinations["secureframe"].as_dict()
    return {name: tally[name] for name in ("delivered", "unchanged", "rejected", "withheld", "unknown") if tally[name]}


def problems(report: RunReport) -> list[str]:
    return [f"{row.id}: {row.outcome.problem}" for row in report.destinations["secureframe"].problems]


def notes(report: RunReport) -> str:
    return " ".join(report.destinations["secureframe"].notes)


async def drain(gateway: Gateway) -> None:
    """Deliver all that is queued."""
    stop, journal = asyncio.Event(), await gateway.journal()
    working = asyncio.create_task(gateway.work(stop))
    while any(lane.queued for lane in await journal.lanes()):  # noqa: ASYNC110 - a journal has no event for this
        await asyncio.sleep(0.01)
    stop.set()
    await working
