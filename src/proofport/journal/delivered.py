"""The ids that were last delivered, per lane and kind: the previous set where a vendor's own cannot be relied on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from proofport.errors import ConfigError

SCHEMA = """
CREATE TABLE IF NOT EXISTS delivered (
    lane TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, run TEXT NOT NULL, gone INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (lane, kind, id)
) WITHOUT ROWID
"""


class DeliveredSets:
    """A set is written as its run goes on (`add`), compared at its end (`gone`), and then becomes the last one."""

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, isolation_level=None, timeout=30)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute(SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise ConfigError(
                f"the journal {path} cannot be used: {error}", hint="Give `journal:` a path on a local, writable disk."
            ) from error

    def close(self) -> None:
        self._database.close()

    def add(self, lane: str, kind: str, run: str, ids: Sequence[str]) -> None:
        """Note that `ids` belong to the set of `run`. They belong to it even when this run could not deliver them."""
        self._database.execute("BEGIN IMMEDIATE")
        self._database.executemany(
            "INSERT INTO delivered (lane, kind, id, run) VALUES (?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET run = excluded.run, gone = 0",
            ((lane, kind, text, run) for text in ids),
        )
        self._database.execute("COMMIT")

    def size(self, lane: str, kind: str) -> int:
        """How many ids the last set holds. Asked before a run adds its own."""
        query = "SELECT count(*) FROM delivered WHERE lane = ? AND kind = ? AND gone = 0"
        return int(self._database.execute(query, (lane, kind)).fetchone()[0])

    def gone(self, lane: str, kind: str, run: str) -> Iterator[str]:
        """The ids of the last set that `run` does not have."""
        query = "SELECT id FROM delivered WHERE lane = ? AND kind = ? AND gone = 0 AND run <> ? ORDER BY id"
        return (row[0] for row in self._database.execute(query, (lane, kind, run)))

    def settle(self, lane: str, kind: str, run: str) -> None:
        """Make the set of `run` the last one. Ids that it lacks stay known as gone: the vendor still holds them."""
        self._database.execute(
            "UPDATE delivered SET gone = 1 WHERE lane = ? AND kind = ? AND run <> ? AND gone = 0", (lane, kind, run)
        )
