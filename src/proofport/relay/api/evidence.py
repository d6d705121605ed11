"""Accepts evidence: durable before the answer, and once for each idempotency key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import orjson
from aiohttp import web
from pydantic import BaseModel, Field

from proofport.adapter import Mode
from proofport.config.names import own_name
from proofport.journal.contract import IdempotencyRecord, NewDelivery
from proofport.relay.access.caller import CALLER
from proofport.relay.api import models
from proofport.relay.api.route import Routes
from proofport.relay.api.views import json_response
from proofport.relay.body.intake import Intake
from proofport.relay.problems import ProblemError, wrong_parameter
from proofport.relay.state import RELAY, values_of

LONGEST_KEY = 255
IDEMPOTENCY_KEY = "Idempotency-Key"
route = Routes("Evidence")
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


@route(
    "POST",
    "/v1/evidence/{kind}",
    "write",
    models.Accepted,
    status=(202,),
    body=models.RECORDS,
    headers={
        IDEMPOTENCY_KEY: "A word of your own, of up to 255 characters. Sent again with the same request, it gets the "
        "first answer again and nothing is accepted twice."
    },
    problems=("backlog-full", "invalid-records", "unknown-name", "not-deliverable", "idempotency-key-reused"),
)
async def accept_evidence(request: web.Request, query: EvidenceQuery) -> web.StreamResponse:
    """Accept records for delivery.

    The answer comes once they are durable. They are mapped and delivered after that, in the order in which they were
    accepted. `Location` shows their state. Records that the source mapping leaves out are only counted, as `skipped`;
    where none is left, there is no submission.
    """
    relay, caller, kind = request.app[RELAY], request[CALLER], request.match_info["kind"]
    relay.require_kind(caller, kind)
    targets = relay.targets(relay.destinations(caller, query.to), kind, query.mode)
    await relay.backpressure.admit(caller.tenant, [target.lane for target in targets])
    _, decoder = relay.decoder(kind, query.source, query.mode, values_of(query.set))
    key = _idempotency_key(request)
    about = orjson.dumps([kind, request.content_type, query.model_dump()]) if key is not None else None
    intake = Intake(decoder, kind, source=query.source is not None)
    await intake.read(request, about=about)
    relay.metrics.refused(intake.rejected)
    refuse_mistakes(intake, valid=query.accept == "valid")
    new = [
        NewDelivery(target.lane, target.name, kind, query.mode, payload, count)
        for target in targets
        for count, payload in intake.portions
    ]
    answer = _answer(kind, query.mode, new, intake)
    if not new:
        return json_response({"submission": None, **answer}, 202)
    record = None
    if key is not None:
        record = IdempotencyRecord(caller.tenant, key, intake.digest, orjson.dumps(answer))
    with relay.metrics.committing():
        submitted = await relay.journal.accept(new, record=record)
    if submitted.first is not None and record is not None:
        if submitted.first.digest != record.digest:
            raise ProblemError("idempotency-key-reused", f"{key!r} came with another request before")
        return _accepted(submitted.ids, orjson.loads(submitted.first.answer), again=True)
    relay.metrics.accepted(new)
    return _accepted(submitted.ids, answer, again=False)


def _idempotency_key(request: web.Request) -> str | None:
    given = request.headers.getall(IDEMPOTENCY_KEY, [])
    if not given:
        return None
    if len(given) > 1:
        raise wrong_parameter("invalid-parameters", IDEMPOTENCY_KEY, f"the header {len(given)} times", "it once")
    key = given[0].strip()
    if not key or len(key) > LONGEST_KEY or not key.isprintable():
        expected = f"1 to {LONGEST_KEY} printable characters"
        raise wrong_parameter("invalid-parameters", IDEMPOTENCY_KEY, f"{len(key)} characters", expected)
    return key


def refuse_mistakes(intake: Intake, *, valid: bool) -> None:
    """Raises ProblemError (invalid-records) unless there is something to accept."""
    if intake.rejected and not (valid and intake.records):
        count = intake.records + intake.rejected
        of = f"{intake.rejected:,} of {count:,} records are wrong" if count > 1 else "the record is wrong"
        detail = f"{of}; nothing was accepted"
        raise ProblemError("invalid-records", detail, errors=intake.errors, error_count=intake.mistakes)
    if not intake.records and not intake.skipped:
        raise ProblemError("invalid-records", "there is no record in the body", errors=[], error_count=0)


def _answer(kind: str, mode: Mode, new: Sequence[NewDelivery], intake: Intake) -> dict[str, Any]:
    """The answer without the ids of the deliveries: they have none yet."""
    return {
        "kind": kind,
        "mode": mode,
        "records": intake.records,
        "rejected": intake.rejected,
        **({"skipped": dict(intake.skipped)} if intake.skipped else {}),
        "deliveries": [{"destination": own_name(each.destination), "records": each.records} for each in new],
        "errors": intake.errors,
        "error_count": intake.mistakes,
    }


def _accepted(ids: Sequence[int], answer: dict[str, Any], *, again: bool) -> web.Response:
    for each, number in zip(answer["deliveries"], ids, strict=True):
        each["id"] = number
    where = f"/v1/deliveries/{ids[0]}" if len(ids) == 1 else f"/v1/deliveries?submission={ids[0]}"
    headers = {"Location": where, **({"Idempotent-Replayed": "true"} if again else {})}
    return json_response({"submission": ids[0], **answer}, 202, headers)
