"""The read endpoints: a list and a single read of each entity."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aiohttp import web

from proofport.testing import Switches, VendorError, json_response, listed
from proofport_secureframe.emulator.entities import ENTITIES, Attributes, Entity
from proofport_secureframe.emulator.model import Company
from proofport_secureframe.emulator.query import page_of, parsed_query, sorted_rows


class Read:
    """The endpoints. The last list is cached, so that paging does not filter everything again for each page."""

    def __init__(self, company: Company, switches: Switches) -> None:
        self._company = company
        self._switches = switches
        self._cached: tuple[tuple[object, ...], list[Attributes]] = ((), [])

    def routes(self) -> list[web.RouteDef]:
        return [route for entity in ENTITIES for route in self._routes_of(entity)]

    def _routes_of(self, entity: Entity) -> list[web.RouteDef]:
        async def list_rows(request: web.Request) -> web.Response:
            rows = listed(request, self._found(entity, request))
            body: dict[str, Any] = {"data": [_rendered(entity, row) for row in page_of(request, rows)]}
            if self._switches["meta"]:
                body["meta"] = {"total": len(rows)}
            return json_response(body)

        async def get_row(request: web.Request) -> web.Response:
            for row in self._rows(entity):
                if row["id"] == request.match_info["id"]:
                    return json_response({"data": _rendered(entity, row)})
            raise VendorError(404, f"{entity.label} not found")

        return [web.get(f"/{entity.path}", list_rows), web.get(f"/{entity.path}/{{id}}", get_row)]

    def _found(self, entity: Entity, request: web.Request) -> list[Attributes]:
        query, sort = request.query.get("q", ""), request.query.get("sort", "")
        key = (self._company.version, self._switches.as_dict(), entity.path, query, sort)
        if self._cached[0] != key:
            self._cached = (key, self._searched(entity, query, sort))
        return self._cached[1]

    def _searched(self, entity: Entity, query: str, sort: str) -> list[Attributes]:
        wanted = parsed_query(query)
        for name in wanted.fields:
            if name not in entity.filterable:
                raise VendorError(400, f"{entity.label} is not filterable by {name}")
        for name in filter(None, sort.split(",")):
            if name.removeprefix("-") not in entity.filterable:
                raise VendorError(400, f"{entity.label} is not sortable by {name.removeprefix('-')}")
        rows = [row for row in self._rows(entity) if wanted.matches(row)]
        return sorted_rows(rows, sort) if sort else rows

    def _rows(self, entity: Entity) -> Iterator[Attributes]:
        if entity.path == "integration_connections" and not self._switches["listed_connection"]:
            return
        for row in entity.rows(self._company):
            if "third_party_id" in row and not self._switches["published_id"]:
                row["third_party_id"] = None
            yield row


def _rendered(entity: Entity, row: Attributes) -> dict[str, Any]:
    return {
        "id": row["id"],
        "type": entity.type,
        "attributes": row,
        "relationships": {},
        "links": {"self": f"/{entity.path}/{row['id']}"},
    }
