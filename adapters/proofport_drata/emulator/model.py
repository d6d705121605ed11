"""The state of one Drata tenant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any, Literal, TypeAlias

Status: TypeAlias = Literal["IN_PROGRESS", "ACTIVE", "CANCELED", "ARCHIVED"]

PERMISSIVE_SCHEMA: dict[str, Any] = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "properties": {"id": {"type": "string"}},
    "required": ["id"],
    "additionalProperties": True,
}


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Record:
    attributes: dict[str, Any]
    session_id: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True)
class Session:
    #: The vendor's own number, which no path accepts.
    row: int
    session_id: str
    status: Status
    created_at: datetime
    updated_at: datetime
    activated_at: datetime | None = None
    canceled_at: datetime | None = None
    staged: dict[str, Record] = field(default_factory=dict)

    def end(self, status: Status, when: datetime) -> None:
        """Leave IN_PROGRESS (or ACTIVE, when archived). The session loses its staged records."""
        self.status = status
        self.updated_at = when
        self.staged = {}
        if status == "ACTIVE":
            self.activated_at = when
        if status == "CANCELED":
            self.canceled_at = when


@dataclass(slots=True)
class Resource:
    """One dataset of a CUSTOM connection."""

    id: int
    name: str
    schema: dict[str, Any]
    created_at: datetime
    #: The kind of evidence that the emulator's seed meant it for.
    kind: str | None = None
    live: dict[str, Record] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)

    def in_status(self, status: Status) -> Session | None:
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
class Device:
    id: int
    #: The fields as they were sent. A later upsert writes over an earlier one.
    body: dict[str, Any]
    personnel_id: int
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True)
class Identity:
    """One row of an HRIS connection. A deleted row stays, so that it can be restored."""

    id: int
    identity_id: str
    body: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    deleted: bool = False


@dataclass(slots=True)
class Connection:
    """CUSTOM has resources, MDM devices, HRIS identities; IDENTITY (made through v1) has people."""

    id: int
    type: str
    alias: str | None
    description: str | None
    created_at: datetime
    updated_at: datetime
    resources: dict[int, Resource] = field(default_factory=dict)
    devices: dict[int, Device] = field(default_factory=dict)
    identities: dict[str, Identity] = field(default_factory=dict)
    people: dict[str, dict[str, Any]] = field(default_factory=dict)


class Tenant:
    """All connections of one company. Numbers are never given twice."""

    def __init__(self) -> None:
        self.connections: dict[int, Connection] = {}
        self.personnel: dict[str, int] = {}
        self._connection_ids: Iterator[int] = count(1)
        self._resource_ids: Iterator[int] = count(101)
        self._rows: Iterator[int] = count(1001)

    def connect(
        self, provider: str, alias: str | None, description: str | None = None, number: int | None = None
    ) -> Connection:
        if number is None:
            number = next(each for each in self._connection_ids if each not in self.connections)
        when = now()
        connection = Connection(number, provider, alias, description, created_at=when, updated_at=when)
        self.connections[number] = connection
        return connection

    def add_resource(
        self, connection: Connection, schema: dict[str, Any], kind: str | None = None, number: int | None = None
    ) -> Resource:
        if number is None:
            taken = {each for other in self.connections.values() for each in other.resources}
            number = next(each for each in self._resource_ids if each not in taken)
        name = connection.alias or f"Resource {number}"
        resource = Resource(number, name, schema, created_at=now(), kind=kind)
        connection.resources[number] = resource
        return resource

    def open_session(self, resource: Resource, session_id: str, status: Status = "IN_PROGRESS") -> Session:
        when = now()
        session = Session(next(self._rows), session_id, status, created_at=when, updated_at=when)
        if status != "IN_PROGRESS":
            session.end(status, when)
        resource.sessions[session_id] = session
        return session

    def add_device(self, connection: Connection, body: dict[str, Any], personnel_id: int) -> Device:
        when = now()
        device = Device(next(self._rows), body, personnel_id, when, when)
        connection.devices[device.id] = device
        return device

    def add_identity(self, connection: Connection, identity_id: str, body: dict[str, Any]) -> Identity:
        when = now()
        identity = Identity(next(self._rows), identity_id, body, when, when)
        connection.identities[identity_id] = identity
        return identity

    def personnel_id(self, email: str, *, may_add: bool) -> int | None:
        """The number of the person with this address."""
        if email not in self.personnel and may_add:
            self.personnel[email] = next(self._rows)
        return self.personnel.get(email)
