"""Accepts evidence: durable before the answer, and once for each idempotency key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import orjson
from aiohttp import web
from pydantic import BaseModel, Field

from proofport.adapter import Mode
from proofport.errors import Problem
from proofport.journal.contract import IdempotencyRecord, NewDelivery
from proofport.relay.access.caller import CALLER
from proofport.relay.api.views import json_response
from proofport.relay.body.intake import Intake, Packed
from proofport.relay.problems import ProblemError, entry
from proofport.relay.state import RELAY, DeliveryRoute
from proofport.tenancy import own_name

LONGEST_KEY = 255
IDEMPOTENCY_KEY = "Idempotency-Key"
To = Annotated[list[str], Field(min_length=1, description="Where to: the names of destinations. Repeatable.")]
Source = Annotated[str | None, Field(description="The source mapping that makes evidence of raw documents.")]
Set = Annotated[
    list[Annotated[str, Field(pattern="^[^=]+=")]],
    Field(description="NAME=VALUE for the source mapping: what the document does not say. Repeatable."),
]


class EvidenceQuery(BaseModel, extra="forbid"):
    to: To
    mode: Annotated[
        Literal["upsert", "patch", "remove"],
        Field(description="upsert: complete records. patch: only these fields. remove: these are gone."),
    ] = "upsert"
    source: Source = None
    set: Set = []
    accept: Annotated[
        Literal["all", "valid"],
        Field(description="all: all records or none. valid: the good ones; the others are listed."),
    ] = "all"


async def accept_evidence(request: web.Request, query: EvidenceQuery) -> web.StreamResponse:
    """Accept records for delivery.

    The answer comes once they are durable. They are mapped and delivered after that, in the order in which they were
    accepted. `Location` shows their state.
    """
    relay, caller, kind = request.app[RELAY], request[CALLER], request.match_info["kind"]
    await relay.backpressure.admit()
    route = relay.delivery_route(caller, kind, query.mode, tuple(query.to), query.source, tuple(query.set))
    key = _idempotency_key(request)
    about = orjson.dumps([kind, request.content_type, query.model_dump()]) if key is not None else None
    packed = await Intake(route.decoder, kind, query.mode, source=query.source is not None).read(request, about=about)
    if packed.rejected:
        relay.metrics.refused(packed.rejected)
    refuse_mistakes(packed, valid=query.accept == "valid")
    answer = _answer(kind, query.mode, route, packed)
    record = None
    if key is not None:
        record = IdempotencyRecord(caller.tenant, key, packed.digest, orjson.dumps(answer))
    new = _new_deliveries(kind, query.mode, route, packed)
    del packed  # else the garbage collector goes through it while the journal commits
    with relay.metrics.committing():
        submitted = await (await relay.gateway.journal()).accept(new, record=record)
    if submitted.first is not None and record is not None:
        if submitted.first.digest != record.digest:
            raise ProblemError("idempotency-key-reused", f"{key!r} came with another request before")
        return _accepted(submitted.ids, orjson.loads(submitted.first.answer), again=True)
    relay.metrics.accepted(new)
    return _accepted(submitted.ids, answer, again=False)


def _idempotency_key(request: web.Request) -> str | None:
    key = request.headers.get(IDEMPOTENCY_KEY)
    if key is None:
        return None
    key = key.strip()
    if not key or len(key) > LONGEST_KEY or not key.isprintable():
        problem = Problem(f"{len(key)} characters", f"1 to {LONGEST_KEY} printable characters")
        detail = f"{IDEMPOTENCY_KEY}: found {problem.found}, expected {problem.expected}"
        raise ProblemError("invalid-parameters", detail, errors=[entry(problem, parameter=IDEMPOTENCY_KEY)])
    return key


def refuse_mistakes(packed: Packed, *, valid: bool) -> None:
    """Raises ProblemError (invalid-records) unless there is something to accept."""
    if packed.rejected and not (valid and packed.records):
        count = packed.records + packed.rejected
        of = f"{packed.rejected:,} of {count:,} records are wrong" if count > 1 else "the record is wrong"
        detail = f"{of}; nothing was accepted"
        raise ProblemError("invalid-records", detail, errors=packed.errors, error_count=packed.mistakes)
    if not packed.records:
        raise ProblemError("invalid-records", "there is no record in the body", errors=[], error_count=0)


def _answer(kind: str, mode: Mode, route: DeliveryRoute, packed: Packed) -> dict[str, Any]:
    """The answer without the ids of the deliveries: they have none yet."""
    return {
        "kind": kind,
        "mode": mode,
        "records": packed.records,
        "rejected": packed.rejected,
        "deliveries": [
            {"destination": own_name(target.name), "records": count}
            for target, _ in route.targets
            for count, _ in packed.portions
        ],
        "errors": packed.errors,
        "error_count": packed.mistakes,
    }


def _new_deliveries(kind: str, mode: Mode, route: DeliveryRoute, packed: Packed) -> list[NewDelivery]:
    return [
        NewDelivery(lane, target.name, kind, mode, payload, count)
        for target, lane in route.targets
        for count, payload in packed.portions
    ]


def _accepted(ids: Sequence[int], answer: dict[str, Any], *, again: bool) -> web.Response:
    for each, number in zip(answer["deliveries"], ids, strict=True):
        each["id"] = number
    where = f"/v1/deliveries/{ids[0]}" if len(ids) == 1 else f"/v1/deliveries?submission={ids[0]}"
    headers = {"Location": where, **({"Idempotent-Replayed": "true"} if again else {})}
    return json_response({"submission": ids[0], **answer}, 202, headers)
