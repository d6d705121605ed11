"""Records of a CUSTOM resource: list, upsert, update, delete."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from proofport.adapter import Answer, Batch, Flow, Operation
from proofport.errors import Blocked, Problem
from proofport.wire import Call, Reply
from proofport_drata.answers import (
    CHECK_PARAMETERS,
    CREATE_DATA,
    DELETE_DATA,
    LIST_CONNECTIONS,
    UPDATE_DATA,
    expect_ok,
)
from proofport_drata.operations.parameters import Listing, Number, OnConnection, ask, listed
from proofport_drata.provisioning import resource_path
from proofport_drata.records import path_of, verdicts
from proofport_drata.sessions import statuses

SessionId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{3,64}$")]


def _has_an_id(record: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(record.get("id"), str) or not record["id"]:
        raise ValueError("expected a record with a text as `id`: it is what Drata matches on")
    return record


Record = Annotated[dict[str, Any], AfterValidator(_has_an_id)]


class OnResource(OnConnection):
    resource_id: Number = Field(gt=0)

    @property
    def resource(self) -> str:
        return resource_path(self.connection_id, self.resource_id)


class ListRecords(OnResource, Listing):
    session_id: SessionId | None = None


class UpsertRecords(OnResource):
    data: Record | list[Record]


class OnRecord(OnResource):
    record_id: str


class UpdateRecord(OnRecord):
    data: dict[str, Any]


def list_records(parameters: ListRecords) -> Flow[Answer]:
    path = f"{parameters.resource}/records"
    return (yield from listed("list_records", path, parameters, LIST_CONNECTIONS, "connection_id", "resource_id"))


def upsert_records(parameters: UpsertRecords) -> Flow[Answer]:
    """Refused while a session is open: whether a direct record survives its completion is not published."""
    found = yield from statuses(parameters.resource)
    is_open = [session for session, status in found.items() if status == "IN_PROGRESS"]
    if is_open:
        raise Blocked(
            f"a session is open on this Drata resource: {', '.join(is_open)}",
            hint="What is written now may be lost when it completes: let it end, or cancel it with act_on_session.",
        )
    return uploaded(
        (yield upload("upsert_records", f"{parameters.resource}/records", parameters.data)), parameters.data
    )


def upload(operation: str, path: str, data: dict[str, Any] | list[dict[str, Any]]) -> Call:
    return Call(operation, "POST", path, body=json.dumps({"data": data}).encode())


def uploaded(reply: Reply, data: dict[str, Any] | list[dict[str, Any]]) -> Answer:
    """The answer of an upload, and every item of it that was refused: its status says nothing about them."""
    answer = expect_ok(reply, "store records", CREATE_DATA, missing=CHECK_PARAMETERS)
    ids = [record["id"] for record in (data if isinstance(data, list) else [data])]
    outcomes = verdicts(answer, Batch(ids, [b""] * len(ids), range(len(ids))))
    return Answer(answer, named(ids, [outcome.problem for outcome in outcomes]))


def named(ids: Sequence[str], problems: Sequence[Problem | None]) -> list[Problem]:
    """The problems, each with the id of its record before the field."""
    return [
        replace(problem, field=f"{record}: {problem.field}" if problem.field else record)
        for record, problem in zip(ids, problems, strict=True)
        if problem is not None
    ]


def update_record(parameters: UpdateRecord) -> Flow[Answer]:
    path = path_of(f"{parameters.resource}/records", parameters.record_id)
    call = Call("update_record", "PUT", path, body=json.dumps({"data": parameters.data}).encode())
    return Answer((yield from ask(call, f"update the record {parameters.record_id}", UPDATE_DATA)))


def delete_record(parameters: OnRecord) -> Flow[Answer]:
    path = path_of(f"{parameters.resource}/records", parameters.record_id)
    call = Call("delete_record", "DELETE", path, destructive=True)
    return Answer((yield from ask(call, f"delete the record {parameters.record_id}", DELETE_DATA)))


OPERATIONS = (
    Operation("list_records", "Live records, or those of a session", ListRecords, list_records),
    Operation("upsert_records", "Create or update records, live at once", UpsertRecords, upsert_records),
    Operation("update_record", "Update one record (merging is assumed)", UpdateRecord, update_record),
    Operation("delete_record", "Delete one record", OnRecord, delete_record, destructive=True),
)
