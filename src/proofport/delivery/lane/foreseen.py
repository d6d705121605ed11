"""The last delivered state as the next run will find it: with what others were about to send when they were cut off.

A plan looks at it. It does not hold the lane, so it writes nothing of that down: whoever was to send may be alive.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import repeat

from pydantic import JsonValue

from proofport.adapter import Tombstone
from proofport.journal.contract import IN_DOUBT, PERHAPS_OVERWRITTEN, Journal, Known, Left, SourceCount, SpellingState


class Foreseen:
    """Answers as the journal will, once the next run of the lane and kind has begun. Only batches on the wire are kept
    in memory.
    """

    def __init__(self, journal: Journal, left: Left) -> None:
        self._journal = journal
        self._cut = left.cut
        self._names = left.sources
        self._left: dict[str, Known] = {}
        self._bodies: dict[str, bytes] = {}
        self._spellings: dict[str, str | None] = {}
        for sent in left.sent:
            times, sources = sent.observed or repeat(0.0), sent.sources or repeat(0)
            for record_id, observed, source in zip(sent.ids, times, sources, strict=False):
                before = self._left.get(record_id)
                self._left[record_id] = Known(IN_DOUBT, observed, source or (before.source if before else 0))
            self._bodies.update((each, body) for each, body in zip(sent.ids, sent.items, strict=False) if body)
            for record_id, spelling in zip(sent.ids, sent.spellings, strict=False):
                self._spellings.setdefault(record_id, spelling)

    async def adapter_memory(self, lane: str) -> Mapping[str, JsonValue]:
        return await self._journal.adapter_memory(lane)

    async def known(self, lane: str, kind: str, ids: Sequence[str]) -> list[Known | None]:
        found = await self._journal.known(lane, kind, ids)
        return [self._foreseen(*each) for each in zip(ids, found, strict=True)]

    def _foreseen(self, record_id: str, last: Known | None) -> Known | None:
        left = self._left.get(record_id)
        if left is not None and last is not None:
            body = IN_DOUBT if last.body == IN_DOUBT else PERHAPS_OVERWRITTEN
            return replace(left, body=body, source=left.source or last.source)
        if left is not None:
            return left
        if last is None or not self._cut or last.body == IN_DOUBT:
            return last
        return replace(last, body=PERHAPS_OVERWRITTEN)

    async def known_count(self, lane: str, kind: str) -> int:
        return await self._journal.known_count(lane, kind) + len(await self._new(lane, kind))

    async def _new(self, lane: str, kind: str) -> list[str]:
        """The ids that only those who were cut off have sent."""
        known = await self._journal.known(lane, kind, list(self._left))
        return [each for each, last in zip(self._left, known, strict=True) if last is None]

    async def gone(self, lane: str, kind: str, run_id: str, *, after: str = "", limit: int = 500) -> list[str]:
        page = await self._journal.gone(lane, kind, run_id, after=after, limit=limit)
        last = page[-1] if len(page) == limit else None
        left = {each for each in self._left if each > after and (last is None or each <= last)}
        return sorted(left.union(page)) if left else page

    async def spellings(self, lane: str, kind: str, ids: Sequence[str]) -> list[str | None]:
        found = await self._journal.spellings(lane, kind, ids)
        if not self._spellings:
            return found
        new = set(await self._new(lane, kind))
        return [self._spellings.get(each) if each in new else old for each, old in zip(ids, found, strict=True)]

    async def spelling_state(self, lane: str, kind: str) -> SpellingState:
        state = await self._journal.spelling_state(lane, kind)
        return replace(state, differ=state.differ or any(self._spellings.values()))

    async def sources(self, lane: str, kind: str) -> list[SourceCount]:
        before = await self._journal.sources(lane, kind)
        counts = Counter({each.number: each.ids for each in before})
        ids = [each for each, left in self._left.items() if left.source]
        for record_id, last in zip(ids, await self._journal.known(lane, kind, ids), strict=True):
            counts[last.source if last is not None else 0] -= 1
            counts[self._left[record_id].source] += 1
        return [SourceCount(each, self._names[each], counts[each]) for each in sorted(self._names) if counts[each] > 0]

    async def bodies(self, lane: str, kind: str, ids: Sequence[str]) -> list[bytes | None]:
        found = await self._journal.bodies(lane, kind, ids)
        return [self._bodies.get(each, body) for each, body in zip(ids, found, strict=True)]

    async def tombstones(
        self, lane: str, kind: str, *, since: float, after: str = "", limit: int = 500
    ) -> list[Tombstone]:
        return await self._journal.tombstones(lane, kind, since=since, after=after, limit=limit)


async def foreseen(journal: Journal, lane: str, kind: str) -> Journal | Foreseen:
    """The journal itself where nothing was cut off."""
    left = await journal.left(lane, kind)
    return Foreseen(journal, left) if left.cut or left.sent else journal
