"""The read endpoints: what of the published data can be seen again, and by which fields it can be found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from proofport.testing import VendorError, json_response
from proofport_secureframe.emulator.entities import ENTITIES, Entity, Row
from proofport_secureframe.emulator.query import matches, page_of, parsed_query, sorted_rows

if TYPE_CHECKING:
    from proofport_secureframe.emulator.emulator import SecureframeEmulator


@dataclass(slots=True)
class _Remembered:
    """The last list that was asked for: paging through it does not filter everything again for each page."""

    key: tuple[object, ...] = ()
    rows: list[Row] | None = None


class Read:
    def __init__(self, emulator: SecureframeEmulator) -> None:
        self._emulator = emulator
        self._remembered = _Remembered()

    def routes(self) -> list[web.RouteDef]:
        return [route for entity in ENTITIES for route in self._routes_of(entity)]

    def _routes_of(self, entity: Entity) -> list[web.RouteDef]:
        async def list_rows(request: web.Request) -> web.Response:
            rows = self._found(entity, request)
            body: dict[str, Any] = {"data": [self._rendered(entity, row) for row in page_of(request, rows)]}
            if self._emulator.switches["meta"]:
                body["meta"] = {"total": len(rows)}
            return json_response(body)

        async def get_row(request: web.Request) -> web.Response:
            asked = request.match_info["id"]
            for row in self._rows(entity):
                if row.id == asked:
                    return json_response({"data": self._rendered(entity, row)})
            raise VendorError(404, f"{entity.label} not found")

        return [web.get(f"/{entity.path}", list_rows), web.get(f"/{entity.path}/{{id}}", get_row)]

    def _found(self, entity: Entity, request: web.Request) -> list[Row]:
        query, sort = request.query.get("q", ""), request.query.get("sort", "")
        company, switches = self._emulator.company, self._emulator.switches.as_dict()
        key = (company, company.version, switches, entity.path, query, sort)
        if self._remembered.rows is None or self._remembered.key != key:
            self._remembered = _Remembered(key, self._searched(entity, query, sort))
        assert self._remembered.rows is not None
        return self._remembered.rows

    def _searched(self, entity: Entity, query: str, sort: str) -> list[Row]:
        pairs = parsed_query(query)
        for name, _ in pairs:
            if name not in entity.filterable:
                raise VendorError(400, f"{entity.label} is not filterable by {name}")
        for name in filter(None, sort.split(",")):
            if name.removeprefix("-") not in entity.filterable:
                raise VendorError(400, f"{entity.label} is not sortable by {name.removeprefix('-')}")
        attributes = self._attributes(entity)
        rows = self._rows(entity)
        if pairs:
            rows = [row for row in rows if matches(attributes(row), pairs)]
        return sorted_rows(rows, sort, attributes) if sort else rows

    def _rows(self, entity: Entity) -> list[Row]:
        if entity.path == "integration_connections" and not self._emulator.switches["listed_connection"]:
            return []
        return list(entity.rows(self._emulator.company))

    def _attributes(self, entity: Entity) -> Callable[[Row], dict[str, Any]]:
        company, published_id = self._emulator.company, self._emulator.switches["published_id"]

        def attributes(row: Row) -> dict[str, Any]:
            shown = entity.attributes(company, row)
            if "third_party_id" in shown and not published_id:
                shown["third_party_id"] = None
            return shown

        return attributes

    def _rendered(self, entity: Entity, row: Row) -> dict[str, Any]:
        return {
            "id": row.id,
            "type": entity.type,
            "attributes": self._attributes(entity)(row),
            "relationships": {},
            "links": {"self": f"/{entity.path}/{row.id}"},
        }
