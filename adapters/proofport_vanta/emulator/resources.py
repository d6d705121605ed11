"""The two operations of a base type: the whole set is sent, and it is listed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from aiohttp import web

from proofport.testing import FAULTS, Switches, VendorError, cursor_of, json_body, json_response, listed, start_of
from proofport_vanta.emulator.document import PREFIX, BaseType
from proofport_vanta.emulator.model import Resource, Row, Rows
from proofport_vanta.emulator.schemas import record_schema, timestamp, with_times
from proofport_vanta.emulator.state import wrong_with
from proofport_vanta.emulator.tokens import READ, WRITE, Tokens


class EmulatedResources:
    """The resources of one base type."""

    def __init__(self, base_type: BaseType, tokens: Tokens, switches: Switches) -> None:
        self._base_type = base_type
        self._tokens = tokens
        self._switches = switches

    def routes(self) -> Iterator[web.RouteDef]:
        for name in (self._base_type.name, self._base_type.title):
            yield web.get(PREFIX + name, self.list_all, allow_head=False)
            yield web.put(PREFIX + name, self.sync_all)

    async def sync_all(self, request: web.Request) -> web.Response:
        application = self._tokens.application(request, WRITE)
        body = await json_body(request)
        resource_id = body.get("resourceId") if isinstance(body, dict) else None
        if not isinstance(resource_id, str) or not resource_id:
            raise VendorError(400, "resourceId must be a string")
        if not self._switches["other_members"] and (others := body.keys() - {"resourceId", "resources"}):
            raise VendorError(400, f"Unknown fields: {', '.join(sorted(others))}")
        resource = application.find(self._base_type.name, resource_id)
        if resource is None:
            raise VendorError(404, "Resource not found")
        records = body.get("resources")
        if not isinstance(records, list):
            raise VendorError(400, "resources must be an array")
        self._refuse(resource, records)
        doomed = {position for position in range(len(records)) if request[FAULTS].item_fails()}
        if doomed and self._switches["answer"] == "success":
            raise VendorError(400, f"/{min(doomed)}: the emulator was told to let this item fail")
        kept = [record for position, record in enumerate(records) if position not in doomed]
        self._store(resource, kept)
        if self._switches["answer"] == "success":
            return json_response({"success": True})
        return json_response({"results": {"accepted": len(kept), "rejected": len(doomed)}})

    async def list_all(self, request: web.Request) -> web.Response:
        application = self._tokens.application(request, READ)
        resource_id = request.query.get("resourceId")
        if not resource_id:
            raise VendorError(400, "resourceId is required")
        resource = application.find(self._base_type.name, resource_id)
        if resource is None:
            raise VendorError(404, "Resource not found")
        size, cursor = self._switches["page_size"], request.query.get("pageCursor")
        start = start_of(cursor, "pageCursor") if size and cursor else 0
        rows = listed(request, [*self._rendered(resource.listed if start else resource.show())])
        if not size:
            return json_response({"resources": rows})
        size = min(size, _page_size(request.query.get("pageSize", "100")))
        more = start + size < len(rows)
        cursor = cursor_of(start + size) if more else None
        return json_response(
            {"resources": rows[start : start + size], "pageInfo": {"endCursor": cursor, "hasNextPage": more}}
        )

    def _refuse(self, resource: Resource, records: list[Any]) -> None:
        most = self._switches["max_records"]
        if most and len(records) > most:
            raise VendorError(self._switches["too_many_records"], f"Too many resources: {len(records)} of {most}")
        if wrong := wrong_with(resource, records, self._switches):
            raise VendorError(400, wrong)
        if self._switches["duplicate"] == "refused":
            seen: set[str] = set()
            for position, record in enumerate(records):
                if record["uniqueId"] in seen:
                    raise VendorError(400, f"Duplicate uniqueId {record['uniqueId']} (element {position})")
                seen.add(record["uniqueId"])

    def _store(self, resource: Resource, records: list[Any]) -> None:
        switches = self._switches
        if switches["seconds"]:
            schema = record_schema(resource.base_type, resource.definition, switches)
            records = [with_times(schema, record, switches["time_form"]) for record in records]
        resource.sync(records, restores=switches["resent"], stale=switches["stale_lists"])

    def _rendered(self, rows: Rows) -> Iterator[dict[str, Any]]:
        form = self._switches["time_form"]
        for row in rows.values():
            yield {
                **self._body(row),
                "createdAt": timestamp(row.created_at, form),
                "updatedAt": timestamp(row.updated_at, form),
                "deletedAt": timestamp(row.deleted_at, form) if row.deleted_at else None,
            }

    def _body(self, row: Row) -> dict[str, Any]:
        """The record. A user account that is gone shows as deactivated."""
        status = self._switches["gone_account"]
        gone = row.deleted_at is not None and self._base_type.name == "user_account"
        return {**row.body, "status": status} if gone and status != "as_sent" else row.body


def _page_size(text: str) -> int:
    if not re.fullmatch("[0-9]{1,3}", text) or not 1 <= int(text) <= 100:
        raise VendorError(400, "pageSize must be a number from 1 to 100")
    return int(text)
