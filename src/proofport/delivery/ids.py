"""Every id of a run, on disk: finds duplicates, and what of an earlier set is gone. Flat in memory."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterable, Sequence

import orjson
from rbloom import Bloom

from proofport.errors import Problem

FILTERED, FALSE_HITS = 3_000_000, 2e-3
"""With so many ids, the filter (5 MB) takes two new ones of 1,000 for known; with 2,000,000 one of 5,000, with half of
those next to none. A stricter one of its size would probe more bits for each id, and each probe misses the cache."""
SCANS_BEFORE_INDEX = 64
FEW = 10_000


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


class IdStore:
    """Ids in a temporary file, behind a Bloom filter that spares a new id its lookup.

    Looking each of a million ids up in an index costs about 7 µs an id, writing them to a file 0.03. So lookups are
    for ids that the filter takes for known: the first few scan the file, then an index is built and kept. The filter
    is allocated at once: memory does not grow with the run.
    """

    def __init__(self) -> None:
        self._seen = Bloom(FILTERED, FALSE_HITS)
        self._log = tempfile.TemporaryFile("w+b", buffering=1 << 16)  # noqa: SIM115  (closed by close)
        self._lookups = 0
        self._index: sqlite3.Connection | None = None

    def close(self) -> None:
        self._log.close()
        if self._index is not None:
            self._index.close()

    def add(self, ids: Sequence[str], positions: Sequence[int]) -> dict[int, int]:
        """Remember a block. Returns, for each index whose id was seen before, the position of the first one."""
        known: dict[int, int] = {}
        start = 0
        for index in self._suspects(ids):
            self._append(ids[start:index], positions[start:index])
            first = self._position(ids[index])
            start = index
            if first is not None:
                known[index] = first
                start += 1
        self._append(ids[start:], positions[start:])
        return known

    def missing(self, ids: Iterable[str]) -> list[str]:
        """Those of `ids` that this run has not read."""
        return [text for text in ids if self._position(text) is None]

    def _suspects(self, ids: Sequence[str]) -> list[int]:
        """Put the ids into the filter; the indexes of those that it may have held before, or that come twice here."""
        seen = self._seen
        suspects = [index for index, text in enumerate(ids) if text in seen]
        seen.update(ids)
        return suspects if len(set(ids)) == len(ids) else sorted({*suspects, *_repeats(ids)})

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


def duplicate(first: str, second: str) -> Problem:
    """The problem of the second of two records with one id; both are named by their positions."""
    return Problem(
        field="id",
        found=f"an id that {first} already has",
        expected="an id that occurs once in the run",
        hint=f"The record at {first} was kept and this one, at {second}, was not sent.",
    )
