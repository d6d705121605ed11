"""The one write operation: it queues the current state of resources and answers 202."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from proofport.testing import FAULTS, Switches, VendorError, cut, json_body
from proofport_secureframe.emulator.model import Company, Connection, Publication
from proofport_secureframe.emulator.processing import Processor, Workers, without_arrays


class Publish:
    """The endpoint. Only a request with `authorization` may publish."""

    def __init__(
        self, company: Company, switches: Switches, workers: Workers, processor: Processor, authorization: str
    ) -> None:
        self._company = company
        self._switches = switches
        self._workers = workers
        self._processor = processor
        self._authorization = authorization
        self._answered = 0

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/custom_connections/{id}/data", self.publish)]

    async def publish(self, request: web.Request) -> web.Response:
        connection = self._company.connections.get(request.match_info["id"].lower())
        if connection is None:
            raise VendorError(404, "Custom connection not found")
        if request.headers.get("Authorization") != self._authorization:
            raise VendorError(403, "This API key may not push to this custom connection")
        publication = self._publication(request, await json_body(request), connection)
        self._refuse_now(connection, publication)
        for _ in range(2 if self._switches["duplicate_delivery"] else 1):
            self._workers.enqueue(connection, publication)
        self._answered += 1
        every = self._switches["lost_response"]
        return cut(request) if every and self._answered % every == 0 else web.Response(status=202)

    def _publication(self, request: web.Request, body: Any, connection: Connection) -> Publication:
        if not isinstance(body, dict):
            raise VendorError(400, "The request body must be an object")
        slug, vendor = _text(body, "schema_slug"), _text(body, "vendor_slug")
        items, partial = body.get("resource_data"), body.get("partial", False)
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise VendorError(400, "resource_data must be an array of objects")
        if not isinstance(partial, bool):
            raise VendorError(400, "partial must be a boolean")
        if vendor != connection.vendor_slug:
            raise VendorError(self._switches["wrong_vendor_slug"], "vendor_slug does not match the connection")
        if not items and self._switches["empty_resource_data"] != 202:
            raise VendorError(self._switches["empty_resource_data"], "resource_data must not be empty")
        faults = request[FAULTS]
        doomed = frozenset(position for position in range(len(items)) if faults.item_fails())
        return Publication(slug, [without_arrays(item) for item in items], partial, doomed)

    def _refuse_now(self, connection: Connection, publication: Publication) -> None:
        """Answer 400 to items that cannot be mapped, instead of letting them fail later, where the switch says so."""
        schema = connection.schemas.get(publication.slug)
        if schema is None or not schema.defined or self._switches["unmappable"] == "fails_later":
            return
        for item in publication.items:
            reason = self._processor.problem(schema, item, partial=publication.partial)
            if reason is not None:
                raise VendorError(400, reason)


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise VendorError(400, f"{name} must be a string")
    return value
