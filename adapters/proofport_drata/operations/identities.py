"""People of an HRIS connection: list, upsert, read one, delete one."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from pydantic import Field

from proofport.adapter import Answer, Flow, Operation
from proofport.wire import Call
from proofport_drata.answers import DELETE_IDENTITY, GET_IDENTITY, LIST_IDENTITIES, WRITE_IDENTITIES
from proofport_drata.bodies import IdentityBody
from proofport_drata.identities import MAX_ITEMS, identities, verdicts
from proofport_drata.operations.parameters import Listing, OnConnection, ask, listed
from proofport_drata.operations.records import named


class ListIdentities(OnConnection, Listing): ...


class UpsertIdentities(OnConnection):
    """`people`: bodies under the vendor's names; what one leaves out stays as it was, null clears."""

    people: list[IdentityBody] = Field(min_length=1, max_length=MAX_ITEMS)


class OnIdentity(OnConnection):
    """`user_identity_id`: the vendor's number, or `identity-id:` and the id that was sent."""

    user_identity_id: Annotated[str, Field(pattern=r"^([0-9]+|identity-id:.+)$", coerce_numbers_to_str=True)]

    @property
    def path(self) -> str:
        return f"{identities(self.connection_id)}/{quote(self.user_identity_id, safe=':')}"


def list_identities(parameters: ListIdentities) -> Flow[Answer]:
    path = identities(parameters.connection_id)
    return (yield from listed("list_hris_identities", path, parameters, LIST_IDENTITIES, "connection_id"))


def upsert_identities(parameters: UpsertIdentities) -> Flow[Answer]:
    items = [person.model_dump_json(by_alias=True, exclude_unset=True) for person in parameters.people]
    body = f"[{','.join(items)}]".encode()
    call = Call("upsert_hris_identities", "POST", identities(parameters.connection_id), body=body)
    answer = yield from ask(call, "store people", WRITE_IDENTITIES)
    ids = [person.identity_id for person in parameters.people]
    return Answer(answer, named(ids, [outcome.problem for outcome, _ in verdicts(answer, ids)]))


def get_identity(parameters: OnIdentity) -> Flow[Answer]:
    call = Call("get_hris_identity", "GET", parameters.path)
    return Answer((yield from ask(call, f"read {parameters.user_identity_id}", GET_IDENTITY)))


def delete_identity(parameters: OnIdentity) -> Flow[Answer]:
    call = Call("delete_hris_identity", "DELETE", parameters.path, destructive=True)
    return Answer((yield from ask(call, f"delete {parameters.user_identity_id}", DELETE_IDENTITY)))


OPERATIONS = (
    Operation("list_hris_identities", "People of a connection", ListIdentities, list_identities),
    Operation("upsert_hris_identities", "Create or update up to 1,000 people", UpsertIdentities, upsert_identities),
    Operation("get_hris_identity", "One person", OnIdentity, get_identity),
    Operation(
        "delete_hris_identity",
        "Delete a person sent by mistake (leavers: separatedAt)",
        OnIdentity,
        delete_identity,
        destructive=True,
    ),
)
