"""Every id of a run, on disk: finds duplicates, and what of an earlier set is gone. Flat in memory."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence

import orjson
from rbloom import Bloom

from proofport.delivery.ids.same import key_of, keys_of
from proofport.errors import Problem

FILTERED, FALSE_HITS = 3_000_000, 2e-3
"""With so many ids, the filter (5 MB) takes two new ones of 1,000 for known; with 2,000,000 one of 5,000, with half of
those next to none. A stricter one of its size would probe more bits for each id, and each probe misses the cache."""
SCANS_BEFORE_INDEX = 64
FEW = 10_000
PLACES = 9
"""So many places of records without a readable id are kept, to be named."""


class IdSet:
    """Ids, of which few are expected: the first in memory, the others in a temporary database. Flat in memory."""

    def __init__(self) -> None:
        self._few: set[str] = set()
        self._many: sqlite3.Connection | None = None

    def close(self) -> None:
        if self._many is not None:
            self._many.close()

    def add(self, text: str) -> None:
        if len(self._few) < FEW:
            self._few.add(text)
            return
        if self._many is None:
            self._many = temporary_database("CREATE TABLE ids (id TEXT PRIMARY KEY) WITHOUT ROWID")
        self._many.execute("INSERT OR IGNORE INTO ids VALUES (?)", (text,))

    def __contains__(self, text: str) -> bool:
        if text in self._few or self._many is None:
            return text in self._few
        return self._many.execute("SELECT 1 FROM ids WHERE id = ?", (text,)).fetchone() is not None


class SkippedIds:
    """The ids of records that were left out, by the reason."""

    def __init__(self) -> None:
        self._by_reason: dict[str, IdSet] = {}

    def close(self) -> None:
        for ids in self._by_reason.values():
            ids.close()

    def __bool__(self) -> bool:
        return bool(self._by_reason)

    def add(self, key: str, reason: str) -> None:
        self._by_reason.setdefault(reason, IdSet()).add(key)

    def reason(self, keys: Iterable[str]) -> str | None:
        """The first reason why a record with one of these keys was left out. None: it was not."""
        wanted = list(keys)
        return next((why for why, ids in self._by_reason.items() if any(key in ids for key in wanted)), None)


class IdStore:
    """The keys of ids in a temporary file, behind a Bloom filter that spares a new id its lookup.

    Looking each of a million ids up in an index costs about 7 µs an id, writing them to a file 0.03. So lookups are
    for ids that the filter takes for known: the first few scan the file, then an index is built and kept. The filter
    is allocated at once: memory does not grow with the run.

    `folds`: some ids of the run compare without case. Of an id that comes from elsewhere, nothing says whether it does.
    """

    def __init__(self, *, folds: bool = False) -> None:
        self._folds = folds
        self._seen = Bloom(FILTERED, FALSE_HITS)
        self._log = tempfile.TemporaryFile("w+b", buffering=1 << 16)  # noqa: SIM115  (closed by close)
        self._lookups = 0
        self._index: sqlite3.Connection | None = None
        self._refused = IdSet()
        #: Those of records that a source mapping leaves out. They are none of the set.
        self.skipped = SkippedIds()
        #: Refused records whose id could not be read: how many, and where the first of them are.
        self.unreadable = 0
        self.unreadable_at: list[str] = []

    def close(self) -> None:
        self._log.close()
        self._refused.close()
        self.skipped.close()
        if self._index is not None:
            self._index.close()

    def add(self, keys: Sequence[str], positions: Sequence[int]) -> dict[int, int]:
        """Remember a block. Returns, for each index whose key was seen before, the position of the first one."""
        known: dict[int, int] = {}
        start = 0
        for index in self._suspects(keys):
            self._append(keys[start:index], positions[start:index])
            first = self._position(keys[index])
            start = index
            if first is not None:
                known[index] = first
                start += 1
        self._append(keys[start:], positions[start:])
        return known

    def keys(self, text: str) -> set[str]:
        """The keys that an id from elsewhere may have in this run."""
        return {key_of(text, fold=fold) for fold in ((False, True) if self._folds else (False,))}

    def refuse(self, text: str | None, place: str) -> None:
        """Remember a record that was refused before it came to a destination. No id, or an empty one: none was read."""
        if text and text.strip():
            for key in self.keys(text):
                self._refused.add(key)
            return
        self.unreadable += 1
        if len(self.unreadable_at) < PLACES:
            self.unreadable_at.append(place)

    def leave_out(self, text: str | None, reason: str) -> None:
        """Remember a record that a source mapping leaves out. Without an id, nothing can be said of it later."""
        for key in self.keys(text) if text and text.strip() else ():
            self.skipped.add(key, reason)

    def has_refused(self, key: str) -> bool:
        return key in self._refused

    def only_refused(self, text: str) -> bool:
        """True if a record with this id was refused, and none was read that is good."""
        keys = self.keys(text)
        return any(key in self._refused for key in keys) and all(self._position(key) is None for key in keys)

    def missing(self, ids: Iterable[str]) -> list[str]:
        """Those of `ids` that this run has not read, however they are written. A refused record has been read."""
        left = list(ids)
        for fold in (False, True) if self._folds else (False,):
            pairs = zip(left, keys_of(left, fold=fold), strict=True)
            left = [text for text, key in pairs if key not in self._refused and self._position(key) is None]
        return left

    def in_another_case(self, ids: Iterable[str]) -> list[str]:
        """Those of `ids` that this run has read, if case does not count. It looks through all that was read."""
        wanted: dict[str, list[str]] = {}
        for text in ids:
            wanted.setdefault(key_of(text, fold=True), []).append(text)
        found = {folded for key in self._all() if (folded := key.casefold()) in wanted}
        return sorted(text for folded in found for text in wanted[folded])

    def _all(self) -> Iterator[str]:
        if self._index is not None:
            yield from (key for (key,) in self._index.execute("SELECT id FROM seen"))
            return
        self._log.seek(0)
        for line in self._log:
            yield from orjson.loads(line)[0]
        self._log.seek(0, os.SEEK_END)

    def _suspects(self, keys: Sequence[str]) -> list[int]:
        """Put the keys into the filter; the indexes of those that it may have held before, or that come twice here."""
        seen = self._seen
        suspects: list[int] = []
        if any(map(seen.__contains__, keys)):  # of most blocks there is none, and this is quicker
            suspects = [index for index, key in enumerate(keys) if key in seen]
        seen.update(keys)
        return suspects if len(set(keys)) == len(keys) else sorted({*suspects, *_repeats(keys)})

    def _append(self, ids: Sequence[str], positions: Sequence[int]) -> None:
        if not ids:
            return
        if self._index is not None:
            self._index.executemany("INSERT INTO seen VALUES (?, ?)", zip(ids, positions, strict=True))
        else:
            self._log.write(orjson.dumps((ids, positions), option=orjson.OPT_APPEND_NEWLINE))

    def _position(self, text: str) -> int | None:
        self._lookups += 1
        if self._lookups <= SCANS_BEFORE_INDEX:
            return self._scan(text)
        if self._index is None:
            self._index = self._build_index()
        row = self._index.execute("SELECT position FROM seen WHERE id = ? LIMIT 1", (text,)).fetchone()
        return None if row is None else int(row[0])

    def _scan(self, text: str) -> int | None:
        needle = orjson.dumps(text)
        self._log.seek(0)
        found = None
        for line in self._log:
            if found is None and needle in line:
                ids, positions = orjson.loads(line)
                found = int(positions[ids.index(text)]) if text in ids else None
        return found

    def _build_index(self) -> sqlite3.Connection:
        database = temporary_database("CREATE TABLE seen (id TEXT, position INTEGER)")
        self._log.seek(0)
        for line in self._log:
            database.executemany("INSERT INTO seen VALUES (?, ?)", zip(*orjson.loads(line), strict=True))
        database.execute("CREATE INDEX by_id ON seen (id)")
        return database


def temporary_database(table: str) -> sqlite3.Connection:
    """On disk, with a cache of 2 MB; it goes away when it is closed."""
    database = sqlite3.connect("", isolation_level=None)
    database.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -2000; {table}")
    return database


def _repeats(ids: Sequence[str]) -> list[int]:
    first = {text: index for index, text in reversed(list(enumerate(ids)))}
    return [index for index, text in enumerate(ids) if first[text] != index]


def duplicate(first: str, second: str, *, alike: bool = False) -> Problem:
    """The problem of the second of two records with one id; both are named by their positions.

    `alike`: the two may be written differently.
    """
    hint = f"The record at {first} was kept and this one, at {second}, was not sent."
    return Problem(
        field="id",
        found=f"an id that {first} already has",
        expected="an id that occurs once in the run",
        hint=f"{hint} Blanks around an id, and case where it does not count, make no other id." if alike else hint,
    )
