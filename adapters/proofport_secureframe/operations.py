"""The 11 operations of the vendor's document, for `proofport call`: the publish itself, and every list and record."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator

from proofport.adapter import Answer, Flow, Operation
from proofport.errors import ConfigError, Retryable, UsageError
from proofport.wire import Call
from proofport_secureframe.answers import refuse, vendor_words
from proofport_secureframe.publishing import HINT_403 as PUBLISH_403
from proofport_secureframe.reading import HINT_403
from proofport_secureframe.settings import SecureframeSettings


class _Parameters(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Publish(_Parameters):
    """As the vendor takes it. Nothing of it is known to the journal, and no order is kept with what is pushed."""

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


class Entity(NamedTuple):
    path: str
    one: str
    words: str

    @property
    def many(self) -> str:
        return self.one + "s"


ENTITIES = (
    Entity("integration_connections", "integration_connection", "connections to vendors, and their status"),
    Entity("cloud_resources", "cloud_resource", "the asset inventory"),
    Entity("user_accounts", "user_account", "accounts of people at vendors"),
    Entity("users", "user", "the company's people"),
    Entity("devices", "device", "computers"),
)


def operations_of(settings: SecureframeSettings) -> tuple[Operation, ...]:
    """A publish replaces what is stored, so it counts as destructive."""
    publishing = Operation(
        "publish", "Publish records past the journal", Publish, lambda given: _publish(settings, given), True
    )
    lists = (Operation(f"list_{each.many}", f"List {each.words}", List, _listing(each)) for each in ENTITIES)
    gets = (Operation(f"get_{each.one}", f"One of {each.words}", Get, _getting(each)) for each in ENTITIES)
    return (publishing, *(each for pair in zip(lists, gets, strict=True) for each in pair))


def _publish(settings: SecureframeSettings, given: Publish) -> Flow[Answer]:
    body: dict[str, Any] = {"schema_slug": given.schema_slug, "vendor_slug": settings.vendor_slug}
    body["resource_data"] = given.resource_data
    if given.partial:
        body["partial"] = True
    path = f"/custom_connections/{settings.connection_id}/data"
    call = Call("publish", "POST", path, body=json.dumps(body, ensure_ascii=False).encode(), destructive=True)
    reply = yield call
    if not reply.ok:
        refuse(reply, "take the records", PUBLISH_403)
    return Answer({"status": reply.status, "queued": len(given.resource_data)})


def _listing(entity: Entity) -> Callable[[List], Flow[Answer]]:
    def flow(given: List) -> Flow[Answer]:
        page, rows = given.page, list[Any]()
        while True:
            answer = yield from _read(f"list_{entity.many}", f"/{entity.path}", _query(given, page))
            if not given.all:
                return Answer(answer)
            found = answer.get("data")
            if not isinstance(found, list):
                raise Retryable(f"Secureframe's answer cannot be relied on: the list of {entity.many} has no data")
            if not found:
                return Answer({"data": rows})
            rows += found
            page += 1

    return flow


def _getting(entity: Entity) -> Callable[[Get], Flow[Answer]]:
    def flow(given: Get) -> Flow[Answer]:
        path = f"/{entity.path}/{quote(given.id, safe='')}"
        return Answer((yield from _read(f"get_{entity.one}", path, ())))

    return flow


def _read(operation: str, path: str, query: tuple[tuple[str, str], ...]) -> Flow[dict[str, Any]]:
    reply = yield Call(operation, "GET", path, query)
    words = operation.replace("_", " ")
    if reply.status == 400:
        raise UsageError(
            f"Secureframe refused to {words}: {vendor_words(reply)}", hint="Look at the filter and the sort."
        )
    if reply.status == 404:
        raise ConfigError(f"Secureframe refused to {words}: {vendor_words(reply)}", hint="Its list shows the ids.")
    if not reply.ok:
        refuse(reply, words, HINT_403)
    answer = reply.json()
    if not isinstance(answer, dict):
        raise Retryable(f"Secureframe's answer cannot be relied on: {words} gave no object")
    return answer


def _query(given: List, page: int) -> tuple[tuple[str, str], ...]:
    said = (("q", given.q), ("sort", given.sort), ("page", str(page)), ("per_page", str(given.per_page)))
    return tuple((name, value) for name, value in said if value is not None)
