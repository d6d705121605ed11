"""Sessions: list, stage records, complete or cancel."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from proofport.adapter import Answer, Flow, Operation
from proofport_drata.answers import LIST_CONNECTIONS
from proofport_drata.operations.parameters import Listing, listed
from proofport_drata.operations.records import OnResource, Record, SessionId, upload, uploaded
from proofport_drata.sessions import cancel, complete, refuse_ended, spelled


def _one_spelling(status: object) -> object:
    return spelled(status) if isinstance(status, str) else status


SessionStatus = Annotated[Literal["IN_PROGRESS", "ACTIVE", "CANCELED", "ARCHIVED"], BeforeValidator(_one_spelling)]


class ListSessions(OnResource, Listing):
    """`status` is filtered here as well: the vendor ignores it (observed: speakeasy-api/gram)."""

    status: SessionStatus | None = None


class OnSession(OnResource):
    session_id: SessionId


class StageRecords(OnSession):
    data: Record | list[Record]


class Act(OnSession):
    action: Literal["complete", "cancel"]


def list_sessions(parameters: ListSessions) -> Flow[Answer]:
    path = f"{parameters.resource}/sessions"
    answer = yield from listed("list_sessions", path, parameters, LIST_CONNECTIONS, "connection_id", "resource_id")
    body: Any = answer.value
    rows = [{**row, "status": spelled(row["status"])} for row in body["data"]]
    return Answer({**body, "data": [row for row in rows if parameters.status in (None, row["status"])]})


def stage_records(parameters: StageRecords) -> Flow[Answer]:
    path = f"{parameters.resource}/sessions/{parameters.session_id}"
    reply = yield upload("upsert_session_records", path, parameters.data)
    refuse_ended(reply, parameters.session_id)
    return uploaded(reply, parameters.data)


def act(parameters: Act) -> Flow[Answer]:
    """A lost answer is looked into, never repeated blindly."""
    end = complete if parameters.action == "complete" else cancel
    yield from end(parameters.resource, parameters.session_id)
    status = "ACTIVE" if parameters.action == "complete" else "CANCELED"
    return Answer({"sessionId": parameters.session_id, "action": parameters.action, "status": status})


OPERATIONS = (
    Operation("list_sessions", "Sessions of a resource, by status", ListSessions, list_sessions),
    Operation("upsert_session_records", "Stage records in a session", StageRecords, stage_records),
    Operation(
        "act_on_session",
        "Complete a session (all other records go) or cancel it",
        Act,
        act,
        destructive=True,
    ),
)
