"""Connections, and the resources within them: paths, looking up, making one."""

from __future__ import annotations

from typing import Any

from proofport.adapter import Flow
from proofport.errors import OutcomeUnknown, UsageError
from proofport.wire import Call
from proofport_drata.answers import CREATE_CONNECTION, LIST_CONNECTIONS, expect_ok, malformed
from proofport_drata.paging import DrataList

CONNECTIONS = "/public/v2/custom-connections"
CONNECTION_LIST = DrataList("list_connections", CONNECTIONS)


def resource_path(connection: int, resource: int) -> str:
    return f"{CONNECTIONS}/{connection}/resources/{resource}"


def read(connection: int) -> Flow[dict[str, Any]]:
    call = Call("get_connection", "GET", f"{CONNECTIONS}/{connection}", (("expand[]", "customResources"),))
    reply = yield call
    expect_ok(reply, f"read the connection {connection}", LIST_CONNECTIONS)
    return reply.expect(dict, "id", of="get_connection")


def resources(connection: int) -> Flow[list[dict[str, Any]]]:
    """The resources of a connection, without deleted ones."""
    rows = (yield from read(connection)).get("customResources")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise malformed("get_connection gave no customResources")
    return [row for row in rows if not row.get("deletedAt")]


def find(alias: str, provider: str) -> Flow[dict[str, Any] | None]:
    """The connection of that name. Raises UsageError when several have it, or it is of another provider type.

    Drata has no other key to find a connection by: the `name` that was given comes back as `clientAlias`.
    """
    rows = yield from CONNECTION_LIST.rows()
    named = [row for row in rows if row.get("clientAlias") == alias]
    if len(named) > 1:
        raise UsageError(
            f"{len(named)} Drata connections are named {alias!r}: {', '.join(str(row.get('id')) for row in named)}",
            hint="Write connection_id and resource_id of the right one into `objects`, and rename the others.",
        )
    if not named:
        return None
    if named[0].get("providerTypes", [provider]) != [provider]:
        hint = "Rename it, then provision again."
        raise UsageError(f"the Drata connection {alias!r} is not a {provider} one", hint=hint)
    return with_id(named[0], "list_connections")


def create(alias: str, provider: str, request: bytes) -> Flow[dict[str, Any]]:
    """Make a connection. Unless the answer is that connection, look its name up: a second request would make another.

    Raises OutcomeUnknown when there is none of that name yet.
    """
    try:
        reply = yield Call("create_connection", "POST", CONNECTIONS, body=request, lost="ask")
    except OutcomeUnknown:
        made = None
    else:
        made = expect_ok(reply, f"create {alias!r}", CREATE_CONNECTION)
    if isinstance(made, dict) and made.get("clientAlias") == alias and type(made.get("id")) is int:
        return made
    found = yield from find(alias, provider)
    if found is None:
        raise OutcomeUnknown(
            f"it is not known whether Drata made the connection {alias!r}",
            hint="Provision again, or list, in a moment: the name is looked up first, so none is made twice.",
        )
    return found


def with_id(row: Any, operation: str) -> dict[str, Any]:
    """A row of Drata's answer, if it has its number."""
    if not isinstance(row, dict) or type(row.get("id")) is not int:
        raise malformed(f"{operation} gave no id")
    return row
