"""A request budget that all processes share: evenly spaced permits with a small burst (GCRA)."""

from __future__ import annotations

import sqlite3


def take(db: sqlite3.Connection, key: str, interval: float, burst: int, now: float) -> float:
    """Reserve the next permit of `key`, one every `interval` seconds; the seconds to wait before using it."""
    row = db.execute("SELECT next FROM permits WHERE key = ?", (key,)).fetchone()
    earliest = now - interval * (burst - 1)
    at = earliest if row is None else max(row[0], earliest)
    db.execute("INSERT OR REPLACE INTO permits VALUES (?, ?)", (key, at + interval))
    return float(max(0.0, at - now))
