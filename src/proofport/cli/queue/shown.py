"""Runs and lanes as `status` and `runs` show them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from proofport.cli.output import when
from proofport.cli.queue.stopped import how_far, result_of

if TYPE_CHECKING:
    from proofport.gateway.places import Places
    from proofport.journal.contract import Attempt, Journal, LaneView, RunView

ENDS = {
    0: "",
    1: "not everything was delivered",
    2: "could not be taken as asked",
    3: "blocked by the vendor",
    4: "refused by the guard",
}
"""The words for the exit code of a run that has ended."""


def is_leased(lane: LaneView | None) -> bool:
    return lane is not None and lane.is_leased(time.time())


def lane_as_json(lane: LaneView, places: Places) -> dict[str, Any]:
    names, kinds = places.all_names(lane.lane)
    return {
        "name": places.shown(lane.lane),
        "destinations": names,
        "kinds": kinds,
        "lane": lane.lane,
        "queued": lane.queued,
        "oldest": when(lane.oldest),
        "dead": lane.dead,
        "parked": lane.parked,
        "broken": lane.broken,
        "rests_until": when(lane.next_at) if lane.next_at > time.time() else None,
        "owner": lane.owner if is_leased(lane) else None,
    }


async def run_as_json(journal: Journal, run: RunView, lanes: Mapping[str, LaneView]) -> dict[str, Any]:
    """A run, with how far it came where it has not ended."""
    if run.state != "open":
        return ended_as_json(run)
    return {**ended_as_json(run), **await how_far(journal, run, running=is_leased(lanes.get(run.lane)))}


def ended_as_json(run: RunView) -> dict[str, Any]:
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
        "books": run.books,
    }


def attempt_as_json(attempt: Attempt) -> dict[str, Any]:
    return {
        "at": when(attempt.at),
        "operation": attempt.operation,
        "status": attempt.status,
        "seconds": round(attempt.seconds, 3),
        "bytes": attempt.sent_bytes,
        "digest": attempt.digest,
        "message": attempt.message,
    }


def heading(run: Mapping[str, Any]) -> str:
    """One line that says which run it is."""
    return f"{run['run']}  {run['mode']} of {run['kind']} to {run['destination']}"


def result(run: Mapping[str, Any]) -> str:
    """One sentence about how a run has ended, or how far it came, with the time."""
    end = ENDS.get(run["books"].get("exit_code", 0), "")
    state = f"{run['state']}, {end}" if end and "answered" not in run else run["state"]
    ended = ": ".join(filter(None, [state, _counts(run["books"])]))
    return f"{run['ended'] or run['started']} {result_of(run) if 'answered' in run else ended}"


def _counts(books: Mapping[str, Any]) -> str:
    if not books:
        return ""
    if "rebuilt" in books:
        return f"{books['rebuilt']:,} records of the vendor's list added"
    sure = ", ".join(f"{count:,} {level}" for level, count in books["assurance"].items() if count)
    names = ("delivered", "unchanged", "rejected", "withheld", "unknown")
    counts = ", ".join(f"{books[name]:,} {name}" for name in names if books[name])
    return f"{books['input']:,} records: {counts or 'none'}" + (f" ({sure})" if sure else "")
