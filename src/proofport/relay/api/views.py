"""Deliveries as callers see them: with their own names, and the end of every record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import orjson

from proofport.accounting import Outcome, Status, withheld
from proofport.delivery.payload import decode_outcomes, unpack
from proofport.journal.contract import Delivery
from proofport.relay.api.answers import time_of
from proofport.tenancy import own_name

CANCELLED = withheld("cancelled")


def outcomes_of(delivery: Delivery) -> Sequence[Outcome] | None:
    """The end of each record, in their order; None while it is queued."""
    match delivery.state:
        case "done":
            return decode_outcomes(delivery.outcome or "[]")
        case "cancelled":
            return [CANCELLED] * delivery.records
        case "dead" if delivery.failure is not None and delivery.failure.detail.startswith("["):
            return decode_outcomes(delivery.failure.detail)
        case "dead":
            return [withheld(delivery.failure.reason if delivery.failure else "dead")] * delivery.records
    return None


def view_of(delivery: Delivery) -> dict[str, Any]:
    """As `models.Delivery` says."""
    outcomes = outcomes_of(delivery)
    counts = Counter(outcome.status for outcome in outcomes or ())
    end = orjson.loads(delivery.outcome) if delivery.state == "cancelled" and delivery.outcome else {}
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
        "reason": end.get("reason") or _failure(delivery),
        "replayed_as": end.get("replayed_as"),
    }


def _failure(delivery: Delivery) -> str | None:
    """Outcomes stand with the records: here it is the word."""
    failure = delivery.failure
    if failure is None or delivery.state == "done":
        return None
    plain = failure.detail and not failure.detail.startswith("[")
    return f"{failure.reason}: {failure.detail}" if plain else failure.reason


def records_of(delivery: Delivery, after: int, limit: int) -> list[dict[str, Any]]:
    """As `models.Record` says, those numbered above `after`."""
    outcomes = outcomes_of(delivery)
    rows = []
    for index, record in list(enumerate(unpack(delivery.payload)))[after : after + limit]:
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
