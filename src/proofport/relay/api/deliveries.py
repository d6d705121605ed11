"""Shows deliveries and dead letters, and replays dead letters."""

from __future__ import annotations

from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, Field

from proofport.errors import UsageError
from proofport.journal.contract import Delivery, Failure, Filter, State
from proofport.relay.access.caller import CALLER
from proofport.relay.api import models
from proofport.relay.api.parameters import NoQuery, PageQuery, body_of
from proofport.relay.api.route import Routes
from proofport.relay.api.views import json_response, records_of, seen_by, view_of
from proofport.relay.problems import ProblemError
from proofport.relay.state import RELAY

LATEST = 2**62
LONGEST_ID = 18
KNOWN = ("id", "destination", "kind", "mode", "state", "records", "attempts", "created", "assurance")
"""The fields that a write-only key sees of a delivery that it names."""

route, letters = Routes("Deliveries"), Routes("Dead letters")


class LettersQuery(PageQuery):
    destination: Annotated[str | None, Field(description="Only to this one.")] = None
    kind: Annotated[str | None, Field(description="Only of this kind.")] = None


class ReplayQuery(BaseModel, extra="forbid"):
    as_it_was: Annotated[bool, Field(description="Send the stored bodies again, as they are.")] = False


class DeliveriesQuery(LettersQuery):
    state: Annotated[State | None, Field(description="Only in this state.")] = None
    submission: Annotated[int | None, Field(ge=1, le=LATEST, description="Only those of this submission.")] = None


@route("GET", "/v1/deliveries", "read", models.DeliveryPage)
async def list_deliveries(request: web.Request, query: DeliveriesQuery) -> web.StreamResponse:
    """List deliveries, the latest first."""
    return await _page(request, query, state=query.state, submission=query.submission)


@route("GET", "/v1/deliveries/{id}", "read", models.Delivery)
async def get_delivery(request: web.Request, query: NoQuery) -> web.StreamResponse:
    """Show one delivery: its state, and how many of its records had which outcome."""
    return json_response(view_of(await _found(request)))


@route("GET", "/v1/deliveries/{id}/records", "read", models.RecordPage)
async def list_records(request: web.Request, query: PageQuery) -> web.StreamResponse:
    """List the records of a delivery, each with its outcome and the reason."""
    delivery = await _found(request)
    after = query.cursor or 0
    items = records_of(delivery, after, query.limit)
    more = after + query.limit < delivery.records
    return json_response({"items": items, "next": after + query.limit if more else None})


@route(
    "POST",
    "/v1/deliveries/{id}/set-aside",
    "write",
    models.Delivery,
    body=models.SetAside,
    problems=("not-queued", "invalid-body"),
)
async def set_delivery_aside(request: web.Request, query: NoQuery) -> web.StreamResponse:
    """Make a dead letter of a queued delivery, so that its lane goes on without it."""
    relay, delivery = request.app[RELAY], await _found(request)
    given = await body_of(request, models.SetAside)
    if not await relay.journal.set_aside(Filter(ids=[delivery.id]), Failure("set_aside", given.reason)):
        raise ProblemError("not-queued", f"the delivery {delivery.id} is not queued", state=delivery.state)
    return json_response(seen_by(request[CALLER], view_of(await _found(request)), *KNOWN))


@letters("GET", "/v1/dead-letters", "read", models.DeliveryPage)
async def list_dead_letters(request: web.Request, query: LettersQuery) -> web.StreamResponse:
    """List what could not be delivered, the latest first."""
    return await _page(request, query, state="dead")


@letters("GET", "/v1/dead-letters/{id}", "read", models.Letter, problems=("not-dead",))
async def get_dead_letter(request: web.Request, query: NoQuery) -> web.StreamResponse:
    """Show one dead letter: its evidence, why each record was refused, the body sent, and the body it would be now."""
    letter = await _dead(request)
    content = request.app[RELAY].gateway.letter(letter)
    return json_response({**view_of(letter), "content": content})


@letters(
    "POST",
    "/v1/dead-letters/{id}/replay",
    "write",
    models.Delivery,
    status=(202,),
    problems=("not-dead", "bodies-not-kept"),
)
async def replay_dead_letter(request: web.Request, query: ReplayQuery) -> web.StreamResponse:
    """Queue a dead letter again, at the end of its lane.

    It is mapped again when it is delivered, or sent as it was. The dead letter names the delivery that replaces it.
    """
    relay, letter = request.app[RELAY], await _dead(request)
    try:
        replayed = await relay.gateway.replay([letter.id], as_it_was=query.as_it_was)
    except UsageError as error:
        raise ProblemError("bodies-not-kept", error.message, hint=error.hint) from None
    if not replayed:
        raise _not_dead(request, letter)
    [again] = await relay.journal.find(Filter(ids=[replayed[0].id]))
    view = seen_by(request[CALLER], view_of(again), *KNOWN)
    return json_response(view, 202, {"Location": f"/v1/deliveries/{again.id}"})


# ------------------------------------------------------------------ what a caller may see
async def _page(request: web.Request, query: LettersQuery, **wanted: Any) -> web.StreamResponse:
    """One page of deliveries. `wanted`: further fields of Filter."""
    chosen = _visible(request, query.destination, query.kind, **wanted)
    found = await request.app[RELAY].journal.find(chosen, before=query.cursor or LATEST, limit=query.limit + 1)
    page = found[: query.limit]
    after = page[-1].id if len(found) > len(page) else None
    return json_response({"items": [view_of(each) for each in page], "next": after})


def _visible(request: web.Request, destination: str | None = None, kind: str | None = None, **wanted: Any) -> Filter:
    """Choose only deliveries of the tenant, within the scope of the key."""
    caller = request[CALLER]
    destinations, kinds = caller.destinations, caller.kinds
    if destination is not None:
        destinations = [destination] if caller.allows_destination(destination) else []
    if kind is not None:
        kinds = [kind] if caller.allows_kind(kind) else []
    names = None if destinations is None else [caller.full_name(each) for each in destinations]
    return Filter(tenant=caller.tenant, destinations=names, kinds=kinds, **wanted)


async def _found(request: web.Request) -> Delivery:
    text = request.match_info["id"]
    if text.isascii() and text.isdigit() and len(text) <= LONGEST_ID:
        for delivery in await request.app[RELAY].journal.find(_visible(request, ids=[int(text)])):
            return delivery
    raise ProblemError("not-found", f"there is no delivery {text[:LONGEST_ID]}")


async def _dead(request: web.Request) -> Delivery:
    delivery = await _found(request)
    if delivery.state != "dead":
        raise _not_dead(request, delivery)
    return delivery


def _not_dead(request: web.Request, delivery: Delivery) -> ProblemError:
    if not request[CALLER].may_read:
        return ProblemError("not-dead", f"the delivery {delivery.id} is no dead letter", state=None)
    return ProblemError(
        "not-dead", f"the delivery {delivery.id} is {delivery.state}, not a dead letter", state=delivery.state
    )
