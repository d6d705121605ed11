"""The records that a vendor holds when a run begins. Flat in memory, however many there are."""

from __future__ import annotations

import json
import pickle
import tempfile
from collections.abc import Iterable, Iterator, Sequence

import orjson

from proofport.accounting import UNCHANGED, Outcome
from proofport.adapter import Batch, Lists, Observed, Resource
from proofport.delivery.ids import temporary_database
from proofport.delivery.report import Difference
from proofport.delivery.same import changes, was_sent
from proofport.journal.contract import Known

PAGE = 500


def lists_now(resource: Resource) -> bool:
    """True if the vendor lists what it holds, without a lag: what the list lacks is not there."""
    return isinstance(resource, Lists) and not resource.lags


class LiveSet:
    """The records that a vendor holds when a run begins, in a temporary database."""

    def __init__(self, *, partial: bool) -> None:
        self.difference = Difference()
        #: Fields of the bodies that the vendor never shows.
        self.hidden: set[str] = set()
        self._partial = partial
        self._database = temporary_database(
            "CREATE TABLE live (id TEXT PRIMARY KEY, fields TEXT, whole INTEGER, outside INTEGER, ended INTEGER,"
            " met INTEGER DEFAULT 0) WITHOUT ROWID; BEGIN"
        )

    def close(self) -> None:
        self._database.close()

    def add(self, records: Iterable[Observed]) -> None:
        """Take in a page of what the vendor holds."""
        rows = ((each.id, json.dumps(each.fields), each.whole, each.outside, each.ended) for each in records)
        self._database.executemany(
            "INSERT OR REPLACE INTO live (id, fields, whole, outside, ended) VALUES (?, ?, ?, ?, ?)", rows
        )

    def compare(
        self, batch: Batch, digests: Sequence[int] = (), known: Sequence[Known | None] = ()
    ) -> dict[int, Outcome]:
        """The records of a batch that are live with this very body, by their index; every one is noted as met.

        `digests` are those of the batch's bodies. `known` is what was sent last: the word on fields that the vendor
        hides.
        """
        return {i: UNCHANGED for i in range(len(batch)) if self._is_live(batch, i, digests, known)}

    def meet(self, record_id: str) -> bool:
        """Note a record as met, whatever its body is. False: the vendor does not hold it, or holds it as ended."""
        done = self._database.execute("UPDATE live SET met = 1 WHERE id = ? AND NOT ended", (record_id,))
        return done.rowcount > 0

    def held(self) -> Iterator[dict[str, bool]]:
        """The records that count as held, page by page in id order: ids, each with whether it came from outside."""
        rows = self._database.execute("SELECT id, outside FROM live WHERE NOT ended ORDER BY id")
        while page := rows.fetchmany(PAGE):
            yield {record_id: bool(outside) for record_id, outside in page}

    def not_met(self) -> Iterator[str]:
        """The held records that no batch has brought, in id order."""
        rows = self._database.execute("SELECT id FROM live WHERE NOT met AND NOT ended ORDER BY id")
        return (record_id for (record_id,) in rows)

    def _is_live(self, batch: Batch, index: int, digests: Sequence[int], known: Sequence[Known | None]) -> bool:
        record_id = batch.ids[index]
        row = self._database.execute("SELECT fields, whole, ended FROM live WHERE id = ?", (record_id,)).fetchone()
        if row is None:
            self.difference.note(record_id, None)
            return False
        self._database.execute("UPDATE live SET met = 1 WHERE id = ?", (record_id,))
        fields, whole, ended = row
        held = Observed(record_id, json.loads(fields), whole=bool(whole), ended=bool(ended))
        body = orjson.loads(batch.bodies[index])
        names = changes(held, body, partial=self._partial, sent=bool(known) and was_sent(known[index], digests[index]))
        self.difference.note(record_id, names)
        if not whole:
            self.hidden.update(name for name in body if name not in held.fields)
        return not names


class WaitingSet:
    """Keeps the batches of a set that replaces what is live on disk, until one of them differs from it.

    Then all of them go. When none differs, and nothing else is live, they go too, not to be sent but to be booked:
    `is_live` is true then.
    """

    def __init__(self, live: LiveSet) -> None:
        self.is_live = False
        self._live = live
        self._same_so_far = True
        self._kept = tempfile.TemporaryFile()  # noqa: SIM115  (closed by close)

    def close(self) -> None:
        self._kept.close()

    def offer(self, batch: Batch) -> Iterator[Batch]:
        """Take in a batch, and give out what may go by now."""
        same = len(self._live.compare(batch)) == len(batch)
        if same and self._same_so_far:
            pickle.dump(batch, self._kept)
            return
        self._same_so_far = False
        yield from self._released()
        yield batch

    def finish(self) -> Iterator[Batch]:
        """No more batches come. Gives out what is left."""
        self.is_live = self._same_so_far and self._kept.tell() > 0 and next(self._live.not_met(), None) is None
        yield from self._released()

    def _released(self) -> Iterator[Batch]:
        end = self._kept.tell()
        self._kept.seek(0)
        while self._kept.tell() < end:
            yield pickle.load(self._kept)  # noqa: S301  (written by `offer`)
        self._kept.seek(0)
        self._kept.truncate()
