"""Sessions: a whole dataset is staged out of sight, then made the live one at once, or deleted."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from proofport.testing import FAULTS, VendorError, json_body, json_response
from proofport_drata.emulator.answers import timestamp
from proofport_drata.emulator.document import body_of, whole
from proofport_drata.emulator.emulated import EmulatedOperations
from proofport_drata.emulator.model import CustomResource, Session, now
from proofport_drata.emulator.records import Upload, data_of


class EmulatedSessions(EmulatedOperations):
    async def list_sessions(self, request: web.Request) -> web.Response:
        resource = self._drata.resource(request)
        status = request.query.get("status")
        sessions = list(resource.sessions.values())
        if status is not None and not self._switches["status_filter_ignored"]:
            sessions = [each for each in sessions if each.status == status.replace("LL", "L")]
        return self._drata.page(request, sessions, self._rendered)

    async def upsert_session_records(self, request: web.Request) -> web.Response:
        return self.staged(request, request.match_info["sessionId"], data_of(await json_body(request)))

    def staged(
        self, request: web.Request, session_id: str, data: dict[str, Any] | list[dict[str, Any]]
    ) -> web.Response:
        """Stage records in a session, which is opened when it is new. Raises VendorError."""
        resource = self._drata.resource(request)
        session = resource.sessions.get(session_id)
        if session is None:
            session = self._open(resource, session_id, empty=data == [])
        elif session.status != "IN_PROGRESS":
            raise VendorError(self._switches["ended_session_upload"], f"Session {session_id} is no longer in progress")
        if session is None:
            return json_response([], self._switches["array_upload_status"])
        session.updated_at = now()
        return Upload(self._switches, resource, session, session.staged, request[FAULTS]).answer(data)

    async def act_on_session(self, request: web.Request) -> web.Response:
        resource, session_id = self._drata.resource(request), request.match_info["sessionId"]
        action = (await body_of(request, "SessionActionRequest"))["action"]
        session = self.ended(resource, session_id, action)
        return json_response(
            {
                "sessionId": session_id,
                "status": self._spelled(session),
                "action": action,
                "connectionId": whole(request.match_info["connectionId"]),
                "resourceId": resource.id,
            }
        )

    def ended(self, resource: CustomResource, session_id: str, action: str) -> Session:
        """Complete or cancel a session. Raises VendorError when that is not possible."""
        session = resource.sessions.get(session_id)
        if session is None:
            raise VendorError(self._switches["unknown_session_action"], f"Session {session_id} not found")
        if session.status != "IN_PROGRESS":
            status = self._switches["ended_session_action"]
            raise VendorError(status, f"Cannot {action} a session that is {self._spelled(session)}")
        if action == "cancel":
            session.end("CANCELED", now())
        elif not session.staged:
            raise VendorError(422, "Cannot complete a session with no data records")
        else:
            resource.complete(session, now())
        return session

    def _open(self, resource: CustomResource, session_id: str, *, empty: bool) -> Session | None:
        opened = resource.in_status("IN_PROGRESS")
        if opened is not None:
            message = f"Session {opened.session_id} is already in progress for this resource"
            raise VendorError(self._switches["second_session"], message)
        if empty and not self._switches["empty_upload_opens_session"]:
            return None
        return self._drata.company.open_session(resource, session_id)

    def _rendered(self, session: Session) -> dict[str, Any]:
        return {
            "id": session.row,
            "sessionId": session.session_id,
            "status": self._spelled(session),
            "createdAt": timestamp(session.created_at),
            "updatedAt": timestamp(session.updated_at),
            "activatedAt": timestamp(session.activated_at),
            "canceledAt": timestamp(session.canceled_at),
        }

    def _spelled(self, session: Session) -> str:
        return str(self._switches["canceled_spelling"]) if session.status == "CANCELED" else session.status
