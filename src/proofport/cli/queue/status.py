"""`proofport status` shows lanes, runs and attempts as the journal has them; `proofport resume` releases a lane."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from proofport.cli import options
from proofport.cli.connect import uses_gateway
from proofport.cli.output import echo, plain, show_result, wrapped
from proofport.cli.queue import check as checking
from proofport.cli.queue.shown import (
    attempt_as_json,
    ended_as_json,
    heading,
    is_leased,
    lane_as_json,
    result,
    run_as_json,
)
from proofport.errors import UsageError

if TYPE_CHECKING:
    from proofport.gateway import Gateway
    from proofport.journal.contract import RunView

TITLES = {
    "snapshots": "Last complete snapshots",
    "last_runs": "Last runs besides these",
    "interrupted": "Interrupted; continue with `proofport push … --resume RUN`",
    "runs": "Runs",
}


@click.command()
@click.argument("subject", metavar="[RUN|LANE|DEST/KIND]", required=False)
@click.option(
    "--check",
    is_flag=True,
    help="Say only what is stale, parked, dead, refused, stopped or about to expire: exit code 1.",
)
@options.json_option
@uses_gateway
async def status(gateway: Gateway, subject: str | None, check: bool, as_json: bool) -> int:
    """Show lanes with their backlog, and the last runs of each kind; or one RUN or LANE with its attempts.

    Nothing is sent to anybody. Exit codes: 0 shown, 1 --check has found something, 2 there is no such run or lane.
    """
    if check:
        if subject is not None:
            raise click.UsageError("--check looks at everything: leave RUN and LANE out")
        now = time.time()
        standing = await checking.checked(gateway, now)
        show_result(checking.as_json(standing, now), checking.lines(standing, now), as_json=as_json)
        return int(bool(standing.findings))
    found = await (_everything(gateway) if subject is None else _one(gateway, subject))
    if not found:
        raise UsageError(
            f"the journal knows no run or lane named {subject}", hint="`proofport status` lists the lanes."
        )
    show_result(found, _lines(found), as_json=as_json)
    return 0


@click.command()
@click.argument("lane", metavar="LANE|DEST/KIND")
@click.argument("kind", metavar="[KIND]", required=False)
@uses_gateway
async def resume(gateway: Gateway, lane: str, kind: str | None) -> int:
    """Release a parked or waiting lane at once, after the reason for parking it has been mended.

    Name it by destination and kind, as DEST KIND or DEST/KIND, or by its key, as `proofport status` shows it.
    Exit codes: 0 released, 2 there is no such lane.
    """
    key = gateway.places.lane(lane, kind) if kind is not None else _key_of(gateway, lane)
    if not await (await gateway.journal()).resume(key):
        raise UsageError(f"the journal knows no lane named {lane}", hint="`proofport status` lists the lanes.")
    echo(plain(f"{_named(gateway.places.shown(key), key)} goes on."))
    return 0


def _key_of(gateway: Gateway, name: str) -> str:
    """The key of a lane that is named by its key, or as DEST/KIND."""
    return gateway.places.named(name) or name


def _named(name: str, key: str) -> str:
    return key if name == key else f"{name} ({key})"


async def _everything(gateway: Gateway) -> dict[str, Any]:
    from proofport.journal.contract import ALL, RunFilter

    journal = await gateway.journal()
    lanes = {lane.lane: lane for lane in await journal.lanes()}
    last = (await journal.last_runs())[::-1]
    snapshots: list[RunView] = []
    for run in last:
        if run.mode == "snapshot":
            whole = RunFilter(destination=run.destination, kind=run.kind, mode="snapshot", state="complete")
            snapshots += await journal.runs(limit=1, chosen=whole)
    shown = {(run.run_id, run.destination) for run in snapshots}
    return {
        "lanes": [lane_as_json(lane, gateway.places) for lane in lanes.values()],
        "snapshots": [ended_as_json(run) for run in snapshots],
        "last_runs": [ended_as_json(run) for run in last if (run.run_id, run.destination) not in shown],
        "interrupted": [
            await run_as_json(journal, run, lanes)
            for run in await journal.runs(limit=ALL, chosen=RunFilter(state="open"))
            if not is_leased(lanes.get(run.lane))
        ],
        **({"unstamped": missing} if (missing := await gateway.receipts.stamps.missing()) else {}),
    }


async def _one(gateway: Gateway, name: str) -> dict[str, Any]:
    """One run, or one lane, with its attempts; empty where there is none of that name."""
    from proofport.journal.contract import ALL, RunFilter

    journal = await gateway.journal()
    runs = await journal.runs(limit=ALL, chosen=RunFilter(run_id=name))
    known = {lane.lane: lane for lane in await journal.lanes()}
    if runs:
        whole = [await journal.run(name, run.destination) for run in runs]
        found: dict[str, Any] = {
            "runs": [{**await run_as_json(journal, run, known), "batches": len(run.batches)} for run in whole if run]
        }
        attempts = await journal.attempts(run_id=name, limit=100)
    else:
        key = name if name in known else _key_of(gateway, name)
        lanes = [lane_as_json(lane, gateway.places) for lane in known.values() if lane.lane == key]
        if not lanes:
            return {}
        runs = await journal.runs(lane=key)
        found = {"lanes": lanes, "runs": [await run_as_json(journal, run, known) for run in runs]}
        attempts = await journal.attempts(lane=key, limit=50)
    return {**found, "attempts": [attempt_as_json(attempt) for attempt in reversed(attempts)]}


def _lines(found: dict[str, Any]) -> Iterator[str]:
    if not any(found.values()):
        yield "Nothing has been delivered yet."
    for lane in found.get("lanes", ()):
        yield click.style(wrapped(_named(lane["name"], lane["lane"]), hanging="  "), bold=True)
        yield from (wrapped(line, "  ", hanging="    ") for line in _about(lane))
    for name, title in TITLES.items():
        if found.get(name):
            yield click.style(f"\n{title}", bold=True)
        for run in found.get(name, ()):
            yield wrapped(heading(run), "  ", hanging="    ")
            yield wrapped(result(run), "    ", hanging="      ")
    if found.get("unstamped"):
        yield f"\nReceipts without a time stamp: {found['unstamped']:,}. The next run asks for it."
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
        written = f"{lane['destinations'][0]}/{lane['kinds'][0]}" if lane["destinations"] else lane["lane"]
        yield f"once that is mended, `proofport resume {written}` releases the lane"
    if lane["broken"]:
        yield f"broke down {lane['broken']} times at the first delivery, which becomes a dead letter at the third"
    if lane["rests_until"]:
        yield f"waits until {lane['rests_until']}"
    if lane["owner"]:
        yield f"in use by {lane['owner']}"
