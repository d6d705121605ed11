"""Snapshots: whole sets of any size that arrive in parts, and are delivered as one run once they are committed."""

from __future__ import annotations

import re
import secrets
from typing import Any

import orjson
from aiohttp import web
from pydantic import BaseModel

from proofport.accounting import Status
from proofport.config.names import own_name
from proofport.delivery.lane.payload import pack
from proofport.delivery.report.report import Exit
from proofport.delivery.snapshot.whole import records
from proofport.journal.contract import NewSnapshot, OtherNumber, Part, SnapshotView
from proofport.relay.access.caller import CALLER, Caller
from proofport.relay.api import models
from proofport.relay.api.evidence import Set, Source, refuse_mistakes
from proofport.relay.api.parameters import NoQuery, body_of
from proofport.relay.api.route import Routes
from proofport.relay.api.views import json_response, time_of
from proofport.relay.body.intake import Intake
from proofport.relay.problems import ProblemError, in_the_api, wrong_parameter
from proofport.relay.state import RELAY, values_of
from proofport.text.wording import listing

PART_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
LISTED = 100
route = Routes("Snapshots")
_INTENDED = "If they are really gone, commit again with `override_guard` and the reason."
_LEFT_OUT = "Add it as a part, too. If it is left out on purpose, commit again with `without: [{}]`."


class PartQuery(BaseModel, extra="forbid"):
    source: Source = None
    set: Set = []


@route(
    "POST",
    "/v1/snapshots",
    "write",
    models.Snapshot,
    status=(201,),
    body=models.NewSnapshot,
    problems=("invalid-body", "unknown-name", "not-deliverable"),
)
async def open_snapshot(request: web.Request, query: NoQuery) -> web.StreamResponse:
    """Open a snapshot: the whole set of one kind. Add parts, then commit it.

    A snapshot to which nothing is added expires.
    """
    relay, caller = request.app[RELAY], request[CALLER]
    wanted = await body_of(request, models.NewSnapshot)
    relay.require_kind(caller, wanted.kind)
    destinations = relay.destinations(caller, wanted.to)
    relay.targets(destinations, wanted.kind, "snapshot")
    name = secrets.token_hex(8)
    lifetime = relay.settings.snapshot_hours * 3600
    await relay.journal.open_snapshot(NewSnapshot(name, caller.tenant, wanted.kind, destinations, lifetime))
    return json_response(_view(await _found(request, name)), 201, {"Location": f"/v1/snapshots/{name}"})


@route("GET", "/v1/snapshots", "read", models.Snapshots)
async def list_snapshots(request: web.Request, query: NoQuery) -> web.StreamResponse:
    """List the latest snapshots, at most 100."""
    caller = request[CALLER]
    found = await request.app[RELAY].journal.snapshots(tenant=caller.tenant, limit=LISTED)
    return json_response({"items": [_view(each) for each in found if _may_see(caller, each)]})


@route("GET", "/v1/snapshots/{id}", "read", models.Snapshot)
async def get_snapshot(request: web.Request, query: NoQuery) -> web.StreamResponse:
    """Show a snapshot, with the report of its last commit."""
    return json_response(_view(await _found(request)))


@route(
    "PUT",
    "/v1/snapshots/{id}/parts/{part}",
    "write",
    models.PartTaken,
    body=models.RECORDS,
    problems=("backlog-full", "snapshot-closed", "unknown-name", "invalid-records"),
)
async def put_part(request: web.Request, query: PartQuery) -> web.StreamResponse:
    """Add a part under a name of your own, or replace the part of that name.

    All of its records are taken, or none. It is durable once this is answered, and may be sent again.
    """
    relay, snapshot, name = request.app[RELAY], await _found(request), request.match_info["part"]
    if not PART_NAME.fullmatch(name):
        expected = "1 to 64 letters, digits, dots, dashes and underscores"
        raise wrong_parameter("invalid-parameters", "part", repr(name[:80]), expected)
    if snapshot.state != "open":
        raise _closed(snapshot)
    await relay.backpressure.admit(snapshot.tenant)
    _, decoder = relay.decoder(snapshot.kind, query.source, "snapshot", values_of(query.set))
    intake = Intake(decoder, snapshot.kind, source=query.source is not None, portion=None, name=name)
    await intake.read(request)
    relay.metrics.refused(intake.rejected)
    if not intake.is_empty:
        refuse_mistakes(intake, valid=False)
    [(count, payload)] = intake.portions or [(0, pack([], left=intake.left))]
    pages = orjson.dumps(intake.pages._asdict()).decode() if intake.pages is not None else None
    part = Part(name, count, payload, pages, decoder.source, len(intake.left))
    if not await relay.journal.put_part(snapshot.id, part):
        raise _closed(await _found(request))
    relay.metrics.took_part(count)
    skipped = {"skipped": dict(intake.skipped)} if intake.skipped else {}
    return json_response({"part": name, "records": count, **skipped, "snapshot": _view(await _found(request))})


@route(
    "POST",
    "/v1/snapshots/{id}/commit",
    "write",
    models.Snapshot,
    status=(200, 202),
    body=models.Commit,
    body_required=False,
    problems=("invalid-body", "snapshot-closed", "snapshot-incomplete", "guard-refused", "snapshot-not-delivered"),
)
async def commit_snapshot(request: web.Request, query: NoQuery) -> web.StreamResponse:
    """Deliver all parts as one snapshot.

    200: it was delivered. 202: delivery goes on; `Location` has the report later. If it was not delivered, or the
    guard refused, the snapshot is open again: correct it, or commit it with `override_guard` or `without`. With
    `records` it is refused, and stays open, unless its parts hold so many.
    """
    relay = request.app[RELAY]
    wanted = await body_of(request, models.Commit, optional=True)
    snapshot = await _found(request)
    try:
        committed = await relay.journal.commit_snapshot(
            snapshot.id,
            run_id=secrets.token_hex(6),
            override=wanted.override_guard,
            without=wanted.without,
            expected=wanted.records,
        )
    except OtherNumber as error:
        found, parts = error.found, error.parts
        detail = f"its parts hold {records(found)}, and {wanted.records:,} are expected"
        raise ProblemError("snapshot-incomplete", detail, records=found, expected=wanted.records, parts=parts) from None
    if not committed:
        raise _closed(await _found(request))
    await relay.commits.begin(snapshot.id, snapshot.tenant)
    await relay.commits.ended(snapshot.id, relay.settings.commit_seconds)
    ended = await _found(request)
    if ended.state == "open":
        raise _refused(ended)
    done = ended.state == "delivered"
    return json_response(_view(ended), 200 if done else 202, {"Location": f"/v1/snapshots/{snapshot.id}"})


@route("POST", "/v1/snapshots/{id}/abort", "write", models.Snapshot, problems=("snapshot-closed",))
async def abort_snapshot(request: web.Request, query: NoQuery) -> web.StreamResponse:
    """Give a snapshot up: nothing of it is delivered, and its parts are dropped."""
    snapshot = await _found(request)
    if not await request.app[RELAY].journal.abort_snapshot(snapshot.id):
        raise _closed(await _found(request))
    return json_response(_view(await _found(request)))


# ------------------------------------------------------------------ what a caller may see
async def _found(request: web.Request, name: str | None = None) -> SnapshotView:
    wanted = name or request.match_info["id"]
    snapshot = await request.app[RELAY].journal.snapshot(wanted)
    if snapshot is None or not _may_see(request[CALLER], snapshot):
        raise ProblemError("not-found", f"there is no snapshot {wanted[:80]!r}")
    return snapshot


def _may_see(caller: Caller, snapshot: SnapshotView) -> bool:
    allowed = all(caller.allows_destination(own_name(each)) for each in snapshot.destinations)
    return snapshot.tenant == caller.tenant and allowed and caller.allows_kind(snapshot.kind)


def _closed(snapshot: SnapshotView) -> ProblemError:
    return ProblemError("snapshot-closed", f"the snapshot {snapshot.id} is {snapshot.state}", state=snapshot.state)


def _refused(snapshot: SnapshotView) -> ProblemError:
    report = _report(snapshot) or {}
    if report.get("exit_code") == Exit.GUARD:
        refusals = [each["guard"] for each in report.get("plan", {}).values() if each.get("guard")]
        notes = [note for each in report["destinations"].values() for note in each["notes"]]
        detail = (refusals or notes or ["the guard refused"])[0].partition("\n")[0]
        plan = report.pop("plan", {})
        left_out = next((orjson.dumps(each["left_out"]).decode() for each in plan.values() if "left_out" in each), None)
        hint = _INTENDED if left_out is None else _LEFT_OUT.format(left_out)
        return ProblemError("guard-refused", detail, hint=hint, plan=plan or None, report=report)
    detail = report.get("error") or "; ".join(_counts(name, books) for name, books in report["destinations"].items())
    more: dict[str, Any] = {"hint": in_the_api(report["hint"])} if report.get("hint") else {}
    return ProblemError("snapshot-not-delivered", detail, report=report, **more)


def _counts(name: str, books: dict[str, Any]) -> str:
    """Count what became of the records at one destination."""
    counts = [f"{books[status]:,} {status.value}" for status in Status if books[status]]
    return f"{name}: {listing(counts) or 'nothing delivered'} of {records(books['input'])}"


def _report(snapshot: SnapshotView) -> dict[str, Any] | None:
    """The report of the last commit, once that has ended."""
    report = orjson.loads(snapshot.report) if snapshot.report else {}
    return report if "exit_code" in report else None


def _view(snapshot: SnapshotView) -> dict[str, Any]:
    return {
        "id": snapshot.id,
        "kind": snapshot.kind,
        "to": [own_name(each) for each in snapshot.destinations],
        "state": snapshot.state,
        "parts": snapshot.parts,
        "records": snapshot.records,
        "created": time_of(snapshot.created),
        "expires": time_of(snapshot.expires) if snapshot.state == "open" else None,
        "report": _report(snapshot),
    }
