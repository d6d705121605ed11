"""The token operation, and who a request's token belongs to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from proofport.testing import Switches, VendorError, json_body, json_response
from proofport_vanta.emulator.model import Application, Company, Token

READ, WRITE = "connectors.self:read-resource", "connectors.self:write-resource"
SCOPES = frozenset({READ, WRITE, "self:read-document", "self:write-document"})


class Tokens:
    """One living token for each application. `company` gives the present state, `count` is `Emulator.count`."""

    def __init__(
        self,
        company: Callable[[], Company],
        switches: Switches,
        count: Callable[[str, int], None],
        clock: Callable[[], float],
    ) -> None:
        self._company = company
        self._switches = switches
        self._count = count
        self._clock = clock

    async def create_token(self, request: web.Request) -> web.Response:
        if request.content_type != "application/json":
            raise VendorError(self._switches["form_token_request"], "invalid_request")
        body = await json_body(request)
        if not isinstance(body, dict):
            raise VendorError(400, "invalid_request")
        if self._switches["rate_limit"]:
            self._count(f"tokens of {body.get('client_id')}", self._switches["mint_limit"])
        token = self._granted(body)
        text = self._company().mint(token, revokes=self._switches["one_token"])
        return json_response(
            {"access_token": text, "expires_in": self._switches["token_seconds"], "token_type": "Bearer"}
        )

    def _granted(self, body: dict[str, Any]) -> Token:
        if body.get("grant_type") != "client_credentials":
            raise VendorError(400, "unsupported_grant_type")
        application = self._company().applications.get(str(body.get("client_id")))
        if application is None or application.client_secret != body.get("client_secret"):
            raise VendorError(401, "invalid_client")
        scopes = frozenset(str(body.get("scope", "")).split())
        if not scopes or (application.type == "build" and not scopes <= SCOPES):
            raise VendorError(400, "invalid_scope")
        return Token(application, scopes, self._clock() + self._switches["token_seconds"])

    def _token(self, request: web.Request) -> Token | None:
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        token = self._company().tokens.get(text)
        return token if token and scheme == "Bearer" and self._clock() < token.ends else None

    def client_id(self, request: web.Request) -> str | None:
        """Of the application whose token the request carries. None: it carries none that lives."""
        token = self._token(request)
        return token.application.client_id if token else None

    def application(self, request: web.Request, scope: str) -> Application:
        """The application of a request that needs `scope`. Raises VendorError (401, 403)."""
        token = self._token(request)
        if token is None:
            raise VendorError(401, "unauthorized")
        if token.application.type != "build" or scope not in token.scopes:
            raise VendorError(403, "unauthorized")
        return token.application
