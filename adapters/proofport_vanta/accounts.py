"""Accounts: one that has left is sent as DEACTIVATED, with the date, for some time, and is left out after that."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from proofport.adapter import Batch, Flow, Job, Memory, Observed, Tombstone
from proofport.evidence import format_timestamp
from proofport_vanta.bodies import ID_FIELD
from proofport_vanta.common import looks_like_a_time
from proofport_vanta.parts import MAX_RECORDS, Row
from proofport_vanta.settings import VantaObject
from proofport_vanta.whole_set import VantaSet

DEACTIVATED = "DEACTIVATED"
DAY = 86_400


class AccountSet(VantaSet):
    """The accounts of one application, with those that have left."""

    @property
    def keeps_gone(self) -> int:  # type: ignore[override]
        return (self.configured or VantaObject()).keep_deactivated

    def observed(self, row: Row) -> Observed:
        """A deactivated account counts as gone: it is there for its date alone."""
        return replace(super().observed(row), ended=row.get("status") == DEACTIVATED)

    def follow(
        self, job: Job, memory: Memory, batch: Batch, tombstones: Sequence[Tombstone]
    ) -> Flow[Sequence[tuple[str, bytes]]]:
        """The accounts that have left, the latest first where not all of them fit into the request.

        Those that Vanta lists as deactivated stay for their time, too, although this journal may not know them.
        """
        if not self.keeps_gone:
            return ()
        [part] = self.parts
        known = {*batch.ids, *(each.id for each in tombstones)}
        since = job.started - self.keeps_gone * DAY
        listed = yield from part.live()
        others = [_listed(row) for row in listed if row.get("status") == DEACTIVATED and row[ID_FIELD] not in known]
        return self._with_room(memory, batch, [*tombstones, *(each for each in others if each.gone_at >= since)])

    def _with_room(self, memory: Memory, batch: Batch, tombstones: Sequence[Tombstone]) -> Sequence[tuple[str, bytes]]:
        latest = sorted(tombstones, key=lambda each: each.gone_at, reverse=True)
        left, size = list[Tombstone](), sum(map(len, batch.bodies)) + len(batch)
        for each in latest:
            size += len(each.body) + ADDED
            if len(batch) + len(left) >= MAX_RECORDS or size > self.parts[0].room:
                memory["notes"] = [NO_ROOM.format(len(tombstones) - len(left))]
                break
            left.append(each)
        kept = {each.id for each in left}
        return [(each.id, _deactivated(each)) for each in tombstones if each.id in kept]


NO_ROOM = (
    "{:,} of the accounts that have left are left out, without their date: there is no room for them in the one "
    "request. Shorten `keep_deactivated`."
)
ADDED = len('"status":"DEACTIVATED","deactivatedTimestamp":"2026-01-31T09:00:00Z",')
"""The most bytes that a body gains."""


def _listed(row: Row) -> Tombstone:
    """A row of an account that has left. Without a date it is of no use."""
    since = row.get("deactivatedTimestamp")
    try:
        gone_at = datetime.fromisoformat(since).timestamp() if looks_like_a_time(since) else 0.0
    except ValueError:  # as of the 30th of February
        gone_at = 0.0
    return Tombstone(row[ID_FIELD], json.dumps(row).encode(), gone_at)


def _deactivated(tombstone: Tombstone) -> bytes:
    """The last body, with the state that says that it has left. A date that the source gave stays."""
    body = json.loads(tombstone.body)
    since = format_timestamp(datetime.fromtimestamp(int(tombstone.gone_at), UTC))
    if body.get("status") != DEACTIVATED or "deactivatedTimestamp" not in body:
        body["deactivatedTimestamp"] = since
    body["status"] = DEACTIVATED
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
