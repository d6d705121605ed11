"""Sessions: a whole dataset is staged out of sight, then made the live one at once, or deleted."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from proofport.testing import FAULTS, VendorError, json_body, json_response
from proofport_drata.emulator.answers import timestamp
from proofport_drata.emulator.context import Part
from proofport_drata.emulator.model import Resource, Session, now
from proofport_drata.emulator.records import RESOURCE, Upload, data_of

STATUSES = ("IN_PROGRESS", "ACTIVE", "CANCELED", "ARCHIVED")
SESSION_ID = re.compile(r"[A-Za-z0-9_-]+")


class Sessions(Part):
    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(RESOURCE + "/sessions", self.list_sessions),
            web.post(RESOURCE + "/sessions/{sessionId}", self.upload),
            web.post(RESOURCE + "/sessions/{sessionId}/actions", self.act),
        ]

    async def list_sessions(self, request: web.Request) -> web.Response:
        resource = self._context.resource(request)
        status = request.query.get("status")
        if status is not None and status not in STATUSES:
            raise VendorError(400, f"status must be one of the following values: {', '.join(STATUSES)}")
        sessions = list(resource.sessions.values())
        if status is not None and not self._switches["status_filter_ignored"]:
            sessions = [each for each in sessions if each.status == status]
        return self._context.page(request, sessions, self._rendered)

    async def upload(self, request: web.Request) -> web.Response:
        resource, session_id = self._context.resource(request), _session_id(request)
        data = data_of(await json_body(request))
        session = resource.sessions.get(session_id)
        if session is None:
            session = self._open(resource, session_id, empty=data == [])
        elif session.status != "IN_PROGRESS":
            raise VendorError(self._switches["ended_session_upload"], f"Session {session_id} is no longer in progress")
        if session is None:
            return json_response([], self._switches["array_upload_status"])
        session.updated_at = now()
        return Upload(self._switches, resource, session, session.staged, request[FAULTS]).answer(data)

    async def act(self, request: web.Request) -> web.Response:
        resource, session_id = self._context.resource(request), _session_id(request)
        body = await json_body(request)
        action = body.get("action") if isinstance(body, dict) else None
        if action not in ("complete", "cancel"):
            raise VendorError(400, "action must be one of the following values: complete, cancel")
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
        return json_response(
            {
                "sessionId": session_id,
                "status": self._spelled(session),
                "action": action,
                "connectionId": int(request.match_info["connectionId"]),
                "resourceId": resource.id,
            }
        )

    def _open(self, resource: Resource, session_id: str, *, empty: bool) -> Session | None:
        opened = resource.in_status("IN_PROGRESS")
        if opened is not None:
            message = f"Session {opened.session_id} is already in progress for this resource"
            raise VendorError(self._switches["second_session"], message)
        if empty and not self._switches["empty_upload_opens_session"]:
            return None
        return self._context.tenant.open_session(resource, session_id)

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


def _session_id(request: web.Request) -> str:
    session_id = request.match_info["sessionId"]
    if not 3 <= len(session_id) <= 64:
        raise VendorError(400, "Session ID must be between 3 and 64 characters")
    if not SESSION_ID.fullmatch(session_id):
        raise VendorError(400, "Session ID may only contain letters, digits, hyphens and underscores")
    return session_id
