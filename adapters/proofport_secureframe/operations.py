"""The 11 operations of the vendor's document, for `proofport call`: the publish, and a list and a single read of each
entity."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator

from proofport.adapter import Answer, Flow, Operation, Walk
from proofport.errors import Problem
from proofport.wire import Call
from proofport_secureframe.answers import PUBLISH_HINTS, READ_HINTS, queued, refuse, rows_of, vendor_words
from proofport_secureframe.settings import SecureframeSettings


class _Parameters(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Publish(_Parameters):
    """A request as the vendor takes it. The journal does not know of it, and keeps no order with what is pushed."""

    schema_slug: str = Field(pattern=r"^[a-z0-9_]{1,63}$")
    resource_data: list[dict[str, JsonValue]] = Field(min_length=1)
    partial: bool = False


class List(_Parameters):
    """`q`: Lucene, with the filters that the vendor lists for each entity; values are case-sensitive."""

    q: str | None = None
    sort: str | None = Field(None, description="fields by comma, a minus for descending")
    page: int = Field(1, ge=1)
    per_page: int = Field(100, ge=1, le=100)
    all: bool = Field(False, description="go on to the end, which is an empty page")


class Get(_Parameters):
    """`id`: the vendor's own, not the one that was published."""

    id: str = Field(min_length=1)

    @field_validator("id")
    @classmethod
    def _stays_in_its_segment(cls, value: str) -> str:
        if value in (".", ".."):
            raise ValueError("expected an id")
        return value


@dataclass(frozen=True, slots=True)
class Entity:
    """A kind of row that the vendor lists."""

    one: str
    words: str

    @property
    def many(self) -> str:
        return self.one + "s"

    def operations(self) -> tuple[Operation, Operation]:
        return (
            Operation(f"list_{self.many}", f"List {self.words}", List, self._list),
            Operation(f"get_{self.one}", f"Read one {self.one.replace('_', ' ')}", Get, self._get),
        )

    def _list(self, given: List) -> Flow[Answer]:
        query, page, rows = given.model_dump(exclude={"all"}, exclude_none=True), given.page, list[Any]()
        walk = Walk(f"Secureframe's list of {self.many}")
        while True:
            answer = yield from _read(f"list_{self.many}", f"/{self.many}", {**query, "page": page})
            if not given.all:
                return Answer(answer)
            found = rows_of(answer, self.many)
            page += 1
            walk.step(found, page if found else None)
            if not found:
                return Answer({"data": rows})
            rows += found

    def _get(self, given: Get) -> Flow[Answer]:
        return Answer((yield from _read(f"get_{self.one}", f"/{self.many}/{quote(given.id, safe='')}", {})))


ENTITIES = (
    Entity("integration_connection", "connections to vendors, and their status"),
    Entity("cloud_resource", "the asset inventory"),
    Entity("user_account", "accounts of people at vendors"),
    Entity("user", "the company's people"),
    Entity("device", "computers"),
)


def operations_of(settings: SecureframeSettings) -> tuple[Operation, ...]:
    """All operations of one destination. A publish replaces what is stored, so it counts as destructive."""

    def publish(given: Publish) -> Flow[Answer]:
        body: dict[str, Any] = {"schema_slug": given.schema_slug, "vendor_slug": settings.vendor_slug}
        body["resource_data"] = given.resource_data
        if given.partial:
            body["partial"] = True
        content = json.dumps(body, ensure_ascii=False).encode()
        path = f"/custom_connections/{settings.connection_id}/data"
        reply = yield Call("publish", "POST", path, body=content, destructive=True)
        if not reply.ok:
            refuse(reply, "take the records", PUBLISH_HINTS)
        if not queued(reply):
            problem = Problem("an answer that promises nothing", "202", vendor_message=vendor_words(reply))
            return Answer({"status": reply.status, "queued": 0}, [problem])
        return Answer({"status": reply.status, "queued": len(given.resource_data)})

    first = Operation("publish", "Publish records past the journal", Publish, publish, destructive=True)
    return (first, *(operation for entity in ENTITIES for operation in entity.operations()))


def _read(operation: str, path: str, query: Mapping[str, object]) -> Flow[dict[str, Any]]:
    reply = yield Call(operation, "GET", path, tuple((name, str(value)) for name, value in query.items()))
    words = operation.replace("_", " ")
    if not reply.ok:
        refuse(reply, words, {**READ_HINTS, 400: "Look at the filter and the sort.", 404: "Its list shows the ids."})
    return reply.expect(dict, of=operation)
