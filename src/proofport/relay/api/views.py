"""Answers as JSON; deliveries as callers see them: under the tenant's names, with the outcome of every record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from proofport.accounting import Status
from proofport.config.names import own_name
from proofport.delivery.queue.shown import end_of, evidence_of, outcomes_of
from proofport.evidence import format_timestamp, moment_of
from proofport.journal.contract import Delivery
from proofport.relay.access.caller import Caller

JSON = {"Content-Type": "application/json"}


def json_response(data: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(body=orjson.dumps(data), status=status, headers={**JSON, **(headers or {})})


def seen_by(caller: Caller, view: dict[str, Any], *known: str) -> dict[str, Any]:
    """A view as its caller may see it: with a write-only key, all is null but what is `known` to whoever asks."""
    return view if caller.may_read else {name: value if name in known else None for name, value in view.items()}


def time_of(seconds: float | None) -> str | None:
    """Write seconds since 1970 as RFC 3339."""
    return None if seconds is None else format_timestamp(moment_of(seconds))


def view_of(delivery: Delivery) -> dict[str, Any]:
    """A delivery in the form of `models.Delivery`."""
    outcomes = outcomes_of(delivery)
    counts = Counter(outcome.status for outcome in outcomes or ())
    reason, replayed_as = end_of(delivery)
    return {
        "id": delivery.id,
        "submission": delivery.submission,
        "destination": own_name(delivery.destination),
        "kind": delivery.kind,
        "mode": delivery.mode,
        "state": delivery.state,
        "records": delivery.records,
        "attempts": delivery.attempts,
        "created": time_of(delivery.created),
        "finished": time_of(delivery.finished),
        "outcomes": None if outcomes is None else {status.value: counts[status] for status in Status},
        "assurance": dict(
            Counter(outcome.assurance.value for outcome in outcomes or () if outcome.assurance is not None)
        ),
        "reason": reason,
        "replayed_as": replayed_as,
        "receipt": delivery.receipt,
    }


def records_of(delivery: Delivery, after: int, limit: int) -> list[dict[str, Any]]:
    """Records of a delivery in the form of `models.Record`: at most `limit`, those numbered above `after`."""
    outcomes = outcomes_of(delivery)
    rows = []
    for index, record in list(enumerate(evidence_of(delivery)))[after : after + limit]:
        outcome = outcomes[index] if outcomes is not None else None
        rows.append(
            {
                "record": index + 1,
                "id": record.get("id"),
                "outcome": outcome.status if outcome else None,
                "assurance": outcome.assurance if outcome else None,
                "reason": outcome.reason if outcome else None,
                "problem": outcome.problem.as_dict() if outcome and outcome.problem else None,
            }
        )
    return rows
