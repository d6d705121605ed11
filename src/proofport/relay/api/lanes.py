"""Shows lanes: what waits there, and why; lets a parked lane go on."""

from __future__ import annotations

import time
from typing import Any

from aiohttp import web

from proofport.config.names import own_name, tenant_of
from proofport.delivery.target import lane_of
from proofport.errors import ProofportError
from proofport.journal.contract import LaneView
from proofport.relay.access.caller import CALLER, Caller
from proofport.relay.api import models
from proofport.relay.api.parameters import NoQuery
from proofport.relay.api.route import Routes
from proofport.relay.api.views import json_response, seen_by, time_of
from proofport.relay.problems import ProblemError
from proofport.relay.state import RELAY, Relay

route = Routes("Lanes")


@route("GET", "/v1/lanes", "read", models.Lanes)
async def list_lanes(request: web.Request, query: NoQuery) -> web.StreamResponse:
    """List the lanes: what waits there since when, and whether a person must act."""
    lanes = await _visible(request.app[RELAY], request[CALLER])
    return json_response({"items": [_view(lane) for lane in lanes]})


@route("POST", "/v1/lanes/{lane}/resume", "write", models.ResumedLane)
async def resume_lane(request: web.Request, query: NoQuery) -> web.StreamResponse:
    """Let a parked or resting lane go on at once.

    The name of the lane is percent-encoded: it holds slashes.
    """
    relay, caller, wanted = request.app[RELAY], request[CALLER], request.match_info["lane"]
    for lane in await _visible(relay, caller):
        if own_name(lane.lane) == wanted:
            await relay.journal.resume(lane.lane)
            view = next(_view(each) for each in await _visible(relay, caller) if each.lane == lane.lane)
            return json_response(seen_by(caller, view, "lane"))
    raise ProblemError("not-found", f"there is no lane {wanted[:200]!r}")


async def _visible(relay: Relay, caller: Caller) -> list[LaneView]:
    """The tenant's lanes; with a narrower key, only those of the destinations and kinds that it may name."""
    own = [lane for lane in await relay.journal.lanes() if tenant_of(lane.lane) == caller.tenant]
    if caller.destinations is None and caller.kinds is None:
        return own
    names = _lanes_of(relay, caller)
    return [lane for lane in own if lane.lane in names]


def _lanes_of(relay: Relay, caller: Caller) -> set[str]:
    names = set()
    for destination in relay.all_destinations(caller):
        try:
            adapter = relay.gateway.config.adapter(destination)
        except ProofportError:
            continue
        kinds = (kind for kind in adapter.settings.objects if caller.allows_kind(kind))
        names |= {lane_of(destination, adapter.resource(kind)) for kind in kinds}
    return names


def _view(lane: LaneView) -> dict[str, Any]:
    now = time.time()
    return {
        "lane": own_name(lane.lane),
        "queued": lane.queued,
        "dead": lane.dead,
        "oldest": time_of(lane.oldest),
        "held": lane.is_leased(now),
        "rests_until": time_of(lane.next_at) if lane.next_at > now else None,
        "parked": lane.parked,
        "broken": lane.broken,
    }
