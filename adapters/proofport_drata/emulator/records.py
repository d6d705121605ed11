"""Records of a CUSTOM resource: upserted alone or many at once, updated and deleted alone, read only as a list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from aiohttp import web

from proofport.testing import FAULTS, Faults, Switches, VendorError, json_body, json_response
from proofport_drata.emulator.answers import timestamp, upload_timestamp
from proofport_drata.emulator.document import body_of
from proofport_drata.emulator.emulated import EmulatedOperations
from proofport_drata.emulator.model import CustomResource, Record, Session, now
from proofport_drata.emulator.schemas import BY_DEFAULT, SCHEMA_VIOLATION, Violation, message_for, violations


class EmulatedRecords(EmulatedOperations):
    async def list_records(self, request: web.Request) -> web.Response:
        resource = self._drata.resource(request)
        session_id = request.query.get("sessionId")
        rows = self._visible(resource) if session_id is None else self._of_session(resource, session_id)
        return self._drata.page(request, rows, _rendered)

    async def upsert_records(self, request: web.Request) -> web.Response:
        resource = self._drata.resource(request)
        data = data_of(await json_body(request))
        session = resource.in_status("ACTIVE")
        target = resource.live
        if self._switches["direct_upload_joins"] == "open" and (opened := resource.in_status("IN_PROGRESS")):
            session, target = opened, opened.staged
        return Upload(self._switches, resource, session, target, request[FAULTS]).answer(data)

    async def update_record(self, request: web.Request) -> web.Response:
        resource, record_id = self._drata.resource(request), request.match_info["recordId"]
        body = await body_of(request, "RecordUpdate")
        record = self._live(resource, record_id)
        kept = record.attributes if self._switches["put_record"] == "merge" else {}
        attributes = {**kept, **body["data"], "id": record_id}
        if wrong := list(violations(resource.schema, attributes)):
            raise VendorError(400, message_for(wrong), code=SCHEMA_VIOLATION)
        record.attributes, record.updated_at = attributes, now()
        return json_response(_rendered(record))

    async def delete_record(self, request: web.Request) -> web.Response:
        resource, record_id = self._drata.resource(request), request.match_info["recordId"]
        self._live(resource, record_id)
        del resource.live[record_id]
        return web.Response(status=204)

    def _visible(self, resource: CustomResource) -> list[Record]:
        opened = resource.in_status("IN_PROGRESS") if self._switches["list_shows_staged"] else None
        return [*resource.live.values(), *(opened.staged.values() if opened else ())]

    def _of_session(self, resource: CustomResource, session_id: str) -> list[Record]:
        opened = resource.sessions.get(session_id)
        staged = opened.staged.values() if opened and self._switches["staged_records_readable"] else ()
        return [*staged, *(each for each in resource.live.values() if each.session_id == session_id)]

    @staticmethod
    def _live(resource: CustomResource, record_id: str) -> Record:
        if record_id not in resource.live:
            raise VendorError(404, f"Record with id {record_id} not found")
        return resource.live[record_id]


def data_of(body: Any) -> dict[str, Any] | list[dict[str, Any]]:
    """The `data` of an upload: one record or many. Raises VendorError (400)."""
    data = body.get("data") if isinstance(body, dict) else None
    if isinstance(data, dict):
        return data
    if not isinstance(data, list) or not all(isinstance(each, dict) for each in data):
        raise VendorError(400, "data must be an object or an array of objects")
    return data


@dataclass(slots=True)
class Upload:
    """One upload into `target`: the live records, or those that `session` has staged."""

    switches: Switches
    resource: CustomResource
    session: Session | None
    target: dict[str, Record]
    faults: Faults

    def answer(self, data: dict[str, Any] | list[dict[str, Any]]) -> web.Response:
        """One result for an object, an array of results for an array. The status is 2xx even when all failed."""
        switches, when = self.switches, now()
        items = data if isinstance(data, list) else [data]
        wrong = [self._wrong(item) for item in items]
        stores = switches["mixed_array"] == "store_good" or not any(wrong)
        results = [
            self._failed(item, violations) if violations else self._stored(item, when, stores)
            for item, violations in zip(items, wrong, strict=True)
        ]
        if isinstance(data, list):
            return json_response(results, switches["array_upload_status"])
        if wrong[0] and switches["single_failure"] == "400":
            raise VendorError(400, message_for(wrong[0]), code=SCHEMA_VIOLATION)
        return json_response(results[0], results[0]["statusCode"])

    def _wrong(self, item: dict[str, Any]) -> list[Violation]:
        if self.faults.item_fails():
            return [{"": "the emulator was told to let this item fail"}]
        if "id" not in item and self.switches["record_without_id"] == "generate":
            item = item | {"id": "generated"}
        if "id" not in item:
            return [{"": "must have required property 'id'"}]
        if not isinstance(item["id"], str):
            return [{"/id": "must be string"}]
        found = list(violations(self.resource.schema, item))
        return list(map(_explained, found)) if self.resource.required_by_default else found

    def _failed(self, item: dict[str, Any], wrong: list[Violation]) -> dict[str, Any]:
        switches = self.switches
        problem: dict[str, Any] = {"message": message_for(wrong), "code": SCHEMA_VIOLATION}
        if switches["item_error"] == "nested":
            problem = {"error": problem}
        result = {"statusCode": switches["failed_item_status"], "data": item, "error": problem}
        if switches["failed_item_has_id"] and isinstance(item.get("id"), str):
            result["id"] = item["id"]
        return result

    def _stored(self, item: dict[str, Any], when: datetime, stores: bool) -> dict[str, Any]:
        record_id = item.get("id") or str(uuid4())
        former = self.target.get(record_id)
        attributes = item if item.get("id") == record_id else {**item, "id": record_id}
        if former is not None and self.switches["upsert_existing"] == "merge":
            attributes = {**former.attributes, **attributes}
        created = former.created_at if former else when
        session_id = self.session.session_id if self.session else None
        if stores:
            record = self.target[record_id] = Record(attributes, session_id, created_at=created)
            record.updated_at = when
        return {
            "id": record_id,
            "createdAt": upload_timestamp(created),
            "updatedAt": upload_timestamp(when),
            "statusCode": 200 if former else 201,
            "data": item,
        }


def _explained(violation: Violation) -> Violation:
    return {at: words + BY_DEFAULT * ("required property" in words) for at, words in violation.items()}


def _rendered(record: Record) -> dict[str, Any]:
    return {
        "id": record.attributes["id"],
        "attributes": record.attributes,
        "sessionId": record.session_id,
        "createdAt": timestamp(record.created_at),
        "updatedAt": timestamp(record.updated_at),
    }
