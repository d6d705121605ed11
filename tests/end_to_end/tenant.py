"""One Drata destination on the emulator, and what is asked of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from proofport.config import Config
from proofport.delivery.plan import Plan
from proofport.delivery.report import RunReport
from proofport.gateway import Gateway
from proofport.testing import Running

KINDS = {"cloud_resource": "records", "device": "devices", "person": "identities"}


class Tenant:
    """One destination on the emulator. `settings` are the destination's, `options` the configuration's."""

    def __init__(self, emulator: Running, folder: Path) -> None:
        self.emulator = emulator
        self.folder = folder
        self.settings = {**emulator.destination(), "requests_per_minute": 0}
        self.options: dict[str, Any] = {"patience": 0}

    def gateway(self, journal: str = "journal") -> Gateway:
        given = {"instance": "test", "journal": self.folder / journal, "destinations": {"drata": self.settings}}
        return Gateway(Config.model_validate({**given, **self.options}))

    async def push(
        self, records: Any, *, kind: str = "cloud_resource", mode: Any = "snapshot", **how: Any
    ) -> RunReport:
        async with self.gateway(how.pop("journal", "journal")) as gateway:
            return await gateway.push(records, kind=kind, to="drata", mode=mode, **how)

    async def plan(self, records: Any, *, kind: str = "cloud_resource", mode: Any = "snapshot") -> Plan:
        async with self.gateway() as gateway:
            return await gateway.plan(records, kind=kind, to="drata", mode=mode)

    async def held(self, kind: str = "cloud_resource") -> list[dict[str, Any]]:
        number = self.settings["objects"][kind]["connection_id"]
        connections = (await self.emulator.state())["connections"]
        connection = next(each for each in connections if each["id"] == number)
        found = connection["resources"][0] if kind == "cloud_resource" else connection
        rows: list[dict[str, Any]] = found[KINDS[kind]]
        return rows

    async def live(self) -> list[str]:
        return sorted(record["id"] for record in await self.held())

    async def sessions(self) -> list[str]:
        connections = (await self.emulator.state())["connections"]
        return [session["status"] for session in connections[0]["resources"][0]["sessions"]]

    async def seed(self, **resource: Any) -> None:
        """Replace the object of cloud resources: its records, its schema."""
        state = await self.emulator.state()
        state["connections"][0]["resources"][0] |= resource
        await self.emulator.control("POST", "seed", **state)


def resources(*ids: str, **more: Any) -> list[dict[str, Any]]:
    return [{"id": each, "type": "aws.ec2.instance", **more} for each in ids]


def many(count: int) -> list[dict[str, Any]]:
    return resources(*(f"i-{number:05}" for number in range(count)))


def counts(report: RunReport) -> dict[str, int]:
    tally = report.destinations["drata"].as_dict()
    return {name: tally[name] for name in ("delivered", "unchanged", "rejected", "withheld", "unknown") if tally[name]}


def notes(report: RunReport) -> str:
    return " ".join(report.destinations["drata"].notes)
