"""What became of what was accepted, and dead letters."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, Field

from proofport.errors import UsageError
from proofport.journal.contract import Delivery, Filter, State
from proofport.relay.api import models
from proofport.relay.api.answers import PageQuery, json_response
from proofport.relay.api.views import records_of, view_of
from proofport.relay.caller import CALLER
from proofport.relay.problems import ProblemError
from proofport.relay.routes import NoQuery, route
from proofport.relay.state import RELAY

LATEST = 2**62
LONGEST_ID = 18


class LettersQuery(PageQuery):
    destination: Annotated[str | None, Field(description="Only to this one.")] = None
    kind: Annotated[str | None, Field(description="Only of this kind.")] = None


class ReplayQuery(BaseModel, extra="forbid"):
    as_it_was: Annotated[bool, Field(description="Send the stored bodies again, as they are.")] = False


class DeliveriesQuery(LettersQuery):
    state: Annotated[State | None, Field(description="Only in this state.")] = None
    submission: Annotated[int | None, Field(ge=1, le=LATEST, description="Only those of this submission.")] = None


@route(
    "GET", "/v1/deliveries", scope="read", tag="Deliveries", query=DeliveriesQuery, answers={200: models.DeliveryPage}
)
async def list_deliveries(request: web.Request, query: DeliveriesQuery) -> web.StreamResponse:
    """List deliveries, the latest first."""
    return await _page(request, query, query.state, query.submission)


@route(
    "GET",
    "/v1/deliveries/{id}",
    scope="read",
    tag="Deliveries",
    answers={200: models.Delivery},
    problems=("not-found",),
)
async def get_delivery(request: web.Request, query: NoQuery) -> web.StreamResponse:
    """Show one delivery: its state, and how many of its records came to which end."""
    return json_response(view_of(await _found(request)))


@route(
    "GET",
    "/v1/deliveries/{id}/records",
    scope="read",
    tag="Deliveries",
    query=PageQuery,
    answers={200: models.RecordPage},
    problems=("not-found",),
)
async def list_records(request: web.Request, query: PageQuery) -> web.StreamResponse:
    """List the records of a delivery, each with its end and the reason."""
    delivery = await _found(request)
    after = query.cursor or 0
    items = records_of(delivery, after, query.limit)
    more = after + query.limit < delivery.records
    return json_response({"items": items, "next": after + query.limit if more else None})


@route(
    "GET", "/v1/dead-letters", scope="read", tag="Dead letters", query=LettersQuery, answers={200: models.DeliveryPage}
)
async def list_dead_letters(request: web.Request, query: LettersQuery) -> web.StreamResponse:
    """List what could not be delivered, the latest first."""
    return await _page(request, query, "dead", None)


@route(
    "GET",
    "/v1/dead-letters/{id}",
    scope="read",
    tag="Dead letters",
    answers={200: models.Letter},
    problems=("not-found", "not-dead"),
)
async def get_dead_letter(request: web.Request, query: NoQuery) -> web.StreamResponse:
    """Show one dead letter: evidence, why each record was refused, the body that was sent, and what it would be now."""
    letter = await _dead(request)
    content = request.app[RELAY].gateway.letter(letter)
    return json_response({**view_of(letter), "content": content})


@route(
    "POST",
    "/v1/dead-letters/{id}/replay",
    scope="write",
    tag="Dead letters",
    query=ReplayQuery,
    answers={202: models.Delivery},
    problems=("not-found", "not-dead", "bodies-not-kept"),
)
async def replay_dead_letter(request: web.Request, query: ReplayQuery) -> web.StreamResponse:
    """Queue a dead letter again, at the end of its lane.

    It is mapped anew when it is delivered, or sent as it was. The dead letter names the delivery that took its place.
    """
    letter, gateway = await _dead(request), request.app[RELAY].gateway
    try:
        replayed = await gateway.replay([letter.id], as_it_was=query.as_it_was)
    except UsageError as error:
        raise ProblemError("bodies-not-kept", error.message, hint=error.hint) from None
    if not replayed:
        raise _not_dead(letter)
    [again] = await (await gateway.journal()).find(Filter(ids=[replayed[0].id]))
    return json_response(view_of(again), 202, {"Location": f"/v1/deliveries/{again.id}"})


# ------------------------------------------------------------------ what a caller may see
async def _page(
    request: web.Request, query: LettersQuery, state: State | None, submission: int | None
) -> web.StreamResponse:
    chosen = _visible(request, query.destination, query.kind, state, submission)
    journal = await request.app[RELAY].gateway.journal()
    found = await journal.find(chosen, before=query.cursor or LATEST, limit=query.limit + 1)
    page = found[: query.limit]
    return json_response(
        {"items": [view_of(each) for each in page], "next": page[-1].id if len(found) > len(page) else None}
    )


def _visible(
    request: web.Request,
    destination: str | None = None,
    kind: str | None = None,
    state: State | None = None,
    submission: int | None = None,
    number: int | None = None,
) -> Filter:
    """Only what is the tenant's, and within the scopes of the key."""
    caller = request[CALLER]
    destinations, kinds = caller.destinations, caller.kinds
    if destination is not None:
        destinations = frozenset([destination]) if caller.allows_destination(destination) else frozenset()
    if kind is not None:
        kinds = frozenset([kind]) if caller.allows_kind(kind) else frozenset()
    return Filter(
        ids=None if number is None else [number],
        state=state,
        tenant=caller.tenant,
        destinations=None if destinations is None else [caller.full_name(each) for each in sorted(destinations)],
        kinds=None if kinds is None else sorted(kinds),
        submission=submission,
    )


async def _found(request: web.Request) -> Delivery:
    text = request.match_info["id"]
    if text.isascii() and text.isdigit() and len(text) <= LONGEST_ID:
        journal = await request.app[RELAY].gateway.journal()
        for delivery in await journal.find(_visible(request, number=int(text))):
            return delivery
    raise ProblemError("not-found", f"there is no delivery {text[:LONGEST_ID]}")


async def _dead(request: web.Request) -> Delivery:
    delivery = await _found(request)
    if delivery.state != "dead":
        raise _not_dead(delivery)
    return delivery


def _not_dead(delivery: Delivery) -> ProblemError:
    return ProblemError(
        "not-dead", f"the delivery {delivery.id} is {delivery.state}, and not a dead letter", state=delivery.state
    )
