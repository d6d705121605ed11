"""The first spelling of an id: what is sent of a record that comes again, however its id is written now."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Sequence

from proofport.delivery.ids.ids import temporary_database
from proofport.delivery.ids.same import keys_of
from proofport.evidence import Neutral
from proofport.journal.contract import Delivered, LaneRun

NAMED = 20
"""At most this many ids that meet in one key are named in a report."""

PAGE = 2_000
TABLE = "CREATE TABLE astray (key TEXT, id TEXT, fold INTEGER, PRIMARY KEY (key, id)) WITHOUT ROWID"


class Spellings:
    """Asks the journal how the ids of one lane and kind were written first. Flat in memory.

    Ids that an older version noted, or a mapping that did not fold, may not stand under their keys. They are looked up
    in a table, and moved under their keys if the lane is held (`lane_run`), where no other id stands there.
    """

    def __init__(self, journal: Delivered, lane: str, kind: str, lane_run: LaneRun | None) -> None:
        #: Ids of the last delivered state that meet in one key, as far as the run has brought it: at most NAMED.
        self.meeting: list[Sequence[str]] = []
        #: The number of those keys.
        self.met = 0
        self._journal = journal
        self._lane, self._kind = lane, kind
        self._lane_run = lane_run
        self._asked = False
        #: True if some id is written other than its key.
        self._differ = False
        #: Ids of the last delivered state that do not stand under their keys. `None`: none was found.
        self._astray: sqlite3.Connection | None = None
        self._folds = False

    def close(self) -> None:
        if self._astray is not None:
            self._astray.close()

    async def sent_as(
        self, block: Sequence[Neutral], keys: Sequence[str] | None, *, fold: bool
    ) -> tuple[Sequence[Neutral], Sequence[str] | None]:
        """The records with their ids as they were written first, and the ids that the journal has them under.

        `keys`: those of the ids. None: the ids themselves.
        """
        await self._ask(fold=fold)
        if keys is None and not self._differ and self._astray is None:
            return block, keys
        self._differ = self._differ or keys is not None
        ids = [neutral["id"] for neutral in block]
        keys = ids if keys is None else keys
        known = await self._journal.known(self._lane, self._kind, keys)
        noted = [key if last is not None else None for key, last in zip(keys, known, strict=True)]
        if self._astray is not None:
            noted = [self._chosen(*each, fold=fold) for each in zip(ids, keys, noted, strict=True)]
            keys = [key if row is None else row for key, row in zip(keys, noted, strict=True)]
        spelled = await self._journal.spellings(self._lane, self._kind, keys)
        pairs = zip(ids, noted, spelled, strict=True)
        first = [record_id if row is None else spelling or row for record_id, row, spelling in pairs]
        if first == ids:
            return block, keys
        return [
            neutral if neutral["id"] == text else {**neutral, "id": text}
            for neutral, text in zip(block, first, strict=True)
        ], keys

    def notes(self) -> list[str]:
        """Sentences for the report."""
        if not self.met:
            return []
        named = "; ".join(" and ".join(map(repr, ids)) for ids in self.meeting)
        more = f"; and {self.met - len(self.meeting):,} more" if self.met > len(self.meeting) else ""
        return [
            f"Ids that were delivered as two are one now: {named}{more}. Neither is ended. Remove the one that is too "
            "much with --mode remove."
        ]

    # ------------------------------------------------------------------ ids that do not stand under their keys
    def _chosen(self, record_id: str, key: str, noted: str | None, *, fold: bool) -> str | None:
        """The id that the journal has a record under: the very id, its key, or the first that has its key."""
        assert self._astray is not None
        rows = self._astray.execute("SELECT id FROM astray WHERE key = ? AND fold <= ? ORDER BY id", (key, fold))
        found = [*([] if noted is None else [noted]), *(text for (text,) in rows)]
        if len(found) > 1:
            self.met += 1
            if len(self.meeting) < NAMED:
                self.meeting.append(found)
        return record_id if record_id in found else next(iter(found), None)

    async def _ask(self, *, fold: bool) -> None:
        """Find out, once, what there is to look up."""
        if not self._asked:
            self._asked = True
            state = await self._journal.spelling_state(self._lane, self._kind)
            if not state.keyed:
                await self._find_astray(fold=False)
                await self._rekey()
                state = await self._journal.spelling_state(self._lane, self._kind)
            self._differ = state.differ
        if fold and not self._folds:
            self._folds = True
            await self._find_astray(fold=True)

    async def _find_astray(self, *, fold: bool) -> None:
        async for ids in delivered(self._journal, self._lane, self._kind):
            rows = [(key, text, fold) for key, text in zip(keys_of(ids, fold=fold), ids, strict=True) if key != text]
            if rows and self._astray is None:
                self._astray = temporary_database(TABLE)
            if rows and self._astray is not None:
                self._astray.executemany("INSERT OR IGNORE INTO astray VALUES (?, ?, ?)", rows)

    async def _rekey(self) -> None:
        """Move ids under their keys. What stays astray has a key under which another id stands."""
        if self._lane_run is None:
            return
        if self._astray is not None:
            rows = self._astray.execute("SELECT id, key FROM astray")
            while page := rows.fetchmany(PAGE):
                await self._lane_run.rekey(self._kind, page)
            self._astray.close()
            self._astray = None
            await self._find_astray(fold=False)
        if self._astray is None:
            await self._lane_run.rekey(self._kind, (), done=True)


async def delivered(journal: Delivered, lane: str, kind: str, run_id: str = "") -> AsyncIterator[list[str]]:
    """The keys that were delivered before, in their order; without those in a batch of the run `run_id`."""
    after = ""
    while page := await journal.gone(lane, kind, run_id, after=after):
        after = page[-1]
        yield page
