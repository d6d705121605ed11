"""Version 1, as older clients use it: records, with sessions as headers, and devices."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from proofport.testing import VendorError, json_body, json_response
from proofport_drata.emulator.devices import EmulatedDevices, rendered
from proofport_drata.emulator.document import BOOLEANS, SCHEMAS
from proofport_drata.emulator.emulated import EmulatedDrata, EmulatedOperations, expansions
from proofport_drata.emulator.model import Device
from proofport_drata.emulator.records import EmulatedRecords, data_of
from proofport_drata.emulator.sessions import EmulatedSessions

EXPANSIONS = {
    "ASSET": "asset",
    "COMPLIANCE_CHECKS": "complianceChecks",
    "DOCUMENTS": "documents",
    "IDENTIFIERS": "identifiers",
}


class EmulatedVersion1Data(EmulatedOperations):
    def __init__(self, drata: EmulatedDrata) -> None:
        super().__init__(drata)
        self._records, self._sessions = EmulatedRecords(drata), EmulatedSessions(drata)
        self._devices = EmulatedDevices(drata)
        self.v1_update_record = self._records.update_record
        self.v1_delete_record = self._records.delete_record

    async def v1_upsert_records(self, request: web.Request) -> web.Response:
        session_id = request.headers.get("X-Session-ID")
        complete, abort = _flag(request, "X-Session-Complete"), _flag(request, "X-Session-Abort")
        if complete and abort:
            raise VendorError(400, "X-Session-Complete and X-Session-Abort exclude each other")
        if session_id is None:
            if complete or abort:
                raise VendorError(400, "X-Session-ID is needed")
            return await self._records.upsert_records(request)
        if not re.fullmatch(SCHEMAS["SessionId"]["pattern"], session_id) or not 3 <= len(session_id) <= 64:
            raise VendorError(400, "Session ID must be between 3 and 64 characters")
        data = data_of(await json_body(request))
        if abort:
            self._sessions.ended(self._drata.resource(request), session_id, "cancel")
            return json_response([])
        answer = self._sessions.staged(request, session_id, data)
        if complete:
            self._sessions.ended(self._drata.resource(request), session_id, "complete")
        return answer

    async def v1_list_devices(self, request: web.Request) -> web.Response:
        expand = [EXPANSIONS[name] for name in expansions(request)]
        return self._drata.numbered(request, [_rendered(each, expand) for each in self._devices.found(request)])

    async def v1_upsert_device(self, request: web.Request) -> web.Response:
        device, status = await self._devices.upserted(request, "V1DeviceUpsert")
        return json_response(_rendered(device), status)


def _flag(request: web.Request, name: str) -> bool:
    text = request.headers.get(name, "false").lower()
    if text not in BOOLEANS:
        raise VendorError(400, f"{name} must be true or false")
    return BOOLEANS[text]


def _rendered(device: Device, expand: list[str] | None = None) -> dict[str, Any]:
    """A device, always with its compliance. The numbers of persons and users are taken to be the same."""
    shown = rendered(device, expand or ())
    return {**shown, "isDeviceCompliant": True, "userId": shown["personnelId"]}
