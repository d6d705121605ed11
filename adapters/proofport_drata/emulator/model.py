"""The state of one company at Drata."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any, Literal, TypeAlias

SessionStatus: TypeAlias = Literal["IN_PROGRESS", "ACTIVE", "CANCELED", "ARCHIVED"]

PERMISSIVE_SCHEMA: dict[str, Any] = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "properties": {"id": {"type": "string"}},
    "required": ["id"],
    "additionalProperties": True,
}


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True, kw_only=True)
class Dated:
    """A row with the times that Drata shows of it."""

    created_at: datetime = field(default_factory=now)
    updated_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.updated_at = self.created_at


@dataclass(slots=True)
class Record(Dated):
    attributes: dict[str, Any]
    session_id: str | None


@dataclass(slots=True)
class Session(Dated):
    #: The vendor's own number, which no path accepts.
    row: int
    session_id: str
    status: SessionStatus
    activated_at: datetime | None = None
    canceled_at: datetime | None = None
    staged: dict[str, Record] = field(default_factory=dict)

    def end(self, status: SessionStatus, when: datetime) -> None:
        """Leave IN_PROGRESS (or ACTIVE, when archived). The session loses its staged records."""
        self.status = status
        self.updated_at = when
        self.staged = {}
        if status == "ACTIVE":
            self.activated_at = when
        if status == "CANCELED":
            self.canceled_at = when


@dataclass(slots=True)
class CustomResource(Dated):
    """One dataset of a CUSTOM connection."""

    id: int
    name: str
    schema: dict[str, Any]
    #: The kind of evidence that the emulator's seed meant it for.
    kind: str | None = None
    #: True if nobody asked for its `required`.
    required_by_default: bool = False
    live: dict[str, Record] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)

    def in_status(self, status: SessionStatus) -> Session | None:
        """There is at most one session IN_PROGRESS and at most one ACTIVE."""
        return next((each for each in self.sessions.values() if each.status == status), None)

    def complete(self, session: Session, when: datetime) -> None:
        """Make the session's records the live ones, and delete all others."""
        former = self.in_status("ACTIVE")
        if former is not None:
            former.end("ARCHIVED", when)
        self.live = session.staged
        session.end("ACTIVE", when)


@dataclass(slots=True)
class Device(Dated):
    id: int
    #: The fields as they were sent. A later upsert writes over an earlier one.
    body: dict[str, Any]
    personnel_id: int


@dataclass(slots=True)
class HrisIdentity(Dated):
    """One row of an HRIS connection. A deleted row stays, so that it can be restored."""

    id: int
    #: The fields, with identityId.
    body: dict[str, Any]
    deleted: bool = False


@dataclass(slots=True)
class Connection(Dated):
    """CUSTOM has resources, MDM devices, HRIS identities; IDENTITY (made through v1) has people."""

    id: int
    type: str
    alias: str | None
    description: str | None
    resources: dict[int, CustomResource] = field(default_factory=dict)
    devices: dict[int, Device] = field(default_factory=dict)
    identities: dict[str, HrisIdentity] = field(default_factory=dict)
    people: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Workspace(Dated):
    """A product or business line of the company."""

    id: int
    name: str


class Company:
    """All connections of one company. Numbers are never given twice."""

    def __init__(self) -> None:
        self.workspaces = [Workspace(id=1, name="Example")]
        self.connections: dict[int, Connection] = {}
        self.personnel: dict[str, int] = {}
        self._connection_ids: Iterator[int] = count(1)
        self._resource_ids: Iterator[int] = count(101)
        self._rows: Iterator[int] = count(1001)
        #: Of sessions: small, so that the rule on the length of a session id meets them, as it did live (O-5).
        self._session_rows: Iterator[int] = count(1)

    def connect(
        self, provider: str, alias: str | None, description: str | None = None, number: int | None = None
    ) -> Connection:
        if number is None:
            number = next(each for each in self._connection_ids if each not in self.connections)
        connection = self.connections[number] = Connection(number, provider, alias, description)
        return connection

    def add_resource(
        self, connection: Connection, schema: dict[str, Any], kind: str | None = None, number: int | None = None
    ) -> CustomResource:
        if number is None:
            taken = {each for other in self.connections.values() for each in other.resources}
            number = next(each for each in self._resource_ids if each not in taken)
        name = connection.alias or f"Resource {number}"
        resource = connection.resources[number] = CustomResource(number, name, schema, kind)
        return resource

    def open_session(self, resource: CustomResource, session_id: str, status: SessionStatus = "IN_PROGRESS") -> Session:
        session = resource.sessions[session_id] = Session(next(self._session_rows), session_id, status)
        if status != "IN_PROGRESS":
            session.end(status, session.created_at)
        return session

    def add_device(self, connection: Connection, body: dict[str, Any], personnel_id: int) -> Device:
        device = Device(next(self._rows), body, personnel_id)
        connection.devices[device.id] = device
        return device

    def add_identity(self, connection: Connection, body: dict[str, Any]) -> HrisIdentity:
        identity = connection.identities[body["identityId"]] = HrisIdentity(next(self._rows), body)
        return identity

    def owner(self, personnel_id: float | str, *, may_add: bool = True) -> int | None:
        """The number of a person, who is given by it or as `email:` and the address.

        None: nobody has it. Numbers are whole, from 1 to 15 digits.
        """
        if not isinstance(personnel_id, str):
            known = may_add or personnel_id in self.personnel.values()
            return int(personnel_id) if known and 1 <= personnel_id < 10**15 and personnel_id % 1 == 0 else None
        email = personnel_id.removeprefix("email:")
        if email not in self.personnel and may_add:
            self.personnel[email] = next(self._rows)
        return self.personnel.get(email)
