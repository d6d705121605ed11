"""Compares what was sent with what the vendor shows, record by record, as far as it shows anything."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from proofport.adapter import Lists, Observed, ReadBack, ReadsBack, Resource
from proofport.delivery.ids import same
from proofport.delivery.report.report import INLINE_PROBLEMS, Exit
from proofport.delivery.target import lane_of
from proofport.gateway.assurance import verify_deliveries, verify_runs
from proofport.http.flow import lead, pages
from proofport.http.sender import Sender
from proofport.journal.contract import Journal, Kept

LONGEST_PAUSE = 60.0

Difference = Mapping[str, tuple[Any, Any]]
"""By field: the value that was sent, and the value that is shown."""


@dataclass(frozen=True, slots=True)
class Look:
    """The progress of a verification after one look."""

    seen: int
    total: int
    #: Seconds until the next look. None: this was the last one.
    pause: float | None


@dataclass(slots=True)
class Verification:
    """The result for all that was delivered of one kind, and for removed records where the vendor keeps them.

    Every record is in exactly one of `seen`, `different`, `missing` and `unreadable`.
    """

    destination: str
    kind: str
    #: Records that the vendor shows as they were sent.
    seen: int = 0
    different: dict[str, Difference] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    unreadable: int = 0
    looks: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> Exit:
        nothing_read = self.unreadable > 0 and not self.seen
        return Exit.INCOMPLETE if self.different or self.missing or nothing_read else Exit.OK

    def as_dict(self) -> dict[str, Any]:
        different = [
            {"id": text, "fields": {name: {"sent": sent, "shown": shown} for name, (sent, shown) in fields.items()}}
            for text, fields in list(self.different.items())[:INLINE_PROBLEMS]
        ]
        return {
            "destination": self.destination,
            "kind": self.kind,
            "exit_code": int(self.exit_code),
            "seen_as_sent": self.seen,
            "seen_differently": {"count": len(self.different), "records": different},
            "not_seen_yet": {"count": len(self.missing), "ids": self.missing[:INLINE_PROBLEMS]},
            "cannot_be_read_back": self.unreadable,
            "looks": self.looks,
            "notes": self.notes,
        }


async def verified(
    name: str,
    resource: Resource,
    journal: Journal,
    sender: Sender,
    *,
    within: float,
    on_look: Callable[[Look], None] | None = None,
    on_rows: Callable[[int], None] | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Verification:
    """Look again, with growing pauses, for `within` seconds or until every record is seen as it was sent.

    `on_rows` is given the number of rows that were read in this look. Raises the errors of reading: Blocked,
    Retryable …
    """
    lane, kind = lane_of(name, resource), resource.kind
    result = Verification(name, kind)
    known = await journal.known_count(lane, kind)
    if not known:
        result.notes.append(f"Nothing of {kind} was delivered to {name} from here.")
    if not isinstance(resource, ReadsBack):
        result.unreadable = known
        plan = " `proofport plan` compares a file with the live set." if isinstance(resource, Lists) else ""
        result.notes.append(f"proofport cannot compare {kind} with what {name} shows.{plan}")
        return result
    waiting = _Waiting(resource.read_back, resource.ended_fields)
    after = ""
    while sent := await journal.kept(lane, kind, after=after):
        after = sent[-1].id
        for kept in sent:
            waiting.add(kept)
    result.unreadable = known + waiting.removed - len(waiting.bodies)
    total, deadline, pause = len(waiting.bodies), clock() + within, 1.0
    while waiting.bodies:
        rows = 0
        result.looks += 1
        waiting.different.clear()
        async for page in pages(lambda cursor: lead(resource.rows(cursor), sender)):
            rows += len(page.records)
            for row in page.records:
                waiting.meet(row)
            if on_rows is not None:
                on_rows(rows)
        over = not waiting.bodies or clock() + pause > deadline
        if on_look is not None:
            on_look(Look(total - len(waiting.bodies), total, None if over else pause))
        if over:
            if not rows:
                result.notes.append("The vendor lists nothing at all: check by which name it knows this connection.")
            break
        await sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
    result.seen = total - len(waiting.bodies)
    result.different = waiting.different
    result.missing = [text for text in waiting.bodies if text not in waiting.different]
    await verify_runs(journal, lane, waiting.seen_by_run)
    await verify_deliveries(journal, waiting.seen_by_delivery)
    return result


@dataclass(slots=True)
class _Waiting:
    """The records that were sent and are not yet seen as they were sent."""

    found: ReadBack
    #: The fields of a removed record.
    ended: Mapping[str, Any]
    #: Removed records, with those that cannot be found.
    removed: int = 0
    bodies: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    senders: dict[str, Kept] = field(default_factory=dict)
    #: Ids by field and value.
    places: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    different: dict[str, Difference] = field(default_factory=dict)
    seen_by_run: Counter[str] = field(default_factory=Counter)
    seen_by_delivery: dict[int, set[str]] = field(default_factory=dict)

    def add(self, kept: Kept) -> None:
        if not kept.removed:
            self._expect(kept, orjson.loads(kept.body))
        elif self.ended:
            self.removed += 1
            if not self.ended.keys().isdisjoint(self.found.fields):
                self._expect(kept, self.ended)

    def _expect(self, kept: Kept, body: Mapping[str, Any]) -> None:
        text = kept.id
        values = {**body, "id": text}
        places = [(name, str(values[name])) for name in self.found.match if values.get(name) not in (None, "")]
        if not places:
            return
        self.bodies[text] = {name: body[name] for name in self.found.fields if name in body}
        self.senders[text] = replace(kept, body=b"")
        for place in places:
            self.places.setdefault(place, []).append(text)

    def meet(self, row: Observed) -> None:
        """Compare a row. Several records may share a field such as an address: the row is the one that it equals."""
        candidates = [text for text in self._candidates(row) if text in self.bodies]
        differences = {text: same.differences(self.bodies[text], row.fields) for text in candidates}
        seen = next((text for text, difference in differences.items() if not difference), None)
        if seen is not None:
            self.bodies.pop(seen)
            self.different.pop(seen, None)
            self._credit(self.senders.pop(seen))
        elif len(candidates) == 1:
            self.different.update(differences)

    def _credit(self, sender: Kept) -> None:
        if sender.run_id is not None:
            self.seen_by_run[sender.run_id] += 1
        if sender.delivery is not None:
            self.seen_by_delivery.setdefault(sender.delivery, set()).add(sender.id)

    def _candidates(self, row: Observed) -> list[str]:
        """The ids that the row may be, by the surest field that it has."""
        for name in self.found.match:
            if name == "id" and row.id:
                spellings = (row.id, same.key_of(row.id), same.key_of(row.id, fold=True))
                return next((found for each in spellings if (found := self.places.get((name, each)))), [])
            if row.fields.get(name) not in (None, ""):
                return self.places.get((name, str(row.fields[name])), [])
        return []
