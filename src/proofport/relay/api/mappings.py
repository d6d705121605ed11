"""Lists mappings, and previews what they make of a record."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, Field

from proofport.adapter import Mode
from proofport.config.names import own_name
from proofport.errors import Problem
from proofport.gateway import Gateway, Input, Preview
from proofport.relay.access.caller import CALLER
from proofport.relay.api import models
from proofport.relay.api.evidence import Set, Source
from proofport.relay.api.parameters import NoQuery
from proofport.relay.api.route import Routes
from proofport.relay.api.views import json_response
from proofport.relay.body.documents import documents
from proofport.relay.problems import ProblemError
from proofport.relay.state import RELAY, values_of
from proofport.sources.reader import Malformed
from proofport.text.wording import describe

route = Routes("Mappings")


class PreviewQuery(BaseModel, extra="forbid"):
    to: Annotated[list[str], Field(description="Destinations; without any, all of them. Repeatable.")] = []
    kind: Annotated[str | None, Field(description="What the records are; not needed where `source` says it.")] = None
    mode: Annotated[Mode, Field(description="What the delivery would mean.")] = "upsert"
    source: Source = None
    set: Set = []
    limit: Annotated[int, Field(ge=1, le=100, description="At most so many records.")] = 1


@route("GET", "/v1/mappings", "read", models.Mappings)
async def list_mappings(request: web.Request, query: NoQuery) -> web.StreamResponse:
    """List the mappings: sources, which make evidence of raw documents, and those that make a vendor's bodies."""
    return json_response({"items": await asyncio.to_thread(_mappings, request.app[RELAY].gateway)})


def _mappings(gateway: Gateway) -> list[dict[str, Any]]:
    files = [gateway.library.find(name) for name in gateway.library.names()]
    return [
        {
            "name": file.name,
            "reads": file.from_kind,
            "gives": file.to if isinstance(file.to, str) else f"{file.to.vendor}/{file.to.body}",
            "context": list(file.context),
        }
        for file in files
    ]


@route("POST", "/v1/preview", "read", models.Preview, body=models.RECORDS, problems=("unknown-name", "not-deliverable"))
async def preview(request: web.Request, query: PreviewQuery) -> web.StreamResponse:
    """Show the exact body that each destination would get of a record. Nothing is sent or kept."""
    relay, caller = request.app[RELAY], request[CALLER]
    if query.kind is not None:
        relay.require_kind(caller, query.kind)
    values = values_of(query.set)
    kind, _ = relay.decoder(query.kind, query.source, query.mode, values)
    relay.require_kind(caller, kind)
    names = relay.destinations(caller, query.to) if query.to else relay.all_destinations(caller)
    relay.targets(names, kind, query.mode)
    given: list[dict[str, Any]] = []
    async with aclosing(documents(request)) as found:
        async for _, document in found:
            if isinstance(document, Malformed):
                raise ProblemError("malformed-body", str(document.problem))
            if not isinstance(document, dict):
                raise ProblemError("malformed-body", f"found {describe(document)}, expected an object: one record")
            given.append(document)
    if not given:
        raise ProblemError("malformed-body", "found no record, expected one or more")
    previews = await relay.gateway.preview(
        Input(given, query.source), to=names, kind=kind, mode=query.mode, values=values, limit=query.limit
    )
    return json_response({"items": [_view(number, each) for number, each in enumerate(previews, 1)]})


def _view(number: int, preview: Preview) -> dict[str, Any]:
    bodies: dict[str, Any] = {
        own_name(name): {"body": None, "problem": body.as_dict()}
        if isinstance(body, Problem)
        else {"body": body, "problem": None}
        for name, body in preview.bodies.items()
    }
    bodies |= {
        own_name(name): {"body": None, "problem": None, "skipped": reason} for name, reason in preview.skipped.items()
    }
    return {"record": number, "id": preview.id, "evidence": preview.neutral, "destinations": bodies}
