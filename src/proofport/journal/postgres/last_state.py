"""Looking at the last delivered state. Ids are bytes here: text of PostgreSQL cannot hold U+0000."""

from __future__ import annotations

from collections.abc import Sequence

from proofport.journal.contract import Kept, Known
from proofport.journal.postgres.lane_run import RANGE
from proofport.journal.sql.steps import Part, Row


class LastStatePart(Part):
    async def known(self, lane: str, kind: str, ids: Sequence[str]) -> list[Known | None]:
        rows = await self._of("known", lane, kind, ids)
        found = {bytes(text): Known(body % RANGE, observed) for text, body, observed in rows}
        return [found.get(text.encode()) for text in ids]

    async def gone(self, lane: str, kind: str, run_id: str, *, after: str = "", limit: int = 500) -> list[str]:
        values = {"lane": lane, "kind": kind, "run_id": run_id, "after": after.encode(), "limit": limit}
        return [bytes(text).decode() for (text,) in await self._store.rows("gone", values)]

    async def known_count(self, lane: str, kind: str) -> int:
        return int((await self._store.rows("known_count", {"lane": lane, "kind": kind}))[0][0])

    async def bodies(self, lane: str, kind: str, ids: Sequence[str]) -> list[bytes | None]:
        found = {bytes(text): bytes(body) for text, body in await self._of("bodies", lane, kind, ids)}
        return [found.get(text.encode()) for text in ids]

    async def kept(self, lane: str, kind: str, *, after: str = "", limit: int = 500) -> list[Kept]:
        values = {"lane": lane, "kind": kind, "after": after.encode(), "limit": limit}
        return [
            Kept(bytes(text).decode(), run_id, bytes(body), delivery, removed)
            for text, run_id, body, delivery, removed in await self._store.rows("kept", values)
        ]

    async def _of(self, name: str, lane: str, kind: str, ids: Sequence[str]) -> list[Row]:
        return await self._store.rows(name, {"lane": lane, "kind": kind, "ids": [text.encode() for text in ids]})
