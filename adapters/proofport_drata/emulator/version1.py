"""Version 1: the list of all connections, and identity providers that are made from lists of people."""

from __future__ import annotations

import csv
import io
from collections.abc import Awaitable, Callable
from email import message_from_bytes
from functools import partial
from typing import Any, TypeAlias

from aiohttp import web

from proofport.testing import VendorError, json_body, json_response
from proofport_drata.emulator.answers import NUMBER, number, timestamp
from proofport_drata.emulator.context import Part
from proofport_drata.emulator.model import Connection, now
from proofport_drata.emulator.schemas import violations
from proofport_drata.emulator.shapes import PERSON

PATH = "/public/connections"
SORTS = ("CREATED_AT", "CONNECTED_AT", "CONNECTION_PROVIDER_TYPE", "CONNECTION_CLIENT_TYPE", "CONNECTION_STATE")
CLIENT_TYPES = {"CUSTOM": "CUSTOM", "MDM": "CUSTOM_MDM", "HRIS": "CUSTOM_HRIS", "IDENTITY": "CSV_IDP"}
BOOLEANS = {"true": True, "false": False}

People: TypeAlias = Callable[[web.Request], Awaitable[list[Any]]]
"""Reads the people of an upload, unchecked."""


class Version1(Part):
    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(PATH, self.list_connections),
            web.post(PATH + "/upload/json", partial(self.create, _json_people)),
            web.put(PATH + "/{id}/upload/json", partial(self.update, _json_people)),
            web.post(PATH + "/upload/csv", partial(self.create, _csv_people)),
            web.put(PATH + "/{id}/upload/csv", partial(self.update, _csv_people)),
        ]

    async def list_connections(self, request: web.Request) -> web.Response:
        page, limit = _whole(request, "page", 1, 10**9), _whole(request, "limit", 20, 50)
        sort, direction = request.query.get("sort", SORTS[0]), request.query.get("sortDir", "ASC")
        if sort not in SORTS or direction not in ("ASC", "DESC"):
            raise VendorError(400, "sort or sortDir is not one of the known values")
        rows = [_rendered(each) for each in self._context.tenant.connections.values()]
        types = request.query.getall("providerTypes", [])
        rows = [row for row in rows if not types or row["providerTypes"][0]["value"] in types]
        rows = [row for row in rows if request.query.get("state", row["state"]) == row["state"]]
        if sort == "CONNECTION_CLIENT_TYPE":
            rows.sort(key=lambda row: str(row["clientType"]))
        rows = rows[::-1] if direction == "DESC" else rows
        shown = rows[(page - 1) * limit : page * limit]
        return json_response({"data": shown, "page": page, "limit": limit, "total": len(rows)})

    async def create(self, read: People, request: web.Request) -> web.Response:
        people = _checked(await read(request))
        connection = self._context.tenant.connect("IDENTITY", "CSV identity provider")
        connection.people = people
        return json_response({}, 201)

    async def update(self, read: People, request: web.Request) -> web.Response:
        people = _checked(await read(request))
        connection_id = number(request, "id")
        connection = self._context.tenant.connections.get(connection_id)
        if connection is None or connection.type != "IDENTITY":
            raise VendorError(404, f"Connection with id {connection_id} not found")
        kept = connection.people if self._switches["absent_people"] == "kept" else {}
        connection.people, connection.updated_at = {**kept, **people}, now()
        return json_response({})


async def _json_people(request: web.Request) -> list[Any]:
    body = await json_body(request)
    people = body.get("personnelData") if isinstance(body, dict) else None
    if not isinstance(people, list):
        raise VendorError(400, "personnelData must be an array")
    return people


async def _csv_people(request: web.Request) -> list[Any]:
    """The columns are not published. The names of the JSON form are assumed."""
    file = _part(request.headers.get("Content-Type", ""), await request.read(), "file")
    if file is None:
        raise VendorError(400, "a multipart part named file is needed")
    try:
        rows = list(csv.DictReader(io.StringIO(file.decode("utf-8-sig", errors="replace"), newline="")))
    except csv.Error as error:
        raise VendorError(400, f"the file is not CSV: {error}") from None
    flags = ("contractor", "isMfaEnabled")
    return [
        {name: BOOLEANS.get(text.lower(), text) if name in flags else text for name, text in row.items() if text}
        for row in rows
        if None not in row
    ]


def _part(content_type: str, body: bytes, name: str) -> bytes | None:
    """The content of one part of a multipart body. The body was read already, which `request.post` cannot know."""
    message = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    for part in message.walk():
        if part.get_param("name", header="Content-Disposition") == name:
            content = part.get_payload(decode=True)
            return content if isinstance(content, bytes) else None
    return None


def _checked(people: list[Any]) -> dict[str, dict[str, Any]]:
    for place, person in enumerate(people):
        for each in violations(PERSON, person, f"personnelData.{place}"):
            raise VendorError(400, "; ".join(f"{path} {text}" for path, text in each.items()))
    return {person["id"]: person for person in people}


def _whole(request: web.Request, name: str, default: int, largest: int) -> int:
    text = request.query.get(name, str(default))
    if not NUMBER.fullmatch(text) or not 1 <= int(text) <= largest:
        raise VendorError(400, f"{name} must be a number from 1 to {largest}")
    return int(text)


def _rendered(connection: Connection) -> dict[str, Any]:
    return {
        "id": connection.id,
        "clientType": CLIENT_TYPES.get(connection.type, connection.type),
        "state": "ACTIVE",
        "connected": True,
        "connectedAt": timestamp(connection.created_at),
        "failedAt": None,
        "clientId": None,
        "clientAlias": connection.alias,
        "aliasUpdatedAt": None,
        "deletedAt": None,
        "providerTypes": [{"value": connection.type, "isEnabled": True}],
        "code": None,
    }
