"""Version 1: the list of all connections, and identity providers fed by a list of people."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Literal

from pydantic import Field

from proofport.adapter import Answer, Flow, Operation
from proofport.errors import OutcomeUnknown
from proofport.wire import Call
from proofport_drata.answers import IMPORT_PERSONNEL
from proofport_drata.bodies import IdpPersonBody
from proofport_drata.identity_provider import upload_path
from proofport_drata.managed import every_connection, one_page
from proofport_drata.operations.parameters import Number, Parameters, ask

State = Literal["ACTIVE", "MISCONFIGURED", "CONFIGURED_PENDING_CONFIRMATION", "IN_PROGRESS"]
Order = Literal["CREATED_AT", "CONNECTED_AT", "CONNECTION_PROVIDER_TYPE", "CONNECTION_CLIENT_TYPE", "CONNECTION_STATE"]


class ListManaged(Parameters):
    page: int = Field(1, ge=1)
    limit: int = Field(20, ge=1, le=50)
    sort: Order | None = None
    sort_dir: Literal["ASC", "DESC"] | None = None
    provider_types: list[str] = Field(default_factory=list)
    state: State | None = None
    all: bool = Field(False, description="every page")

    def filters(self) -> tuple[tuple[str, str], ...]:
        """`providerTypes` repeats its key without brackets (OpenAPI v1)."""
        kinds = tuple(("providerTypes", each) for each in self.provider_types)
        return kinds + self.query("page", "limit", "provider_types", "all")


class FromJson(Parameters):
    """`people`: bodies under the vendor's names, as JSON or @FILE."""

    people: list[IdpPersonBody]


class FromCsv(Parameters):
    """`file`: the CSV, as @FILE. The columns are not published; the names of the JSON form are assumed."""

    file: bytes


class UpdateFromJson(FromJson):
    id: Number


class UpdateFromCsv(FromCsv):
    id: Number


Form = tuple[str, str, bytes]
"""`json` or `csv`, the content type, the body."""


def list_managed(parameters: ListManaged) -> Flow[Answer]:
    if not parameters.all:
        page = (("page", str(parameters.page)), ("limit", str(parameters.limit)))
        return Answer((yield from one_page(parameters.filters() + page)))
    rows = yield from every_connection(parameters.filters())
    return Answer({"data": rows, "page": 1, "limit": len(rows), "total": len(rows)})


def create(operation: str, form_of: Callable[[Any], Form]) -> Callable[[Any], Flow[Answer]]:
    """Drata does not answer with the new connection, so the list is read before and after; a repeat might create
    another one, so a lost answer is looked into the same way."""

    def flow(parameters: Any) -> Flow[Answer]:
        form, content_type, body = form_of(parameters)
        before = {row.get("id") for row in (yield from every_connection())}
        path = upload_path(form)
        lost = False
        try:
            call = Call(operation, "POST", path, body=body, content_type=content_type, lost="ask")
            yield from ask(call, "make an identity provider", IMPORT_PERSONNEL)
        except OutcomeUnknown:
            lost = True
        made = [row for row in (yield from every_connection()) if row.get("id") not in before]
        if lost and not made:
            raise OutcomeUnknown("it is not known whether Drata made the connection", hint="List, then repeat.")
        return Answer({"connections": made})

    return flow


def update(operation: str, form_of: Callable[[Any], Form]) -> Callable[[Any], Flow[Answer]]:
    """Destructive, for all that is published: whether people who are not in the list are removed is not."""

    def flow(parameters: Any) -> Flow[Answer]:
        form, content_type, body = form_of(parameters)
        call = Call(
            operation,
            "PUT",
            upload_path(form, parameters.id),
            body=body,
            content_type=content_type,
            destructive=True,
        )
        return Answer((yield from ask(call, f"feed the connection {parameters.id}", IMPORT_PERSONNEL)))

    return flow


def _json(parameters: FromJson) -> Form:
    people = ",".join(each.model_dump_json(by_alias=True, exclude_unset=True) for each in parameters.people)
    return "json", "application/json", f'{{"personnelData":[{people}]}}'.encode()


def _csv(parameters: FromCsv) -> Form:
    """A multipart body with one part, `file` (assumed). The boundary cannot occur in what it is the digest of."""
    boundary = hashlib.sha256(parameters.file).hexdigest()
    head = (
        f"--{boundary}\r\n"
        'Content-Disposition: form-data; name="file"; filename="people.csv"\r\n'
        "Content-Type: text/csv\r\n\r\n"
    )
    body = head.encode() + parameters.file + f"\r\n--{boundary}--\r\n".encode()
    return "csv", f"multipart/form-data; boundary={boundary}", body


OPERATIONS = (
    Operation("v1_list_connections", "Connections of every kind", ListManaged, list_managed),
    Operation(
        "v1_create_idp_from_json",
        "Make an identity provider of people",
        FromJson,
        create("v1_create_idp_from_json", _json),
    ),
    Operation(
        "v1_update_idp_from_json",
        "Feed an identity provider a new list",
        UpdateFromJson,
        update("v1_update_idp_from_json", _json),
        destructive=True,
    ),
    Operation(
        "v1_create_idp_from_csv",
        "Make an identity provider of a CSV file",
        FromCsv,
        create("v1_create_idp_from_csv", _csv),
    ),
    Operation(
        "v1_update_idp_from_csv",
        "Feed an identity provider a new CSV file",
        UpdateFromCsv,
        update("v1_update_idp_from_csv", _csv),
        destructive=True,
    ),
)
