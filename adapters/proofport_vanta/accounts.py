"""Accounts: one that has left is sent as DEACTIVATED, with the date, for some time, and is left out after that."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from proofport.adapter import Batch, Limits, Memory, Mode, Observed, Tombstone
from proofport.evidence import format_timestamp
from proofport_vanta.common import looks_like_a_time, note
from proofport_vanta.objects import VantaObject
from proofport_vanta.parts import MAX_RECORDS, Row
from proofport_vanta.whole_set import VantaSet

DEACTIVATED = "DEACTIVATED"


class AccountSet(VantaSet):
    """The accounts of one application, with those that have left."""

    @property
    def keeps_gone(self) -> int:  # type: ignore[override]
        return (self.configured or VantaObject()).keep_deactivated

    def limits(self, mode: Mode) -> Limits:
        return replace(super().limits(mode), gone_as=DEACTIVATED)

    def observed(self, row: Row) -> Observed:
        """A deactivated account counts as gone: it is there for its date alone."""
        seen = super().observed(row)
        return replace(seen, ended=True, gone_at=_since(row)) if row.get("status") == DEACTIVATED else seen

    def follow(self, memory: Memory, batch: Batch, tombstones: Sequence[Tombstone]) -> Sequence[tuple[str, bytes]]:
        """The accounts that have left, the latest first where not all of them fit into the request."""
        latest = sorted(tombstones, key=lambda each: each.gone_at, reverse=True)
        left, size = list[Tombstone](), sum(map(len, batch.bodies)) + len(batch)
        for each in latest:
            size += len(each.body) + ADDED
            if len(batch) + len(left) >= MAX_RECORDS or size > self.parts[0].room:
                note(memory, NO_ROOM.format(len(tombstones) - len(left)))
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


def _since(row: Row) -> float:
    """When the account of a row has left. 0: the row does not say it."""
    since = row.get("deactivatedTimestamp")
    try:
        return datetime.fromisoformat(since).timestamp() if looks_like_a_time(since) else 0.0
    except ValueError:  # as of the 30th of February
        return 0.0


def _deactivated(tombstone: Tombstone) -> bytes:
    """The last body, with the state that says that it has left. A date that the source gave stays."""
    body = json.loads(tombstone.body)
    since = format_timestamp(datetime.fromtimestamp(int(tombstone.gone_at), UTC))
    if body.get("status") != DEACTIVATED or "deactivatedTimestamp" not in body:
        body["deactivatedTimestamp"] = since
    body["status"] = DEACTIVATED
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
