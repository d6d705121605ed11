"""Looking at the last delivered state of each lane and kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proofport.adapter import Tombstone
from proofport.journal.contract import Kept, Known, SourceCount, SpellingState
from proofport.journal.sql.steps import Part, Values, text_of

RANGE = 2**64
"""Digests are 64 bits wide; the tables hold them as signed numbers."""


class LastStatePart(Part):
    async def _set(self, lane: str, kind: str, *, in_order: bool = True) -> Values:
        """The values that name a set to a query. `in_order`: all that was delivered can be seen."""
        raise NotImplementedError

    async def _each(self, name: str, of_set: Values, ids: Sequence[str]) -> list[Any]:
        """The row of each id, without the id. None: it has none."""
        raise NotImplementedError

    async def known(self, lane: str, kind: str, ids: Sequence[str]) -> list[Known | None]:
        rows = await self._each("known", await self._set(lane, kind), ids)
        return [row and Known(row[0] % RANGE, *row[1:]) for row in rows]

    async def bodies(self, lane: str, kind: str, ids: Sequence[str]) -> list[bytes | None]:
        rows = await self._each("kept_body", await self._set(lane, kind, in_order=False), ids)
        return [row and bytes(row[0]) for row in rows]

    async def spellings(self, lane: str, kind: str, ids: Sequence[str]) -> list[str | None]:
        rows = await self._each("spelling", await self._set(lane, kind), ids)
        return [row and text_of(row[0]) for row in rows]

    async def gone(self, lane: str, kind: str, run_id: str, *, after: str = "", limit: int = 500) -> list[str]:
        page = {"after": self._store.id_of(after), "limit": limit}
        rows = await self._store.rows("gone", {**await self._set(lane, kind), **page, "run_id": run_id})
        return [text_of(key) for (key,) in rows]

    async def known_count(self, lane: str, kind: str) -> int:
        return int((await self._store.rows("known_count", await self._set(lane, kind)))[0][0])

    async def spelling_state(self, lane: str, kind: str) -> SpellingState:
        rows = await self._store.rows("spelling_state", await self._set(lane, kind, in_order=False))
        return SpellingState(*map(bool, rows[0])) if rows else SpellingState()

    async def sources(self, lane: str, kind: str) -> list[SourceCount]:
        rows = await self._store.rows("sources", await self._set(lane, kind))
        return [SourceCount(number, text_of(name), count) for number, name, count in rows]

    async def kept(self, lane: str, kind: str, *, after: str = "", limit: int = 500) -> list[Kept]:
        page = {"after": self._store.id_of(after), "limit": limit}
        rows = await self._store.rows("kept", {**await self._set(lane, kind), **page})
        return [
            Kept(text_of(key), run, bytes(body), delivery, bool(removed)) for key, run, body, delivery, removed in rows
        ]

    async def tombstones(
        self, lane: str, kind: str, *, since: float, after: str = "", limit: int = 500
    ) -> list[Tombstone]:
        page = {"since": since, "after": self._store.id_of(after), "limit": limit}
        rows = await self._store.rows("tombstones", {**await self._set(lane, kind, in_order=False), **page})
        return [Tombstone(text_of(key), bytes(body), gone_at) for key, body, gone_at in rows]
