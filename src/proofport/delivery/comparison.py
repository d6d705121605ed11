"""How the records of a run differ from what a vendor holds. Flat in memory, however many records there are."""

from __future__ import annotations

import json
import pickle
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from proofport.accounting import UNCHANGED, Outcome
from proofport.adapter import Batch, Observed
from proofport.journal.contract import Known

LISTED = 1_000
"""At most so many ids of each group are kept; the counts are always whole."""


@dataclass(slots=True)
class Group:
    """Some records: their number, and the first of them."""

    count: int = 0
    ids: list[str] = field(default_factory=list)

    def add(self, record_id: str) -> None:
        self.count += 1
        if len(self.ids) < LISTED:
            self.ids.append(record_id)

    def as_dict(self) -> dict[str, Any]:
        return {"count": self.count, "ids": self.ids}


@dataclass(slots=True)
class Difference:
    """The records of a run, sorted by what sending them changes."""

    added: Group = field(default_factory=Group)
    changed: Group = field(default_factory=Group)
    #: The fields that differ, by id, where they can be compared.
    fields: dict[str, list[str]] = field(default_factory=dict)
    unchanged: int = 0

    def note(self, record_id: str, names: Sequence[str] | None) -> None:
        """Sort in one record: None for one that is new, else the fields that differ."""
        if names is None:
            self.added.add(record_id)
        elif not names:
            self.unchanged += 1
        else:
            self.changed.add(record_id)
            if len(self.fields) < LISTED:
                self.fields[record_id] = list(names)

    def as_dict(self) -> dict[str, Any]:
        return {
            "added": self.added.as_dict(),
            "changed": {**self.changed.as_dict(), "fields": self.fields},
            "unchanged": {"count": self.unchanged},
        }


class LiveSet:
    """The records that a vendor holds when a run begins, in a temporary database."""

    def __init__(self, *, partial: bool) -> None:
        self.difference = Difference()
        #: Fields of the bodies that the vendor never shows.
        self.hidden: set[str] = set()
        self._partial = partial
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
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

    def unmeet(self, record_id: str) -> None:
        """Note that the run did not bring a record after all: it was read, and then rejected."""
        self._database.execute("UPDATE live SET met = 0 WHERE id = ?", (record_id,))

    def count(self) -> int:
        """The number of records that count as held."""
        (found,) = self._database.execute("SELECT count(*) FROM live WHERE NOT ended").fetchone()
        return int(found)

    def held(self) -> Iterator[tuple[str, bool]]:
        """The records that count as held, each with whether it came from outside, in id order."""
        rows = self._database.execute("SELECT id, outside FROM live WHERE NOT ended ORDER BY id")
        return ((record_id, bool(outside)) for record_id, outside in rows)

    def not_met(self) -> Iterator[tuple[str, bool]]:
        """The held records that the run did not bring, each with whether it came from outside, in id order."""
        rows = self._database.execute("SELECT id, outside FROM live WHERE NOT met AND NOT ended ORDER BY id")
        return ((record_id, bool(outside)) for record_id, outside in rows)

    def _is_live(self, batch: Batch, index: int, digests: Sequence[int], known: Sequence[Known | None]) -> bool:
        record_id = batch.ids[index]
        row = self._database.execute("SELECT fields, whole, ended FROM live WHERE id = ?", (record_id,)).fetchone()
        if row is None:
            self.difference.note(record_id, None)
            return False
        self._database.execute("UPDATE live SET met = 1 WHERE id = ?", (record_id,))
        fields, whole, ended = row
        last = known[index] if known else None
        held = Observed(record_id, json.loads(fields), whole=bool(whole), ended=bool(ended))
        body = orjson.loads(batch.bodies[index])
        names = changes(held, body, partial=self._partial, sent=last is not None and last.body == digests[index])
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


def changes(record: Observed, body: Mapping[str, Any], *, partial: bool, sent: bool) -> list[str]:
    """The fields of a held record that sending `body` would change, or may change.

    Where the vendor does not show every field, those that it hides count as the same only if this very body was the
    last one `sent`.
    """
    names = _differing(body, record.fields, whole=record.whole, partial=partial)
    if names or record.whole or sent:
        return names
    return [name for name in body if name not in record.fields]


def _differing(body: Mapping[str, Any], held: Mapping[str, Any], *, whole: bool, partial: bool) -> list[str]:
    """The fields that are seen to differ.

    With `whole`, a field that is not seen is not there. A field that a body leaves out goes away then, unless the body
    is `partial`.
    """
    names = [name for name, value in body.items() if (name in held or whole) and not _same(value, held.get(name, ...))]
    return names + ([name for name in held if name not in body] if whole and not partial else [])


def _same(one: object, other: object) -> bool:
    """Equal as JSON: true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return one == other
