"""The right to write to one lane of a journal on PostgreSQL."""

from __future__ import annotations

from proofport.journal.contract import Sent
from proofport.journal.sql.lane_run import SqlLaneRun
from proofport.journal.sql.last_state import RANGE
from proofport.journal.sql.steps import Change, Steps, Values


class PostgresLaneRun(SqlLaneRun):
    """Writes the last delivered state at once, an id a row."""

    def _sent(self, sent: Sent, origin: Values, *, staged: bool) -> Steps[None]:
        """Of a staged run: note that the ids belong to its set, and keep the rest until it is complete."""
        ids = [text.encode() for text in sent.ids]
        values: Values = {
            **origin,
            "ids": ids,
            "bodies": [_signed(body) for body in sent.bodies] or [0] * len(ids),
            "observed": list(sent.observed) or [0.0] * len(ids),
            "items": list(sent.items),
            "sources": list(sent.sources),
            "spellings": [text and text.encode() for text in sent.spellings],
        }
        if origin["removed"]:
            yield Change("empty_bodies", values)
        elif sent.items:
            yield Change("keep_bodies", values)
        if staged:
            yield Change("stage", values)
            yield Change("deliver", {**values, "bodies": [0] * len(ids), "sources": []})
        else:
            yield Change("remove" if origin["removed"] else "deliver", values)

    def _doubt(self, of_set: int) -> Steps[None]:
        yield Change("doubt_set", {"set": of_set})

    def _completed(self, of_set: int, run: int) -> Steps[None]:
        for name in ("deliver_staged", "remove_staged", "drop_staged"):
            yield Change(name, {"set": of_set, "run": run})


def _signed(body: int) -> int:
    """As PostgreSQL's integers are."""
    return body - RANGE if body >= RANGE // 2 else body
