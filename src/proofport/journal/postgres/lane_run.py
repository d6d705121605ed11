"""The right to write to one lane of a journal on PostgreSQL."""

from __future__ import annotations

from proofport.journal.contract import Sent
from proofport.journal.sql.lane_run import SqlLaneRun
from proofport.journal.sql.steps import Change, Query, Steps

SIGN, RANGE = 2**63, 2**64


class PostgresLaneRun(SqlLaneRun):
    """Writes the last delivered state at once, an id a row."""

    def _sent(
        self,
        kind: str,
        sent: Sent,
        *,
        removed: bool,
        run: int | None = None,
        delivery: int | None = None,
        staged: bool = False,
    ) -> Steps[None]:
        """Of a staged run: note that the ids belong to its set, and keep the rest until it is complete."""
        if not sent.ids:
            return
        ids = [text.encode() for text in sent.ids]
        values: dict[str, object] = {
            "set": (yield from self._set(kind)),
            "run": run,
            "delivery": delivery,
            "removed": removed,
            "ids": ids,
            "bodies": [_signed(body) for body in sent.bodies] or [0] * len(ids),
            "observed": list(sent.observed) or [0.0] * len(ids),
            "items": list(sent.items),
        }
        if removed:
            yield Change("empty_bodies", values)
        elif sent.items:
            yield Change("keep_bodies", values)
        if staged:
            yield Change("stage", values)
            yield Change("deliver", {**values, "bodies": [0] * len(ids)})
        else:
            yield Change("remove" if removed else "deliver", values)

    def _doubt(self, kind: str) -> Steps[None]:
        yield Change("doubt_set", {"set": (yield from self._set(kind))})

    def _completed(self, kind: str, run: int) -> Steps[None]:
        values = {"set": (yield from self._set(kind)), "run": run}
        for name in ("deliver_staged", "remove_staged", "drop_staged"):
            yield Change(name, values)

    def _set(self, kind: str) -> Steps[int]:
        values = {"lane": self._hold.number, "kind": kind}
        while not (rows := (yield Query("find_set", values))):
            yield Change("make_set", values)
        return int(rows[0][0])


def _signed(body: int) -> int:
    """As PostgreSQL's integers are."""
    return body - RANGE if body >= SIGN else body
