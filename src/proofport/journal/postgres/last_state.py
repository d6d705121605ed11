"""The last delivered state, an id a row: writing it, with all else that whoever holds a lane writes, and looking at it.

Ids are bytes here: text of PostgreSQL cannot hold U+0000.
"""

from __future__ import annotations

from collections.abc import Sequence

from proofport.adapter import Tombstone
from proofport.journal.contract import Kept, Known, Sent, SourceCount, SpellingState
from proofport.journal.sql.lane_run import SqlLaneRun
from proofport.journal.sql.steps import Change, Part, Row, Steps, Values

SIGN, RANGE = 2**63, 2**64


class PostgresLaneRun(SqlLaneRun):
    """Writes the last delivered state at once, an id a row."""

    @staticmethod
    def _key(text: str) -> bytes:
        return text.encode()

    def _sent(self, sent: Sent, origin: Values, *, staged: bool) -> Steps[None]:
        """Of a staged run: note that the ids belong to its set, and keep the rest until it is complete."""
        ids = [text.encode() for text in sent.ids]
        values: Values = {
            **origin,
            "ids": ids,
            "bodies": [_signed(body) for body in sent.bodies] or [0] * len(ids),
            "observed": list(sent.observed) or [0.0] * len(ids),
            "items": list(sent.items),
            "sources": list(sent.sources),
            "spellings": [text and text.encode() for text in sent.spellings],
        }
        if origin["removed"]:
            yield Change("empty_bodies", values)
        elif sent.items:
            yield Change("keep_bodies", values)
        if staged:
            yield Change("stage", values)
            yield Change("deliver", {**values, "bodies": [0] * len(ids), "sources": []})
        else:
            yield Change("remove" if origin["removed"] else "deliver", values)

    def _doubt(self, of_set: int) -> Steps[None]:
        yield Change("doubt_set", {"set": of_set})

    def _completed(self, of_set: int, run: int) -> Steps[None]:
        for name in ("deliver_staged", "remove_staged", "drop_staged"):
            yield Change(name, {"set": of_set, "run": run})


def _signed(body: int) -> int:
    """As PostgreSQL's integers are."""
    return body - RANGE if body >= SIGN else body


# ---------------------------------------------------------------------- looking
class LastStatePart(Part):
    async def known(self, lane: str, kind: str, ids: Sequence[str]) -> list[Known | None]:
        rows = await self._of("known", lane, kind, ids)
        found = {bytes(text): Known(body % RANGE, observed, source) for text, body, observed, source in rows}
        return [found.get(text.encode()) for text in ids]

    async def gone(self, lane: str, kind: str, run_id: str, *, after: str = "", limit: int = 500) -> list[str]:
        values = {"lane": lane, "kind": kind, "run_id": run_id, "after": after.encode(), "limit": limit}
        return [bytes(text).decode() for (text,) in await self._store.rows("gone", values)]

    async def known_count(self, lane: str, kind: str) -> int:
        return int((await self._store.rows("known_count", {"lane": lane, "kind": kind}))[0][0])

    async def spellings(self, lane: str, kind: str, ids: Sequence[str]) -> list[str | None]:
        rows = await self._of("spellings", lane, kind, ids)
        found = {bytes(text): bytes(spelling).decode() for text, spelling in rows}
        return [found.get(text.encode()) for text in ids]

    async def spelling_state(self, lane: str, kind: str) -> SpellingState:
        rows = await self._store.rows("spelling_state", {"lane": lane, "kind": kind})
        return SpellingState(*map(bool, rows[0])) if rows else SpellingState()

    async def sources(self, lane: str, kind: str) -> list[SourceCount]:
        rows = await self._store.rows("sources", {"lane": lane, "kind": kind})
        return [SourceCount(number, bytes(name).decode(), count) for number, name, count in rows]

    async def bodies(self, lane: str, kind: str, ids: Sequence[str]) -> list[bytes | None]:
        found = {bytes(text): bytes(body) for text, body in await self._of("bodies", lane, kind, ids)}
        return [found.get(text.encode()) for text in ids]

    async def kept(self, lane: str, kind: str, *, after: str = "", limit: int = 500) -> list[Kept]:
        values = {"lane": lane, "kind": kind, "after": after.encode(), "limit": limit}
        return [
            Kept(bytes(text).decode(), run_id, bytes(body), delivery, removed)
            for text, run_id, body, delivery, removed in await self._store.rows("kept", values)
        ]

    async def tombstones(
        self, lane: str, kind: str, *, since: float, after: str = "", limit: int = 500
    ) -> list[Tombstone]:
        values = {"lane": lane, "kind": kind, "since": since, "after": after.encode(), "limit": limit}
        rows = await self._store.rows("tombstones", values)
        return [Tombstone(bytes(text).decode(), bytes(body), gone_at) for text, body, gone_at in rows]

    async def _of(self, name: str, lane: str, kind: str, ids: Sequence[str]) -> list[Row]:
        return await self._store.rows(name, {"lane": lane, "kind": kind, "ids": [text.encode() for text in ids]})
