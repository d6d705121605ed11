"""Looks into what a journal holds: payloads that can be read, and books that sum.

The journal itself looks for damage to what it is stored in (`Journal.damage`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import orjson

from proofport.accounting import Status
from proofport.delivery.lane.payload import DamagedPayload, decode_outcomes, unpack
from proofport.delivery.queue.taken import content_of
from proofport.errors import JournalError
from proofport.journal.contract import ALL, Delivery, Filter, Journal, Part, RunView, SnapshotView, State

PAGE = 20


async def damage_in(journal: Journal) -> AsyncIterator[str]:
    """A sentence for each thing that is wrong. The journal is open."""
    try:
        for state in ("queued", "dead", "done"):
            async for found in _deliveries(journal, state):
                yield found
        for run in await journal.runs(limit=ALL):
            async for found in _run(journal, run):
                yield found
        for state_of_snapshot in ("open", "committed"):
            for snapshot in await journal.snapshots(state=state_of_snapshot, limit=ALL):
                for found in await _snapshot(journal, snapshot):
                    yield found
    except (JournalError, ValueError) as error:
        yield str(error)


# ---------------------------------------------------------------------- deliveries
async def _deliveries(journal: Journal, state: State) -> AsyncIterator[str]:
    after = 0
    while page := await journal.find(Filter(state=state), after=after, limit=PAGE):
        after = page[-1].id
        for delivery in page:
            look = _ended if state == "done" else _needed
            if found := _first(look, delivery):
                what = "dead letter" if state == "dead" else "delivery"
                yield f"the {what} {delivery.id} in the lane {delivery.lane}: {found}"


def _needed(delivery: Delivery) -> str | None:
    """Look at a delivery that is still to be sent, or may be sent again."""
    content_of(delivery)
    return None


def _ended(delivery: Delivery) -> str | None:
    return _count(decode_outcomes(delivery.outcome or "[]"), delivery.records)


# ---------------------------------------------------------------------- runs and snapshots
async def _run(journal: Journal, run: RunView) -> AsyncIterator[str]:
    name = f"the run {run.run_id} of {run.destination}"
    if run.report is not None and (found := _first(_report, run.report)):
        yield f"{name}: {found}"
    whole = await journal.run(run.run_id, run.destination)
    for batch in whole.batches if whole else ():
        if found := _first(lambda each: _count(decode_outcomes(each.outcomes), each.records), batch):
            yield f"{name}, batch {batch.number}: {found}"


def _report(text: str) -> str | None:
    report = orjson.loads(text)
    if not isinstance(report, dict) or "input" not in report:
        return None  # the report of an older version, or of what is no push
    total = sum(report[status] for status in Status)
    return None if total == report["input"] else f"the five counts sum to {total}, and its input had {report['input']}"


def _count(outcomes: Sequence[object], expected: int) -> str | None:
    return None if len(outcomes) == expected else f"it has {len(outcomes)} outcomes for {expected} records"


async def _snapshot(journal: Journal, snapshot: SnapshotView) -> list[str]:
    found, after, parts, records = [], "", 0, 0
    while page := await journal.parts(snapshot.id, after=after, limit=1):
        [part] = page
        after, parts, records = part.name, parts + 1, records + part.records
        if what := _first(_part, part):
            found.append(f"the part {part.name} of the snapshot {snapshot.id}: {what}")
    is_as_it_was = await journal.snapshot(snapshot.id) == snapshot  # a relay may add parts meanwhile
    if is_as_it_was and (parts, records) != (snapshot.parts, snapshot.records):
        counted = f"{parts} parts with {records} records instead of {snapshot.parts} with {snapshot.records}"
        found.append(f"the snapshot {snapshot.id} has {counted}")
    return found


def _part(part: Part) -> str | None:
    count = len(unpack(part.payload))
    return None if count == part.records else f"it holds {count} records instead of {part.records}"


def _first(look: Callable[[Any], str | None], at: Any) -> str | None:
    """Return a look's finding. Content that cannot be read at all is one, too, whatever breaks on it."""
    try:
        return look(at)
    except DamagedPayload as error:
        return error.message
    except Exception as error:
        return f"it cannot be read ({type(error).__name__}: {error})"
