"""Looks for what is wrong now. A cause lasts as long as one look after the other finds it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Container, Sequence
from pathlib import Path
from typing import Any

import orjson

from proofport.config import Config
from proofport.config.notices import Event
from proofport.delivery.report.report import Exit
from proofport.journal.contract import AccessKey, Filter, Journal, LaneView, NewCause, RunView
from proofport.text.durations import moment

LONGEST_REASON = 300
NEAR, NEAR_SPACE = 0.8, 2.0
"""A journal is nearly full when so much of `relay.overload.deliveries` waits, or when the disk has less than so many
times `relay.overload.free_bytes`."""
OVER, OVER_SPACE = 0.6, 2.5
"""It is not any more below that, or above."""
EXPIRES_WITHIN = 14 * 86_400.0
FULL: Event = "journal_nearly_full"


async def causes_of(config: Config, journal: Journal, noted: Container[str], now: float) -> AsyncIterator[NewCause]:
    """All that is wrong now. `noted`: the keys of what was wrong at the last look. Raises JournalError."""
    lanes = await journal.lanes()
    for lane in lanes:
        if lane.parked is not None:
            about = {} if (key := f"lane_parked:{lane.lane}") in noted else await _of_lane(journal, lane)
            yield _cause(key, "lane_parked", lane=lane.lane, **about, reason=lane.parked[:LONGEST_REASON])
        if lane.dead:
            about = {} if (key := f"dead_letter:{lane.lane}") in noted else await _of_lane(journal, lane, dead=True)
            yield _cause(key, "dead_letter", lane=lane.lane, **about, count=lane.dead)
    configured = set(config.all_destinations())
    for run in await journal.last_runs():
        if run.destination in configured and (why := _refused_by_guard(run)):
            about = {"destination": run.destination, "kind": run.kind, "run": run.run_id, "reason": why}
            yield _cause(f"guard_refused:{run.destination}:{run.kind}:{run.mode}", "guard_refused", **about)
    if why := _nearly_full(config, lanes, is_noted=FULL in noted):
        yield _cause(FULL, FULL, reason=why)
    for name, expires in expiring(await journal.access_keys(), now).items():
        key = f"key_expiring:{name.removeprefix('pp_')}"
        yield _cause(key, "key_expiring", key=name, expires=moment(expires))


def expiring(keys: Sequence[AccessKey], now: float) -> dict[str, float]:
    """The keys of a relay that expire soon, or have expired and are not revoked: when, by their public names."""
    times = {f"pp_{each.prefix}": each.expires for each in keys if each.revoked is None}
    return {name: at for name, at in times.items() if at is not None and at < now + EXPIRES_WITHIN}


def stale(destination: str, kind: str, lane: str, reason: str) -> NewCause:
    """Evidence of a kind is older than it may be. Whoever looks into the configuration finds out."""
    about = {"lane": lane, "destination": destination, "kind": kind, "reason": reason}
    return _cause(f"set_stale:{destination}:{kind}", "set_stale", **about)


def _cause(cause: str, event: Event, /, **about: Any) -> NewCause:
    return NewCause(cause, event, orjson.dumps(about).decode())


async def _of_lane(journal: Journal, lane: LaneView, *, dead: bool = False) -> dict[str, str]:
    """The destination and kind of a delivery that waits there, or is dead, by their configured names."""
    found = await journal.find(Filter(lane=lane.lane, state="dead" if dead else "queued"), limit=1)
    if found:
        return {"destination": found[0].destination, "kind": found[0].kind}
    runs = await journal.runs(lane=lane.lane, limit=1)
    return {"destination": runs[0].destination, "kind": runs[0].kind} if runs else {}


def _refused_by_guard(run: RunView) -> str | None:
    """Why the guard has refused a run, if it has."""
    report = run.books
    if report.get("exit_code") != Exit.GUARD:
        return None
    notes = report.get("notes") or ["the guard has refused the set"]
    return str(notes[0])[:LONGEST_REASON]


def _nearly_full(config: Config, lanes: list[LaneView], *, is_noted: bool) -> str | None:
    limits = config.relay.overload
    waiting, most = sum(lane.queued for lane in lanes), limits.deliveries
    if most and waiting >= most * (OVER if is_noted else NEAR):
        return f"{waiting:,} deliveries wait, and a relay takes no more at {most:,}"
    if not isinstance(config.journal, Path):
        return None
    try:
        free = shutil.disk_usage(config.journal.parent).free
    except OSError:
        return None
    if free < limits.free_bytes * (OVER_SPACE if is_noted else NEAR_SPACE):
        return f"{free:,} bytes of the journal's disk are free, and a relay takes no more below {limits.free_bytes:,}"
    return None
