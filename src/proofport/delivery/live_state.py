"""What a vendor holds when a run begins, on disk for as long as the run lasts, and how each record differs from it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence

import orjson

from proofport.accounting import UNCHANGED, Outcome
from proofport.adapter import Batch, Observed
from proofport.journal.contract import Known
from proofport.planning.difference import Difference, changes


class LiveState:
    """Flat in memory: the vendor's records wait in a temporary database. `partial`: bodies name only some fields.

    `is_the_set`: the run's set was compared to its end, and it is what the vendor holds.
    """

    def __init__(self, *, partial: bool) -> None:
        self.difference = Difference()
        self.is_the_set = False
        self._partial = partial
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
            "CREATE TABLE live (id TEXT PRIMARY KEY, fields TEXT, whole INTEGER, ended INTEGER, met INTEGER DEFAULT 0)"
            " WITHOUT ROWID; BEGIN"
        )

    def close(self) -> None:
        self._database.close()

    def add(self, records: Iterable[Observed]) -> None:
        """Take in a page of what the vendor holds."""
        rows = ((each.id, json.dumps(each.fields), each.whole, each.ended) for each in records)
        self._database.executemany("INSERT OR REPLACE INTO live (id, fields, whole, ended) VALUES (?, ?, ?, ?)", rows)

    def compare(
        self, batch: Batch, bodies: Sequence[int] = (), known: Sequence[Known | None] = ()
    ) -> dict[int, Outcome]:
        """The records of a batch that are live with this very body, by their index; every one is noted as met.

        `bodies` are digests of the batch, `known` what was sent last: the word on fields that the vendor hides.
        """
        return {i: UNCHANGED for i in range(len(batch)) if self._is_live(batch, i, bodies, known)}

    def count(self) -> int:
        """How many records count as held."""
        (found,) = self._database.execute("SELECT count(*) FROM live WHERE NOT ended").fetchone()
        return int(found)

    def all_met(self) -> bool:
        """Whether nothing is held that the run did not bring."""
        return self._database.execute("SELECT 1 FROM live WHERE NOT met AND NOT ended LIMIT 1").fetchone() is None

    def _is_live(self, batch: Batch, index: int, bodies: Sequence[int], known: Sequence[Known | None]) -> bool:
        record_id = batch.ids[index]
        row = self._database.execute("SELECT fields, whole, ended FROM live WHERE id = ?", (record_id,)).fetchone()
        if row is None:
            self.difference.note(record_id, None)
            return False
        self._database.execute("UPDATE live SET met = 1 WHERE id = ?", (record_id,))
        fields, whole, ended = row
        last = known[index] if known else None
        names = changes(
            Observed(record_id, json.loads(fields), whole=bool(whole), ended=bool(ended)),
            orjson.loads(batch.items[index]),
            partial=self._partial,
            sent=last is not None and last.body == bodies[index],
        )
        self.difference.note(record_id, names)
        return not names
