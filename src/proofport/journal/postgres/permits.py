"""A request budget that all processes share: evenly spaced permits with a small burst (GCRA), one statement each."""

from __future__ import annotations

from proofport.journal.postgres.shared import Shared

TAKE = """
WITH t AS MATERIALIZED (SELECT journal_now(%(now)s) AS now)
INSERT INTO permits AS p (key, next) SELECT %(key)s, t.now - %(interval)s * (%(burst)s - 1) + %(interval)s FROM t
ON CONFLICT (key) DO UPDATE SET next = greatest(p.next, excluded.next - %(interval)s) + %(interval)s
RETURNING greatest(0, p.next - %(interval)s - (SELECT now FROM t))
"""


async def take(shared: Shared, key: str, interval: float, burst: int) -> float:
    """Reserve the next permit of `key`, one every `interval` seconds; the seconds to wait before using it."""
    values = {"key": key, "interval": interval, "burst": burst, "now": shared.now()}
    return float((await shared.rows(TAKE, values))[0][0])
