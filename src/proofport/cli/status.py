"""`proofport status`: what the journal knows of lanes, runs and attempts."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from proofport.cli import options
from proofport.cli.failures import wrapped

if TYPE_CHECKING:
    from proofport.journal.contract import Attempt, Journal, LaneView, RunView

RUNS = 10_000


@click.command()
@click.argument("subject", metavar="[RUN|LANE]", required=False)
@options.json_option
@options.config_option
def command(subject: str | None, as_json: bool, config_path: str | None) -> int:
    """Show lanes with their backlog, and the last complete snapshot of each kind; or one RUN or LANE with its attempts.

    Nothing is sent to anybody. Exit codes: 0 shown, 2 there is no such run or lane.
    """
    import asyncio

    shown = asyncio.run(_look(subject, config_path))
    if shown is None:
        click.echo(wrapped(f"The journal knows no run or lane named {subject}.", hanging="  ", fold=True), err=True)
        return 2
    if as_json:
        click.echo(json.dumps(shown, ensure_ascii=False, indent=2))
    else:
        _print(shown)
    return 0


async def _look(subject: str | None, config_path: str | None) -> dict[str, Any] | None:
    from proofport.cli.connect import connect

    async with connect(config_path) as gateway:
        journal = await gateway.journal()
        if subject is None:
            return await _everything(journal)
        return await _one_run(journal, subject) or await _one_lane(journal, subject)


async def _everything(journal: Journal) -> dict[str, Any]:
    runs = await journal.runs(limit=RUNS)
    lanes = {lane.lane: lane for lane in await journal.lanes()}
    return {
        "lanes": [_lane(lane) for lane in lanes.values()],
        "snapshots": [_run(run) for run in _last_snapshots(runs)],
        "interrupted": [_run(run) for run in runs if run.state == "open" and not _is_held(lanes.get(run.lane))],
    }


async def _one_run(journal: Journal, run_id: str) -> dict[str, Any] | None:
    runs = [run for run in await journal.runs(limit=RUNS) if run.run_id == run_id]
    if not runs:
        return None
    attempts = await journal.attempts(run_id=run_id, limit=100)
    whole = [await journal.run(run_id, run.destination) for run in runs]
    return {
        "runs": [{**_run(run), "batches": len(run.batches)} for run in whole if run is not None],
        "attempts": [_attempt(attempt) for attempt in reversed(attempts)],
    }


async def _one_lane(journal: Journal, name: str) -> dict[str, Any] | None:
    lanes = [lane for lane in await journal.lanes() if lane.lane == name]
    if not lanes:
        return None
    return {
        "lanes": [_lane(lane) for lane in lanes],
        "runs": [_run(run) for run in await journal.runs(lane=name)],
        "attempts": [_attempt(attempt) for attempt in reversed(await journal.attempts(lane=name, limit=50))],
    }


def _last_snapshots(runs: Sequence[RunView]) -> list[RunView]:
    """The latest complete snapshot of each destination and kind."""
    last: dict[tuple[str, str], RunView] = {}
    for run in runs:
        if run.mode == "snapshot" and run.state == "complete":
            last.setdefault((run.destination, run.kind), run)
    return list(last.values())


def _is_held(lane: LaneView | None) -> bool:
    return lane is not None and lane.owner is not None and (lane.lease_until or 0) > time.time()


# ------------------------------------------------------------------ plain data
def _lane(lane: LaneView) -> dict[str, Any]:
    held = _is_held(lane)
    return {
        "lane": lane.lane,
        "queued": lane.queued,
        "oldest": _when(lane.oldest),
        "dead": lane.dead,
        "parked": lane.parked,
        "rests_until": _when(lane.next_at) if lane.next_at > time.time() else None,
        "owner": lane.owner if held else None,
    }


def _run(run: RunView) -> dict[str, Any]:
    books = json.loads(run.report) if run.report else {}
    return {
        "run": run.run_id,
        "destination": run.destination,
        "lane": run.lane,
        "kind": run.kind,
        "mode": run.mode,
        "state": _state(run),
        "started": _when(run.started),
        "ended": _when(run.ended),
        "inputs": list(run.inputs),
        "books": books,
    }


def _state(run: RunView) -> str:
    if run.state == "open":
        return "interrupted or running"
    return "interrupted, and replaced by a later run" if run.report is None else run.state


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "at": _when(attempt.at),
        "operation": attempt.operation,
        "status": attempt.status,
        "seconds": round(attempt.seconds, 3),
        "bytes": attempt.sent_bytes,
        "digest": attempt.digest,
        "message": attempt.message,
    }


def _when(seconds: float | None) -> str | None:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if seconds else None


# ------------------------------------------------------------------ for people
def _print(shown: dict[str, Any]) -> None:
    if not any(shown.values()):
        click.echo("Nothing has been delivered yet.")
    for lane in shown.get("lanes", ()):
        _print_lane(lane)
    _print_runs("Last complete snapshots", shown.get("snapshots", ()))
    _print_runs("Interrupted; go on with `proofport push … --resume RUN`", shown.get("interrupted", ()))
    _print_runs("Runs", shown.get("runs", ()))
    if shown.get("attempts"):
        click.secho("\nAttempts", bold=True)
        for attempt in shown["attempts"]:
            status = attempt["status"] or "no answer"
            line = f"{attempt['at']} {attempt['operation']} {status} {attempt['seconds']} s {attempt['bytes']:,} bytes"
            _say(line, "  ")
            if attempt["message"]:
                _say(attempt["message"], "    ")


def _say(text: str, indent: str) -> None:
    click.echo(wrapped(text, indent, hanging=f"{indent}  ", fold=True))


def _print_lane(lane: dict[str, Any]) -> None:
    click.secho(wrapped(lane["lane"], hanging="  ", fold=True), bold=True)
    click.echo(f"  {lane['queued']:,} queued" + (f", the oldest since {lane['oldest']}" if lane["oldest"] else ""))
    if lane["dead"]:
        click.echo(f"  {lane['dead']:,} dead: see `proofport dead-letter list`")
    if lane["parked"]:
        _say(f"parked: {lane['parked']}", "  ")
        _say(f"`proofport resume {lane['lane']}` goes on when that is mended", "  ")
    if lane["rests_until"]:
        click.echo(f"  rests until {lane['rests_until']}")
    if lane["owner"]:
        _say(f"held by {lane['owner']}", "  ")


def _print_runs(title: str, runs: Sequence[dict[str, Any]]) -> None:
    if not runs:
        return
    click.secho(f"\n{title}", bold=True)
    for run in runs:
        _say(f"{run['run']}  {run['mode']} of {run['kind']} to {run['destination']}", "  ")
        _say(f"{run['state']}, {run['ended'] or run['started']}: {_books(run['books'])}", "    ")


def _books(books: dict[str, Any]) -> str:
    if not books:
        return "no books yet"
    sure = ", ".join(f"{count:,} {level}" for level, count in books["assurance"].items() if count)
    names = ("delivered", "unchanged", "rejected", "withheld", "unknown")
    counts = ", ".join(f"{books[name]:,} {name}" for name in names if books[name])
    return f"{books['input']:,} records: {counts or 'none'}" + (f" ({sure})" if sure else "")
