"""The Drata emulator: its key, its seed, and the classes that answer its operations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar

from aiohttp import web

from proofport.testing import Emulator, VendorError, object_shown
from proofport_drata.emulator.answers import error
from proofport_drata.emulator.behaviours import BEHAVIOURS
from proofport_drata.emulator.connections import EmulatedConnections
from proofport_drata.emulator.devices import EmulatedDevices
from proofport_drata.emulator.document import OPERATIONS
from proofport_drata.emulator.emulated import EmulatedDrata, EmulatedOperations
from proofport_drata.emulator.identities import EmulatedIdentities
from proofport_drata.emulator.model import PERMISSIVE_SCHEMA, Company, Connection, Session
from proofport_drata.emulator.records import EmulatedRecords
from proofport_drata.emulator.seeding import company_from, state_of
from proofport_drata.emulator.sessions import EmulatedSessions
from proofport_drata.emulator.tenant import EmulatedTenant
from proofport_drata.emulator.version1 import EmulatedVersion1
from proofport_drata.emulator.version1_data import EmulatedVersion1Data

API_KEY = "drata-emulator-key"
REFUSALS = {
    "expired": (401, "API key expired", 10000),
    "plan": (402, "Your plan does not include Custom Connections and Tests", 4020),
    "permission": (403, "The API key lacks the permission for this operation", 4030),
    "terms": (412, "The terms of the public API have not been accepted", 4120),
}
SCOPED_KEY = "drata-emulator-scoped-key"
"""A key that is limited to custom connections: it may not read what belongs to the tenant."""
OF_THE_TENANT = ("/workspaces", "/company")
WITHOUT_A_PLAN = ("/devices", *OF_THE_TENANT)
"""Operations of V2 whose path has one of these declare no 402."""
SEEDED = {
    "cloud_resource": "CUSTOM",
    "training_record": "CUSTOM",
    "personnel_account": "CUSTOM",
    "custom:software_package": "CUSTOM",
    "device": "MDM",
    "person": "HRIS",
}


class DrataEmulator(Emulator):
    """One company behind two keys, one of which is limited to custom connections."""

    name = "drata"
    behaviours: ClassVar = BEHAVIOURS

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._drata = EmulatedDrata(self.switches)

    def routes(self) -> Iterable[web.RouteDef]:
        classes: tuple[type[EmulatedOperations], ...] = (
            EmulatedConnections,
            EmulatedRecords,
            EmulatedSessions,
            EmulatedDevices,
            EmulatedIdentities,
            EmulatedVersion1,
            EmulatedVersion1Data,
            EmulatedTenant,
        )
        answering = [each(self._drata) for each in classes]
        for operation in OPERATIONS:
            (handler,) = [getattr(each, operation.name) for each in answering if hasattr(each, operation.name)]
            yield operation.route(handler)

    def authorize(self, request: web.Request) -> None:
        header, v2 = request.headers.get("Authorization"), request.path.startswith("/public/v2/")
        if header is None:
            raise VendorError(401, "Unauthorized", code=26430 if v2 else 12300, debug="null" if v2 else "absent")
        if not header.startswith("Bearer "):
            raise VendorError(401, "Unauthorized", code=10000)
        key = header.removeprefix("Bearer ")
        if key not in (API_KEY, SCOPED_KEY):
            raise VendorError(401, "API key not found", code=12310)
        access = str(self.switches["access"])
        if key == SCOPED_KEY and request.path.endswith(OF_THE_TENANT):
            access = "permission"
        needs_no_plan = v2 and any(part in request.path for part in WITHOUT_A_PLAN)
        if access in REFUSALS and not (access == "plan" and needs_no_plan):
            status, message, code = REFUSALS[access]
            raise VendorError(status, message, code=code)

    failure: Callable[..., web.Response] = staticmethod(error)

    # ------------------------------------------------------------------ the control plane's side
    def state(self) -> dict[str, Any]:
        return state_of(self._drata.company)

    def load(self, state: Mapping[str, Any]) -> None:
        self._drata.company = company_from(state)

    def seed(self) -> None:
        company = self._drata.company = Company()
        for kind, provider in SEEDED.items():
            connection = company.connect(provider, f"proofport {kind}")
            if provider == "CUSTOM":
                company.add_resource(connection, PERMISSIVE_SCHEMA, kind)

    def overview(self) -> list[dict[str, Any]]:
        live = [shown for connection in self.state()["connections"] for shown in _overview(connection)]
        return [*live, *map(_staged, self._open_sessions())]

    def _open_sessions(self) -> Iterator[Session]:
        for connection in self._drata.company.connections.values():
            opened = (resource.in_status("IN_PROGRESS") for resource in connection.resources.values())
            yield from (session for session in opened if session is not None)

    def destination(self, origin: str) -> dict[str, Any]:
        return {
            "adapter": self.name,
            "base_url": origin,
            "api_key": API_KEY,
            "workspace_ids": [1],
            "objects": {kind: _settings(connection) for kind, connection in self._seeded()},
        }

    def _seeded(self) -> Iterator[tuple[str, Connection]]:
        named = {each.alias: each for each in reversed(self._drata.company.connections.values())}
        return ((kind, named[alias]) for kind in SEEDED if (alias := f"proofport {kind}") in named)


def _settings(connection: Connection) -> dict[str, Any]:
    settings = {"connection_id": connection.id}
    if connection.resources:
        settings["resource_id"] = next(iter(connection.resources))
    return settings


def _overview(connection: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The resources of a connection of the state, with their last sessions, or the connection itself."""
    title = connection["name"] or f"Connection {connection['id']}"
    note = f"{connection['type']} connection {connection['id']}"
    for resource in connection["resources"]:
        sessions = ", ".join(f"{each['sessionId']} {each['status']}" for each in resource["sessions"][-3:])
        named = "; ".join(filter(None, (f"{note}, resource {resource['id']}", sessions)))
        yield object_shown(title, named, resource["records"])
    if not connection["resources"]:
        yield object_shown(title, note, connection["devices"] + connection["identities"])


def _staged(session: Session) -> dict[str, Any]:
    records = [record.attributes for record in session.staged.values()]
    return object_shown(f"staged in {session.session_id}", "not live until the session is completed", records)
