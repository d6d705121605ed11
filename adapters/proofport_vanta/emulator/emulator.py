"""The Vanta emulator: its applications, its seed, and its operations put together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from html import escape
from typing import Any, ClassVar

from aiohttp import web

from proofport.testing import Emulator, VendorError, json_response, obeying, object_shown
from proofport_vanta.emulator.behaviours import BEHAVIOURS
from proofport_vanta.emulator.document import BASE_TYPES
from proofport_vanta.emulator.model import Application, Company, Resource
from proofport_vanta.emulator.resources import EmulatedResources
from proofport_vanta.emulator.state import CLIENT_SECRET, ApplicationState, company_from, declare, shown, state_of
from proofport_vanta.emulator.tokens import Tokens

CLIENT_ID = "vci_vanta_emulator"
SEEDED = {
    "personnel_account": ("user_account",),
    "training_record": ("user_security_training_status",),
    "device": ("macos_user_computer", "windows_user_computer"),
    "cloud_resource": ("custom_resource",),
    "custom:software_package": ("custom_resource",),
}
"""The base types of the resources of each kind."""
SETTINGS = {"macos_user_computer": "macos_resource_id", "windows_user_computer": "windows_resource_id"}
"""The settings that name a resource, where it is not `resource_id`."""


class VantaEmulator(Emulator):
    """One company. The seed has one application."""

    name = "vanta"
    behaviours: ClassVar = BEHAVIOURS

    def __init__(self, *, rate_limit: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(rate_limit=rate_limit, clock=clock)
        self._company = Company()
        self._tokens = Tokens(lambda: self._company, self.switches, self.count, clock)

    def routes(self) -> Iterable[web.RouteDef]:
        yield web.post("/_emulator/applications", obeying(self.declare_application))
        yield web.post("/oauth/token", self._tokens.create_token)
        for base_type in BASE_TYPES.values():
            yield from EmulatedResources(base_type, self._tokens, self.switches).routes()
        yield web.route("*", "/{path:(?!_emulator).+}", self.unknown_path)

    def counted(self, request: web.Request) -> tuple[str, int]:
        """Requests with a token count for its application; those for a token are counted apart."""
        client_id = self._tokens.client_id(request)
        return f"requests of {client_id}", self.switches["rate_limit"] if client_id else 0

    def authorize(self, request: web.Request) -> None:
        """Refuse what does not get as far as the API. An operation asks for the token that it needs."""
        if other := self.switches["redirect_to"]:
            raise VendorError(308, "Permanent Redirect", headers={"Location": other + request.path_qs})
        if request.method == "GET" and request.body_exists:
            raise VendorError(403, "Bad request", html=True)

    async def unknown_path(self, request: web.Request) -> web.Response:
        raise VendorError(404, f"Cannot {request.method} {request.path}", html=True)

    def failure(self, status: int, message: str, **more: Any) -> web.Response:
        html = {"some": bool(more.get("html")), "none": False, "all": True}[self.switches["html_errors"]]
        words = "rate limit exceeded" if status == 429 else message
        return _error(status, words, headers=more.get("headers"), html=html)

    # ------------------------------------------------------------------ the control plane's side
    def declare_application(self, body: bytes) -> object:
        """Do what a person does in the developer console: make or change an application and its resources."""
        declared = ApplicationState.model_validate_json(body)
        return shown(declare(self._company, declared, self.switches), self.switches)

    def state(self) -> dict[str, Any]:
        return state_of(self._company, self.switches)

    def load(self, state: Mapping[str, Any]) -> None:
        self._company = company_from(state, self.switches)

    def seed(self) -> None:
        pairs = [(kind, base_type) for kind, base_types in SEEDED.items() for base_type in base_types]
        resources: list[dict[str, Any]] = [
            {"id": f"{number:024x}", "base_type": base_type, "kind": kind}
            | ({"definition": {}} if base_type == "custom_resource" else {})
            for number, (kind, base_type) in enumerate(pairs, 0x6650_0000_0000_0000_0000_0001)
        ]
        self.load({"connections": [{"id": CLIENT_ID, "name": "proofport", "resources": resources}]})

    def overview(self) -> list[dict[str, Any]]:
        return [
            _overview(application, resource)
            for application in self._company.applications.values()
            for resource in application.resources.values()
        ]

    def destination(self, origin: str) -> dict[str, Any]:
        objects: dict[str, dict[str, Any]] = {}
        for resource in self._seeded():
            setting = SETTINGS.get(resource.base_type, "resource_id")
            objects.setdefault(str(resource.kind), {})[setting] = resource.id
            if str(resource.kind).startswith("custom:"):
                objects[str(resource.kind)]["when_unknown"] = {"externalUrl": "https://wiki.example.com/"}
        return {
            "adapter": self.name,
            "base_url": origin,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "requests_per_minute": 0,
            "objects": objects,
        }

    def _seeded(self) -> Iterator[Resource]:
        application = self._company.applications.get(CLIENT_ID)
        resources = application.resources.values() if application else ()
        return (each for each in resources if each.kind in SEEDED)


def _overview(application: Application, resource: Resource) -> dict[str, Any]:
    live = resource.live()
    note = f"{resource.base_type} {resource.id} of {application.client_id}, {len(resource.rows) - len(live)} gone"
    title = resource.kind or resource.slug or resource.id
    return object_shown(title, note, [{"id": record["uniqueId"], **record} for record in live])


def _error(status: int, message: str, *, headers: Mapping[str, str] | None, html: bool) -> web.Response:
    """An error in JSON, or the page of a server in front of the API."""
    if not html:
        return json_response({"error": message}, status, headers)
    edge = "<h1>403 ERROR</h1><h2>The request could not be satisfied.</h2><hr>Bad request. We can't connect to the "
    edge += "server for this app or website at this time.<hr>Generated by cloudfront (CloudFront)"
    body = edge if status == 403 else f"<pre>{escape(message)}</pre>"
    page = f'<!DOCTYPE html>\n<html lang="en"><head><title>Error</title></head><body>{body}</body></html>\n'
    return web.Response(text=page, status=status, headers=headers, content_type="text/html")
