"""The state of one Secureframe company."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Stored:
    """One published resource."""

    #: The vendor's own id.
    uuid: str
    data: dict[str, Any]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Publication:
    """One accepted request that waits for its turn."""

    slug: str
    items: list[dict[str, Any]]
    partial: bool
    #: Positions of the items that the operator told to fail.
    doomed: frozenset[int] = frozenset()


@dataclass(slots=True)
class Schema:
    """One data type of a connection."""

    slug: str
    #: None: any field belongs to it.
    fields: frozenset[str] | None = None
    defined: bool = False
    primary_id: str | None = None
    model: str | None = None
    #: The published field of each field of the model that has another name, as Define Schema maps them.
    field_map: dict[str, str] = field(default_factory=dict)
    resources: dict[str, Stored] = field(default_factory=dict)
    failures: list[dict[str, Any]] = field(default_factory=list)
    held: list[Publication] = field(default_factory=list)
    dropped: int = 0


@dataclass(slots=True)
class Connection:
    id: str
    vendor_slug: str
    vendor_name: str
    updated_at: datetime
    schemas: dict[str, Schema] = field(default_factory=dict)
    queue: deque[Publication] = field(default_factory=deque)
    worker: asyncio.Task[None] | None = None


class Company:
    """Everything behind one key."""

    def __init__(self) -> None:
        self.connections: dict[str, Connection] = {}
        self.users: list[dict[str, Any]] = []
        #: Grows with every change, so that a list can be cached.
        self.version = 0
        self._numbers = count(1)

    def replace(self, other: Company) -> None:
        """Hold the state of another company from now on."""
        self.connections, self.users, self._numbers = other.connections, other.users, other._numbers
        self.version += 1

    def uuid(self) -> str:
        return f"10000000-0000-4000-8000-{next(self._numbers):012x}"

    def connect(self, connection_id: str, vendor_slug: str, vendor_name: str) -> Connection:
        connection = Connection(connection_id, vendor_slug, vendor_name, now())
        self.connections[connection_id] = connection
        return connection

    def store(self, schema: Schema, key: str, data: dict[str, Any]) -> None:
        stored, when = schema.resources.get(key), now()
        if stored is None:
            schema.resources[key] = Stored(self.uuid(), data, when, when)
        else:
            stored.data, stored.updated_at = data, when
        self.version += 1
