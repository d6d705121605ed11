"""The 25 operations of Drata's document, each under its operationId in snake case: a table, and the flows it names.

The table and the parameters are not read from the document. It lacks the permissions as the product names them, the
rules across fields, and the operations that must look before they repeat.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from proofport.accounting import Outcome
from proofport.adapter import Answer, Flow, Operation
from proofport.errors import Blocked, OutcomeUnknown, Problem, UsageError
from proofport.wire import Call, Reply
from proofport_drata import answers as permission
from proofport_drata import connections, hris, sessions
from proofport_drata import parameters as p
from proofport_drata.answers import CHECK_PARAMETERS, DELETED, expect_ok, vendor_words
from proofport_drata.connections import CONNECTIONS, resource_path
from proofport_drata.paging import V1_CONNECTIONS, DrataList, v1_page, v1_rows
from proofport_drata.records import segment, verdicts

CONNECTION = CONNECTIONS + "/{connection_id}"
RECORDS = CONNECTION + "/resources/{resource_id}/records"
RECORD = RECORDS + "/{record_id}"
SESSIONS = CONNECTION + "/resources/{resource_id}/sessions"
SESSION = SESSIONS + "/{session_id}"
DEVICE_LIST = "/public/v2/connections/{connection_id}/devices"
DEVICES = CONNECTION + "/devices"
PEOPLE = CONNECTION + "/hris-user-identities"
PERSON = PEOPLE + "/{user_identity_id}"
V1_JSON, V1_ONE_JSON = V1_CONNECTIONS + "/upload/json", V1_CONNECTIONS + "/{id}/upload/json"
V1_CSV, V1_ONE_CSV = V1_CONNECTIONS + "/upload/csv", V1_CONNECTIONS + "/{id}/upload/csv"


def plain(endpoint: Endpoint, given: p.DrataParameters) -> Flow[Answer]:
    """One request, and its answer. A deletion is answered by 204 (OpenAPI v2), and no success is an error."""
    reply = yield endpoint.call(given)
    answer = endpoint.decoded(reply)
    failed = isinstance(answer, dict) and ("error" in answer or str(answer.get("statusCode", ""))[:1] in ("4", "5"))
    if not failed and (endpoint.method != "DELETE" or reply.status == DELETED):
        return Answer(answer)
    found = f"an answer with status {reply.status} that does not say that it was done"
    return Answer(answer, [Problem(found, "the answer that Drata documents", vendor_message=vendor_words(reply))])


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation: its request, and the flow that sends it."""

    name: str
    method: Literal["GET", "POST", "PUT", "DELETE"]
    #: Parameters in braces stand in the path. The others go into the query of a GET, or into the body.
    path: str
    parameters: type[p.DrataParameters]
    permission: str
    flow: Callable[[Endpoint, Any], Flow[Answer]] = plain

    def call(self, given: p.DrataParameters, lost: Literal["repeat", "ask"] = "repeat") -> Call:
        names = re.findall(r"{(\w+)}", self.path)
        # A colon stays, as the vendor writes `identity-id:`.
        path = self.path.format_map({name: segment(str(getattr(given, name)), safe=":") for name in names})
        if self.method in ("GET", "DELETE"):
            return Call(self.name, self.method, path, given.query(*names), destructive=given.destructive)
        content_type, body = given.body(*names)
        return Call(self.name, self.method, path, (), body, content_type, lost, given.destructive)

    def decoded(self, reply: Reply) -> Any:
        return expect_ok(reply, f"carry out {self.name}", self.permission, missing=CHECK_PARAMETERS)

    def operation(self) -> Operation:
        flow = partial(self.flow, self)
        return Operation(self.name, self.parameters.summary, self.parameters, flow, self.parameters.destructive)


# ------------------------------------------------------------------ flows
def pages(endpoint: Endpoint, given: Any) -> Flow[Answer]:
    """One page, or with `all` every page."""
    if not given.all:
        return (yield from plain(endpoint, given))
    call = endpoint.call(given)
    query = tuple(pair for pair in call.query if pair[0] not in ("cursor", "size", "includeTotalCount"))
    every = DrataList(endpoint.name, call.path, endpoint.permission, query, CHECK_PARAMETERS)
    return Answer({"data": (yield from every.rows(given.cursor)), "pagination": {"cursor": None}})


def create(endpoint: Endpoint, given: p.CreateConnection) -> Flow[Answer]:
    """Look the name up before: Drata would make a second connection of the same name."""
    (provider,) = given.provider_types
    existing = yield from connections.find(given.name, provider)
    if existing is not None:
        raise UsageError(
            f"the Drata connection {existing['id']} is named {given.name!r} already",
            hint="Creating again would make a second one: give another name, or use that connection.",
        )
    _, request = given.body()
    return Answer((yield from connections.create(given.name, provider, request)))


def update(endpoint: Endpoint, given: p.UpdateConnection) -> Flow[Answer]:
    if not given.given("connection_id"):
        raise UsageError("nothing to change was given", hint="Give client_alias, description, or both.")
    return (yield from plain(endpoint, given))


def upsert_records(endpoint: Endpoint, given: p.UpsertRecords) -> Flow[Answer]:
    """Refuse while a session is open: Drata does not publish whether a direct record survives its completion."""
    is_open = yield from sessions.open_sessions(resource_path(given.connection_id, given.resource_id))
    if is_open:
        raise Blocked(
            f"a session is open on this Drata resource: {', '.join(is_open)}",
            hint="What is written now may be lost when it completes: let it end, or cancel it with act_on_session.",
        )
    answer = endpoint.decoded((yield endpoint.call(given)))
    return _with_problems(answer, given.ids, verdicts(answer, given.ids))


def stage_records(endpoint: Endpoint, given: p.StageRecords) -> Flow[Answer]:
    reply = yield endpoint.call(given)
    sessions.refuse_ended(reply, given.session_id)
    answer = endpoint.decoded(reply)
    return _with_problems(answer, given.ids, verdicts(answer, given.ids))


def list_sessions(endpoint: Endpoint, given: p.ListSessions) -> Flow[Answer]:
    """`status` is filtered here as well: the vendor ignores it (observed: speakeasy-api/gram)."""
    body = (yield from pages(endpoint, given)).value
    rows = [{**row, "status": sessions.spelled(row["status"])} for row in body["data"]]
    return Answer({**body, "data": [row for row in rows if given.status in (None, row["status"])]})


def act_on_session(endpoint: Endpoint, given: p.ActOnSession) -> Flow[Answer]:
    """After a lost answer, the list of sessions is read before anything is repeated."""
    act, status = (sessions.complete, "ACTIVE") if given.action == "complete" else (sessions.cancel, "CANCELED")
    yield from act(resource_path(given.connection_id, given.resource_id), given.session_id)
    names = {"connectionId": given.connection_id, "resourceId": given.resource_id}
    return Answer({"sessionId": given.session_id, "action": given.action, "status": status, **names})


def upsert_device(endpoint: Endpoint, given: p.UpsertDevice) -> Flow[Answer]:
    """Drata matches a device on any of three keys (OpenAPI v2). Without one, each request makes another device."""
    device = given.device
    if device.serial_number or device.mac_address or device.external_id:
        return (yield from plain(endpoint, given))
    try:
        return Answer(endpoint.decoded((yield endpoint.call(given, lost="ask"))))
    except OutcomeUnknown:
        raise OutcomeUnknown(
            "it is not known whether Drata made the device",
            hint="It has no externalId, serialNumber or macAddress, so sending it again may make another: list first.",
        ) from None


def upsert_people(endpoint: Endpoint, given: p.UpsertIdentities) -> Flow[Answer]:
    answer = endpoint.decoded((yield endpoint.call(given)))
    ids = [person.identity_id for person in given.people]
    return _with_problems(answer, ids, [outcome for outcome, _ in hris.verdicts(answer, ids)])


def list_managed(endpoint: Endpoint, given: p.ListManaged) -> Flow[Answer]:
    if given.all:
        rows = yield from v1_rows(given.query())
        return Answer({"data": rows, "page": 1, "limit": len(rows), "total": len(rows)})
    return Answer((yield from v1_page((*given.query(), ("page", str(given.page)), ("limit", str(given.limit))))))


def create_idp(endpoint: Endpoint, given: p.DrataParameters) -> Flow[Answer]:
    """Read the list before and after: the answer, if it comes, does not hold the new connection."""
    before = {row.get("id") for row in (yield from v1_rows())}
    with suppress(OutcomeUnknown):
        endpoint.decoded((yield endpoint.call(given, lost="ask")))
    made = [row for row in (yield from v1_rows()) if row.get("id") not in before]
    if not made:
        raise OutcomeUnknown("it is not known whether Drata made the connection", hint="List, then repeat.")
    return Answer({"connections": made})


def _with_problems(answer: Any, ids: Sequence[str], outcomes: Sequence[Outcome]) -> Answer:
    """The answer of an upload, and the problem of every record in it, with the record's id before the field."""
    named = [
        replace(problem, field=f"{record}: {problem.field}" if problem.field else record)
        for record, outcome in zip(ids, outcomes, strict=True)
        if (problem := outcome.problem) is not None
    ]
    return Answer(answer, named)


# ------------------------------------------------------------------ the table
ENDPOINTS = (
    Endpoint("list_custom_connections", "GET", CONNECTIONS, p.ListConnections, permission.LIST_CONNECTIONS, pages),
    Endpoint("get_custom_connection", "GET", CONNECTION, p.GetConnection, permission.LIST_CONNECTIONS),
    Endpoint("create_custom_connection", "POST", CONNECTIONS, p.CreateConnection, permission.CREATE_CONNECTION, create),
    Endpoint("update_custom_connection", "PUT", CONNECTION, p.UpdateConnection, permission.UPDATE_CONNECTION, update),
    Endpoint("delete_custom_connection", "DELETE", CONNECTION, p.DeleteConnection, permission.DELETE_CONNECTION),
    Endpoint("list_records", "GET", RECORDS, p.ListRecords, permission.LIST_CONNECTIONS, pages),
    Endpoint("upsert_records", "POST", RECORDS, p.UpsertRecords, permission.CREATE_DATA, upsert_records),
    Endpoint("update_record", "PUT", RECORD, p.UpdateRecord, permission.UPDATE_DATA),
    Endpoint("delete_record", "DELETE", RECORD, p.DeleteRecord, permission.DELETE_DATA),
    Endpoint("list_sessions", "GET", SESSIONS, p.ListSessions, permission.LIST_CONNECTIONS, list_sessions),
    Endpoint("upsert_session_records", "POST", SESSION, p.StageRecords, permission.CREATE_DATA, stage_records),
    Endpoint("act_on_session", "POST", SESSION + "/actions", p.ActOnSession, permission.CREATE_DATA, act_on_session),
    Endpoint("list_connection_devices", "GET", DEVICE_LIST, p.ListDevices, permission.LIST_DEVICES, pages),
    Endpoint("upsert_device", "POST", DEVICES, p.UpsertDevice, permission.CREATE_DEVICE, upsert_device),
    Endpoint("get_device", "GET", "/public/v2/devices/{device_id}", p.GetDevice, permission.LIST_DEVICES),
    Endpoint("delete_connection_device", "DELETE", DEVICES + "/{device_id}", p.DeleteDevice, permission.DELETE_DEVICE),
    Endpoint("list_hris_identities", "GET", PEOPLE, p.ListIdentities, permission.LIST_IDENTITIES, pages),
    Endpoint("upsert_hris_identities", "POST", PEOPLE, p.UpsertIdentities, permission.WRITE_IDENTITIES, upsert_people),
    Endpoint("get_hris_identity", "GET", PERSON, p.GetIdentity, permission.GET_IDENTITY),
    Endpoint("delete_hris_identity", "DELETE", PERSON, p.DeleteIdentity, permission.DELETE_IDENTITY),
    Endpoint("v1_list_connections", "GET", V1_CONNECTIONS, p.ListManaged, permission.LIST_MANAGED, list_managed),
    Endpoint("v1_create_idp_from_json", "POST", V1_JSON, p.CreateFromJson, permission.IMPORT_PERSONNEL, create_idp),
    Endpoint("v1_update_idp_from_json", "PUT", V1_ONE_JSON, p.UpdateFromJson, permission.IMPORT_PERSONNEL),
    Endpoint("v1_create_idp_from_csv", "POST", V1_CSV, p.CreateFromCsv, permission.IMPORT_PERSONNEL, create_idp),
    Endpoint("v1_update_idp_from_csv", "PUT", V1_ONE_CSV, p.UpdateFromCsv, permission.IMPORT_PERSONNEL),
)
OPERATIONS = tuple(endpoint.operation() for endpoint in ENDPOINTS)
