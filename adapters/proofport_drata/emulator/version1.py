"""Version 1: the list of all connections, and identity providers that are made from lists of people."""

from __future__ import annotations

import csv
import io
from email import message_from_bytes
from typing import Any

from aiohttp import web

from proofport.testing import VendorError, json_body, json_response
from proofport_drata.emulator.answers import timestamp
from proofport_drata.emulator.document import BOOLEANS, SCHEMAS, whole
from proofport_drata.emulator.emulated import EmulatedOperations
from proofport_drata.emulator.model import Connection, now
from proofport_drata.emulator.schemas import in_words, violations

CLIENT_TYPES = {"CUSTOM": "CUSTOM", "MDM": "CUSTOM_MDM", "HRIS": "CUSTOM_HRIS", "IDENTITY": "CSV_IDP"}


class EmulatedVersion1(EmulatedOperations):
    async def v1_list_connections(self, request: web.Request) -> web.Response:
        rows = [_rendered(each) for each in self._drata.company.connections.values()]
        types = [*request.query.getall("providerTypes", ()), *request.query.getall("providerTypes[]", ())]
        rows = [row for row in rows if not types or row["providerTypes"][0]["value"] in types]
        rows = [row for row in rows if request.query.get("state", row["state"]) == row["state"]]
        if request.query.get("sort") == "CONNECTION_CLIENT_TYPE":
            rows.sort(key=lambda row: str(row["clientType"]))
        if request.query.get("sort") == "CONNECTION_PROVIDER_TYPE":
            rows.sort(key=lambda row: str(row["providerTypes"][0]["value"]))
        return self._drata.numbered(request, rows[::-1] if request.query.get("sortDir") == "DESC" else rows)

    async def v1_create_idp_from_json(self, request: web.Request) -> web.Response:
        return self._create(await _json_people(request))

    async def v1_create_idp_from_csv(self, request: web.Request) -> web.Response:
        return self._create(await _csv_people(request))

    async def v1_update_idp_from_json(self, request: web.Request) -> web.Response:
        return self._update(whole(request.match_info["id"]), await _json_people(request))

    async def v1_update_idp_from_csv(self, request: web.Request) -> web.Response:
        return self._update(whole(request.match_info["id"]), await _csv_people(request))

    def _create(self, given: list[Any]) -> web.Response:
        people = _checked(given)
        connection = self._drata.company.connect("IDENTITY", "CSV identity provider")
        connection.people = people
        return json_response({}, 201)

    def _update(self, connection_id: int, given: list[Any]) -> web.Response:
        people = _checked(given)
        connection = self._drata.company.connections.get(connection_id)
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
        if wrong := in_words(violations(SCHEMAS["V1Person"], person, f"personnelData/{place}")):
            raise VendorError(400, wrong)
    return {person["id"]: person for person in people}


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
        "groupLabel": None,
    }
