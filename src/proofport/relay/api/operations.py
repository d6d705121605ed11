"""How the relay is: for load balancers, monitoring, and whoever runs it."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, Field

from proofport.errors import JournalError
from proofport.relay import metrics
from proofport.relay.api import models
from proofport.relay.api.answers import json_response
from proofport.relay.health import CheckName
from proofport.relay.problems import ProblemError
from proofport.relay.routes import NoQuery, route
from proofport.relay.state import RELAY


class ReadyQuery(BaseModel, extra="forbid"):
    exclude: Annotated[list[CheckName], Field(description="A check that does not matter to you. Repeatable.")] = []


@route("GET", "/healthz", scope="open", tag="Operations", answers={200: models.Health})
async def get_health(request: web.Request, query: NoQuery) -> web.StreamResponse:
    """Say that the process is alive.

    Nothing else is looked at: restart it when this fails, not when it is not ready.
    """
    return json_response({"status": "alive"})


@route(
    "GET",
    "/readyz",
    scope="open",
    tag="Operations",
    query=ReadyQuery,
    answers={200: models.Readiness},
    problems=("not-ready",),
)
async def get_readiness(request: web.Request, query: ReadyQuery) -> web.StreamResponse:
    """Say whether everything is as it should be, check by check.

    journal: it can be written. lanes: none is parked. age: nothing has waited for too long. room: more evidence is
    taken. A load balancer excludes lanes and age: what is posted is safe without.
    """
    found = await request.app[RELAY].readiness.checks()
    checks = {name: {"ok": each.ok, "detail": each.detail} for name, each in found.items() if name not in query.exclude}
    failed = [f"{name}: {each['detail']}" for name, each in checks.items() if not each["ok"]]
    if failed:
        raise ProblemError("not-ready", "; ".join(failed), checks=checks)
    return json_response({"status": "ready", "checks": checks})


@route("GET", "/metrics", scope="operator", tag="Operations", answers={200: "text/plain"})
async def get_metrics(request: web.Request, query: NoQuery) -> web.StreamResponse:
    """Give the metrics, as Prometheus reads them.

    They tell of all tenants: the key must be one of the default tenant, for all of its destinations and kinds.
    """
    relay = request.app[RELAY]
    try:
        view = await relay.backlog.look()
    except JournalError:
        view = None
    return web.Response(body=relay.metrics.text(view), headers={"Content-Type": metrics.MEDIA_TYPE})
