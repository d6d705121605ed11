"""`proofport status` shows lanes, runs and attempts as the journal has them; `proofport resume` releases a lane."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from proofport.cli import options
from proofport.cli.connect import uses_gateway
from proofport.cli.output import echo, plain, show_result, when, wrapped
from proofport.cli.queue.stopped import how_far, result_of
from proofport.errors import UsageError

if TYPE_CHECKING:
    from proofport.gateway import Gateway
    from proofport.journal.contract import Attempt, Journal, LaneView, RunView

RUNS = 10_000
TITLES = {
    "snapshots": "Last complete snapshots",
    "interrupted": "Interrupted; continue with `proofport push … --resume RUN`",
    "runs": "Runs",
}


@click.command()
@click.argument("subject", metavar="[RUN|LANE]", required=False)
@options.json_option
@uses_gateway
async def status(gateway: Gateway, subject: str | None, as_json: bool) -> int:
    """Show lanes with their backlog, and the last complete snapshot of each kind; or one RUN or LANE with its attempts.

    Nothing is sent to anybody. Exit codes: 0 shown, 2 there is no such run or lane.
    """
    journal = await gateway.journal()
    found = await (_everything(journal) if subject is None else _one(journal, subject))
    if not found:
        raise UsageError(
            f"the journal knows no run or lane named {subject}", hint="`proofport status` lists the lanes."
        )
    show_result(found, _lines(found), as_json=as_json)
    return 0


@click.command()
@click.argument("lane")
@uses_gateway
async def resume(gateway: Gateway, lane: str) -> int:
    """Release a parked or waiting LANE at once, after the reason for parking it has been mended.

    Exit codes: 0 released, 2 there is no such lane.
    """
    if not await (await gateway.journal()).resume(lane):
        raise UsageError(f"the journal knows no lane named {lane}", hint="`proofport status` lists the lanes.")
    echo(plain(f"{lane} goes on."))
    return 0


async def _everything(journal: Journal) -> dict[str, Any]:
    runs = await journal.runs(limit=RUNS)
    lanes = {lane.lane: lane for lane in await journal.lanes()}
    snapshots: dict[tuple[str, str], RunView] = {}
    for run in runs:
        if run.mode == "snapshot" and run.state == "complete":
            snapshots.setdefault((run.destination, run.kind), run)
    return {
        "lanes": [_lane(lane) for lane in lanes.values()],
        "snapshots": [_run(run) for run in snapshots.values()],
        "interrupted": [
            await _shown(journal, run, lanes)
            for run in runs
            if run.state == "open" and not _is_leased(lanes.get(run.lane))
        ],
    }


async def _one(journal: Journal, name: str) -> dict[str, Any]:
    """One run, or one lane, with its attempts; empty where there is none of that name."""
    runs = [run for run in await journal.runs(limit=RUNS) if run.run_id == name]
    known = {lane.lane: lane for lane in await journal.lanes()}
    if runs:
        whole = [await journal.run(name, run.destination) for run in runs]
        found: dict[str, Any] = {
            "runs": [{**await _shown(journal, run, known), "batches": len(run.batches)} for run in whole if run]
        }
        attempts = await journal.attempts(run_id=name, limit=100)
    else:
        lanes = [_lane(lane) for lane in known.values() if lane.lane == name]
        if not lanes:
            return {}
        runs = await journal.runs(lane=name)
        found = {"lanes": lanes, "runs": [await _shown(journal, run, known) for run in runs]}
        attempts = await journal.attempts(lane=name, limit=50)
    return {**found, "attempts": [_attempt(attempt) for attempt in reversed(attempts)]}


def _is_leased(lane: LaneView | None) -> bool:
    return lane is not None and lane.owner is not None and (lane.lease_until or 0) > time.time()


def _lane(lane: LaneView) -> dict[str, Any]:
    return {
        "lane": lane.lane,
        "queued": lane.queued,
        "oldest": when(lane.oldest),
        "dead": lane.dead,
        "parked": lane.parked,
        "broken": lane.broken,
        "rests_until": when(lane.next_at) if lane.next_at > time.time() else None,
        "owner": lane.owner if _is_leased(lane) else None,
    }


async def _shown(journal: Journal, run: RunView, lanes: Mapping[str, LaneView]) -> dict[str, Any]:
    if run.state != "open":
        return _run(run)
    return {**_run(run), **await how_far(journal, run, running=_is_leased(lanes.get(run.lane)))}


def _run(run: RunView) -> dict[str, Any]:
    state: str = run.state
    if state == "open":
        state = "interrupted or running"
    elif run.report is None:
        state = "interrupted, and replaced by a later run"
    return {
        "run": run.run_id,
        "destination": run.destination,
        "lane": run.lane,
        "kind": run.kind,
        "mode": run.mode,
        "state": state,
        "started": when(run.started),
        "ended": when(run.ended),
        "inputs": list(run.inputs),
        "books": json.loads(run.report) if run.report else {},
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "at": when(attempt.at),
        "operation": attempt.operation,
        "status": attempt.status,
        "seconds": round(attempt.seconds, 3),
        "bytes": attempt.sent_bytes,
        "digest": attempt.digest,
        "message": attempt.message,
    }


def _lines(found: dict[str, Any]) -> Iterator[str]:
    if not any(found.values()):
        yield "Nothing has been delivered yet."
    for lane in found.get("lanes", ()):
        yield click.style(wrapped(lane["lane"], hanging="  "), bold=True)
        yield from (wrapped(line, "  ", hanging="    ") for line in _about(lane))
    for name, title in TITLES.items():
        if found.get(name):
            yield click.style(f"\n{title}", bold=True)
        for run in found.get(name, ()):
            yield wrapped(f"{run['run']}  {run['mode']} of {run['kind']} to {run['destination']}", "  ", hanging="    ")
            ended = ": ".join(filter(None, [run["state"], _counts(run["books"])]))
            result = result_of(run) if "answered" in run else ended
            yield wrapped(f"{run['ended'] or run['started']} {result}", "    ", hanging="      ")
    if found.get("attempts"):
        yield click.style("\nAttempts", bold=True)
    for one in found.get("attempts", ()):
        answer = f"{one['status'] or 'no answer'} {one['seconds']} s {one['bytes']:,} bytes"
        yield wrapped(f"{one['at']} {one['operation']} {answer}", "  ", hanging="    ")
        if one["message"]:
            yield wrapped(one["message"], "    ", hanging="      ")


def _about(lane: dict[str, Any]) -> Iterator[str]:
    yield f"{lane['queued']:,} queued" + (f", the oldest since {lane['oldest']}" if lane["oldest"] else "")
    if lane["dead"]:
        yield f"{lane['dead']:,} dead: see `proofport dead-letter list`"
    if lane["parked"]:
        yield f"parked: {lane['parked']}"
        yield f"once that is mended, `proofport resume {lane['lane']}` releases the lane"
    if lane["broken"]:
        yield f"broke down {lane['broken']} times at the first delivery, which becomes a dead letter at the third"
    if lane["rests_until"]:
        yield f"waits until {lane['rests_until']}"
    if lane["owner"]:
        yield f"in use by {lane['owner']}"


def _counts(books: dict[str, Any]) -> str:
    if not books:
        return ""
    sure = ", ".join(f"{count:,} {level}" for level, count in books["assurance"].items() if count)
    names = ("delivered", "unchanged", "rejected", "withheld", "unknown")
    counts = ", ".join(f"{books[name]:,} {name}" for name in names if books[name])
    return f"{books['input']:,} records: {counts or 'none'}" + (f" ({sure})" if sure else "")
