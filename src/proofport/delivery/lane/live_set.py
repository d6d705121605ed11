"""The records that a vendor holds when a run begins: those that it lists, and those that were delivered from here.

Flat in memory, however many there are.
"""

from __future__ import annotations

import json
import pickle
import tempfile
from collections.abc import Iterable, Iterator, Sequence

import orjson

from proofport.accounting import UNCHANGED, Outcome
from proofport.adapter import Batch, Lists, Observed, Replaces, Resource, Tombstone
from proofport.delivery.ids.ids import temporary_database
from proofport.delivery.ids.same import changes, keys_in, keys_of, was_sent
from proofport.delivery.report.report import Difference
from proofport.journal.contract import Known

PAGE = 500
FIND = """SELECT id, fields, whole, ended FROM live
WHERE listed AND id IN (SELECT :key UNION ALL SELECT id FROM keys WHERE key = :key)"""
MEET = "UPDATE live SET met = 1 WHERE id IN (SELECT :key UNION ALL SELECT id FROM keys WHERE key = :key)"
"""Of an id that is its own key, nothing is noted beside the record."""
HOLD = """UPDATE live SET ended = 0 WHERE id IN (SELECT :key UNION ALL SELECT id FROM keys WHERE key = :key)
AND NOT EXISTS (SELECT 1 FROM live WHERE id IN (SELECT :key UNION ALL SELECT id FROM keys WHERE key = :key)
AND NOT ended)"""
INTO_LIVE = "INTO live (id, fields, whole, outside, ended, gone_at, listed) VALUES (?, ?, ?, ?, ?, ?, ?)"
LISTED = """SELECT id FROM live WHERE listed AND id IN ({0})
UNION ALL SELECT key FROM keys JOIN live USING (id) WHERE listed AND key IN ({0})"""


def lists_now(resource: Resource) -> bool:
    """True if the vendor lists what it holds, without a lag: what the list lacks is not there."""
    return isinstance(resource, Lists) and not resource.lags


def keeps_gone(resource: Resource) -> bool:
    """True if the vendor is told for some time what has gone, so that its list shows that as ended."""
    return isinstance(resource, Replaces) and resource.keeps_gone > 0


def kept_as(resource: Resource) -> str:
    """Say what the vendor is told of what has gone, and how long. Empty: nothing."""
    if not isinstance(resource, Replaces) or not resource.keeps_gone:
        return ""
    days = "1 day" if resource.keeps_gone == 1 else f"{resource.keeps_gone:,} days"
    return f"{resource.limits('snapshot').gone_as} for {days}, with the last state that is known, and left out then"


class LiveSet:
    """The records that a vendor holds when a run begins, in a temporary database. They are found by the key of an id.

    `folds`: some records of the run have ids that compare without case. Which of the listed ones do, nothing says.
    `ids_only`: nothing is compared, so the fields of the records are not kept.
    """

    def __init__(self, *, partial: bool, folds: bool = False, ids_only: bool = False) -> None:
        self.difference = Difference()
        #: Fields of the bodies that the vendor never shows.
        self.hidden: set[str] = set()
        self._partial = partial
        self._folding = (False, True) if folds else (False,)
        self._ids_only = ids_only
        self._database = temporary_database(
            "CREATE TABLE live (id TEXT PRIMARY KEY, fields TEXT, whole INTEGER, outside INTEGER, ended INTEGER,"
            " gone_at REAL, listed INTEGER, met INTEGER DEFAULT 0) WITHOUT ROWID;"
            "CREATE TABLE keys (key TEXT, id TEXT, PRIMARY KEY (key, id)) WITHOUT ROWID; BEGIN"
        )

    def close(self) -> None:
        self._database.close()

    @property
    def size(self) -> int:
        """The number of records that count as held."""
        return int(self._database.execute("SELECT count(*) FROM live WHERE NOT ended").fetchone()[0])

    def add(self, records: Iterable[Observed]) -> None:
        """Take in a page of the vendor's list."""
        page = list(records)
        rows = ((each.id, *self._shown(each), each.outside, each.ended, each.gone_at, True) for each in page)
        self._database.executemany(f"INSERT OR REPLACE {INTO_LIVE}", rows)
        self._add_keys([each.id for each in page])

    def add_unlisted(self, ids: Sequence[str]) -> None:
        """Take in records that the list does not show, under the ids that the journal has them under."""
        self._database.executemany(
            f"INSERT OR IGNORE {INTO_LIVE}", ((each, "{}", False, False, False, None, False) for each in ids)
        )
        self._add_keys(ids)

    def hold(self, keys: Sequence[str]) -> None:
        """Count records as held that the list shows as ended: they were delivered so, and no set has left them out.

        What is live in another spelling is listed already: then the ended row is of one who had left before.
        """
        self._database.executemany(HOLD, ({"key": key} for key in keys))

    def lacking(self, ids: Sequence[str]) -> list[str]:
        """Those of `ids` that the list does not show, however they are written there."""
        left = list(ids)
        for fold in self._folding:
            keys = keys_of(left, fold=fold)
            listed = self._listed([*left, *keys])
            left = [each for each, key in zip(left, keys, strict=True) if each not in listed and key not in listed]
        return left

    def unlisted(self, ids: Sequence[str]) -> list[str]:
        """Those of `ids`, as `held` gives them, that the list does not show."""
        find = "SELECT 1 FROM live WHERE id = ? AND NOT listed"
        return [each for each in ids if self._database.execute(find, (each,)).fetchone() is not None]

    def drop_unlisted(self) -> Iterator[list[str]]:
        """Take out the records that the list does not show, and give their ids, page by page."""
        find, after = "SELECT id FROM live WHERE NOT listed AND id > ? ORDER BY id LIMIT ?", ""
        while page := [each for (each,) in self._database.execute(find, (after, PAGE))]:
            after = page[-1]
            self._database.executemany("DELETE FROM live WHERE id = ?", ((each,) for each in page))
            yield page

    def compare(
        self, batch: Batch, digests: Sequence[int] = (), known: Sequence[Known | None] = ()
    ) -> dict[int, Outcome]:
        """The records of a batch that are live with this very body, by their index; every one is noted as met.

        `digests` are those of the batch's bodies. `known` is what was sent last: the word on fields that the vendor
        hides.
        """
        return {i: UNCHANGED for i in range(len(batch)) if self._is_live(batch, i, digests, known)}

    def meet(self, key: str) -> bool:
        """Note a record as met, whatever its body is. False: the vendor does not hold it, or holds it as ended."""
        return self._database.execute(f"{MEET} AND NOT ended", {"key": key}).rowcount > 0

    def held(self) -> Iterator[dict[str, bool]]:
        """The records that count as held, page by page in id order: ids, each with whether it came from outside.

        Of a record that the list does not show, the id is the one that the journal has it under.
        """
        rows = self._database.execute("SELECT id, outside FROM live WHERE NOT ended ORDER BY id")
        while page := rows.fetchmany(PAGE):
            yield {record_id: bool(outside) for record_id, outside in page}

    def kept_as_gone(self) -> Iterator[Tombstone]:
        """The records that the vendor's set has as gone, in id order, as it lists them."""
        find = "SELECT id, fields, gone_at FROM live WHERE ended AND gone_at IS NOT NULL ORDER BY id"
        return (Tombstone(each, str(fields).encode(), at) for each, fields, at in self._database.execute(find))

    def held_bodies(self) -> Iterator[bytes]:
        """The bodies of the held records, as the list shows them."""
        rows = self._database.execute("SELECT fields FROM live WHERE listed AND NOT ended")
        return (str(fields).encode() for (fields,) in rows)

    def whole_body(self, record_id: str) -> bytes | None:
        """The body of a held record, where the vendor shows all of it."""
        row = self._database.execute("SELECT fields FROM live WHERE id = ? AND whole", (record_id,)).fetchone()
        return None if row is None else str(row[0]).encode()

    def not_met(self) -> Iterator[str]:
        """The held records that no batch has brought, in id order, with those that the list does not show."""
        rows = self._database.execute("SELECT id FROM live WHERE NOT met AND NOT ended ORDER BY id")
        return (record_id for (record_id,) in rows)

    def _shown(self, record: Observed) -> tuple[str, bool]:
        return ("{}", False) if self._ids_only else (json.dumps(record.fields), record.whole)

    def _add_keys(self, ids: Sequence[str]) -> None:
        for fold in self._folding:
            rows = [(key, each) for key, each in zip(keys_of(ids, fold=fold), ids, strict=True) if key != each]
            self._database.executemany("INSERT OR IGNORE INTO keys VALUES (?, ?)", rows)

    def _listed(self, keys: Sequence[str]) -> set[str]:
        marks = ", ".join("?" * len(keys))
        return {key for (key,) in self._database.execute(LISTED.format(marks), (*keys, *keys))}

    def _is_live(self, batch: Batch, index: int, digests: Sequence[int], known: Sequence[Known | None]) -> bool:
        record_id, key = batch.ids[index], {"key": keys_in(batch)[index]}
        self._database.execute(MEET, key)
        rows = self._database.execute(FIND, key).fetchall()
        if not rows:
            self.difference.note(record_id, None)
            return False
        _, *row = min(rows, key=lambda row: (row[0] != record_id, row[3], row[0]))
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
