"""What only Drata has: sessions, objects that differ by kind, and how its emulator's state is read."""

from __future__ import annotations

from typing import Any

from tests.support.destination import AtEmulator
from tests.support.evidence import Record

from proofport.testing import Emulator

CONNECTIONS = {"device": ("MDM", "devices"), "person": ("HRIS", "identities")}
"""The connections of kinds that have no resource: their type, and where their rows are."""


def resource(state: dict[str, Any], kind: str = "cloud_resource") -> dict[str, Any]:
    """The object that holds a kind: its records and its sessions."""
    resources = (each for connection in state["connections"] for each in connection["resources"])
    found: dict[str, Any] = next(each for each in resources if each["kind"] == kind)
    return found


def records(state: dict[str, Any], kind: str = "cloud_resource") -> list[Record]:
    if kind in CONNECTIONS:
        type_, rows = CONNECTIONS[kind]
        holder = next(each for each in state["connections"] if each["type"] == type_)
    else:
        holder, rows = resource(state, kind), "records"
    return list(holder[rows])


def refuse_strangers(emulator: Emulator) -> None:
    """Refuse devices whose owner is not the one of `evidence.device`."""
    emulator.load({**emulator.state(), "personnel": ["ana@example.com"]})
    emulator.switches.set({"unknown_owner": True})


def live(state: dict[str, Any], kind: str) -> set[str]:
    """The ids of what is there and has not left."""
    id_field = {"device": "externalId", "person": "identityId"}.get(kind, "id")
    return {each[id_field] for each in records(state, kind) if not each.get("separatedAt")}


def statuses(state: dict[str, Any], kind: str = "cloud_resource") -> list[str]:
    """Of the sessions, in their order."""
    return [session["status"] for session in resource(state, kind)["sessions"]]


class Drata(AtEmulator):
    async def live(self) -> list[str]:
        return sorted(record["id"] for record in await self.records())

    async def sessions(self) -> list[str]:
        return statuses(await self.emulator.state())

    async def seed(self, **changes: Any) -> None:
        """Replace parts of the object of cloud resources: its records, its schema."""
        state = await self.emulator.state()
        resource(state).update(changes)
        await self.emulator.control("POST", "seed", **state)


def snapshot_requests(batches: int, gone: int) -> list[str]:
    """The methods of the requests of a snapshot of accounts: sessions and live records are listed, and it completes."""
    return ["GET", *["POST"] * batches, "GET", "POST"]


def ended(body: Record) -> Record | None:
    """An account that is gone. None: it is no longer there."""
    return None
