"""Health, metrics and the documentation of the relay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, Field

from proofport.errors import JournalError
from proofport.relay.api import models, openapi
from proofport.relay.api.parameters import NoQuery
from proofport.relay.api.route import Route, Routes
from proofport.relay.api.views import json_response
from proofport.relay.console import page
from proofport.relay.operating import metrics
from proofport.relay.operating.health import CheckName
from proofport.relay.problems import ProblemError
from proofport.relay.state import RELAY

route, documentation = Routes("Operations"), Routes("Documentation")


class ReadyQuery(BaseModel, extra="forbid"):
    exclude: Annotated[list[CheckName], Field(description="A check to leave out. Repeatable.")] = []


@route("GET", "/healthz", "open", models.Health)
async def get_health(request: web.Request, query: NoQuery) -> web.StreamResponse:
    """Say that the process is alive.

    Nothing else is checked. Restart the relay when this fails, not when it is only not ready.
    """
    return json_response({"status": "alive"})


@route("GET", "/readyz", "open", models.Readiness, problems=("not-ready",))
async def get_readiness(request: web.Request, query: ReadyQuery) -> web.StreamResponse:
    """Say whether the relay is ready, check by check.

    journal: it can be written. lanes: none is parked. age: nothing has waited for too long. room: more evidence is
    accepted. A load balancer excludes lanes and age: evidence is safe although it waits.
    """
    found = await request.app[RELAY].readiness.checks()
    checks = {name: check for name, check in found.items() if name not in query.exclude}
    failed = [f"{name}: {check.detail}" for name, check in checks.items() if not check.ok]
    if failed:
        raise ProblemError("not-ready", "; ".join(failed), checks=checks)
    return json_response({"status": "ready", "checks": checks})


@route("GET", "/metrics", "operator", "text/plain")
async def get_metrics(request: web.Request, query: NoQuery) -> web.StreamResponse:
    """Give the metrics, as Prometheus reads them.

    They cover all tenants: the key must be one of the default tenant, for all of its destinations and kinds.
    """
    relay = request.app[RELAY]
    try:
        view = await relay.backlog.look()
    except JournalError:
        view = None
    return web.Response(body=relay.metrics.text(view), headers={"Content-Type": metrics.MEDIA_TYPE})


OPENAPI: web.AppKey[Callable[[], dict[str, Any]]] = web.AppKey("openapi")
PAGE: web.AppKey[Callable[[], str]] = web.AppKey("page")


def describe(app: web.Application, routes: Sequence[Route]) -> None:
    """Describe the routes for programs and for people. Both are made when they are first asked for."""
    document: Callable[[], dict[str, Any]] = cache(lambda: openapi.document(routes))
    html: Callable[[], str] = cache(lambda: page.page(document()))
    app[OPENAPI], app[PAGE] = document, html


@documentation("GET", "/openapi.json", "open", "application/json")
async def get_openapi(request: web.Request, query: NoQuery) -> web.StreamResponse:
    """This documentation for programs: OpenAPI 3.1."""
    return json_response(request.app[OPENAPI]())


@documentation("GET", "/docs", "open", "text/html")
async def get_docs(request: web.Request, query: NoQuery) -> web.StreamResponse:
    """This documentation for people. It loads nothing from anywhere."""
    headers = {"Content-Security-Policy": page.POLICY}
    return web.Response(text=request.app[PAGE](), content_type="text/html", headers=headers)
