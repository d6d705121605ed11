"""The right to write to one lane of a SQLite journal."""

from __future__ import annotations

import struct

import orjson

from proofport.journal.contract import IN_DOUBT, NewRun, Sent
from proofport.journal.sql.lane_run import SqlLaneRun
from proofport.journal.sql.steps import Change, Many, Query, Steps, Values
from proofport.journal.sqlite.folding import folded, tidy
from proofport.journal.sqlite.store import SqliteStore


class SqliteLaneRun(SqlLaneRun):
    """Logs what was delivered. The log is folded when someone asks."""

    _store: SqliteStore

    async def begin(self, run: NewRun) -> None:
        await tidy(self._store, self.lane, run.kind)
        await super().begin(run)

    async def _folded(self, kind: str) -> None:
        await folded(self._store, self.lane, kind)

    def _sent(self, sent: Sent, origin: Values, *, staged: bool) -> Steps[None]:
        """Log it in one row, whatever the number of ids."""
        count = len(sent.ids)
        packed = {
            "ids": orjson.dumps(list(sent.ids)),
            "bodies": struct.pack(f"<{count}Q", *sent.bodies) if sent.bodies else bytes(8 * count),
            "observed": struct.pack(f"<{count}d", *sent.observed) if sent.observed else b"",
            "sources": struct.pack(f"<{count}i", *sent.sources) if sent.sources else b"",
            "spellings": orjson.dumps(list(sent.spellings)) if any(sent.spellings) else b"",
        }
        yield Change("log", {**origin, **packed, "records": count})
        if origin["removed"]:
            yield Many("empty_body", ({**origin, "id": text} for text in sent.ids))
        elif sent.items:
            kept = zip(sent.ids, sent.items, strict=True)
            yield Many("keep_body", ({**origin, "id": text, "body": item} for text, item in kept if item))
            if (yield Query("has_tombstones", origin)):
                pairs = zip(sent.ids, sent.bodies, strict=True)
                yield Many("drop_tombstone", ({**origin, "id": text} for text, body in pairs if body > IN_DOUBT))

    def _doubt(self, of_set: int) -> Steps[None]:
        yield Change("skip_turn", {})
        yield Change("doubt_set", {"set": of_set})
