"""The emulated Drata, which all its operations share: the company, the objects that a path names, pages."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, Literal, TypeVar

from aiohttp import web

from proofport.testing import Switches, VendorError, cursor_of, json_response, listed, start_of
from proofport_drata.emulator.document import whole
from proofport_drata.emulator.model import Company, Connection, CustomResource, Dated

Row = TypeVar("Row", bound=Dated)


class EmulatedDrata:
    """The state and the switches of one emulator."""

    def __init__(self, switches: Switches) -> None:
        #: Another one after a reset or a seed.
        self.company = Company()
        self.switches = switches

    def connection(self, request: web.Request) -> Connection:
        """The connection of the path. Raises VendorError (404)."""
        connection_id = whole(request.match_info["connectionId"])
        if connection_id not in self.company.connections:
            raise VendorError(404, f"Connection with id {connection_id} not found")
        return self.company.connections[connection_id]

    def connection_of(self, provider: Literal["MDM", "HRIS"], request: web.Request) -> Connection:
        """The connection of the path, which must be an MDM or HRIS one. Raises VendorError (400, 404)."""
        connection = self.connection(request)
        if connection.type != provider:
            raise VendorError(400, f"Connection {connection.id} is not an {provider} connection")
        return connection

    def resource(self, request: web.Request) -> CustomResource:
        """The resource of the path. Raises VendorError (404)."""
        connection, resource_id = self.connection(request), whole(request.match_info["resourceId"])
        if resource_id not in connection.resources:
            raise VendorError(404, f"Resource with id {resource_id} not found")
        return connection.resources[resource_id]

    def page(
        self, request: web.Request, rows: Collection[Row], render: Callable[[Row], dict[str, Any]]
    ) -> web.Response:
        """One page of `rows` (given in the order of their creation). Raises VendorError (400) on an unknown cursor."""
        query = request.query
        start = start_of(query["cursor"], "cursor") if "cursor" in query else 0
        end = start + whole(query.get("size", "50"))
        ordered = list(rows)
        if query.get("sort") == "updatedAt":
            ordered.sort(key=lambda row: row.updated_at)
        if query.get("sortDir", self.switches["default_sort_dir"]) == "DESC":
            ordered.reverse()
        ordered = list(listed(request, ordered))
        pagination: dict[str, Any] = {"cursor": None}
        if end < len(ordered):
            pagination["cursor"] = cursor_of(end)
        if query.get("includeTotalCount") == "true" and start == 0:
            pagination["totalCount"] = len(ordered)
        return json_response({"data": [render(row) for row in ordered[start:end]], "pagination": pagination})

    def numbered(self, request: web.Request, rows: list[dict[str, Any]]) -> web.Response:
        """One page of rendered rows, as V1 numbers them."""
        page, limit = whole(request.query.get("page", "1")), whole(request.query.get("limit", "20"))
        rows = list(listed(request, rows))
        shown = rows[(page - 1) * limit : page * limit]
        return json_response({"data": shown, "page": page, "limit": limit, "total": len(rows)})


def expansions(request: web.Request) -> Sequence[str]:
    """The names of what a row is asked to show besides."""
    return request.query.getall("expand[]", [])


class EmulatedOperations:
    """Some of Drata's operations: each is a method under its name in the document, in snake case."""

    def __init__(self, drata: EmulatedDrata) -> None:
        self._drata = drata
        self._switches = drata.switches
