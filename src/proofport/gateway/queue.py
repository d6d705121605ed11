"""Queued deliveries: accepted durably now, delivered in the order of their lanes by whoever works on the journal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from proofport.delivery.engine import Target
from proofport.delivery.outcomes import decode
from proofport.delivery.payload import pack, unpack
from proofport.errors import Rejected
from proofport.evidence import Neutral
from proofport.journal.contract import Delivery, NewDelivery

RECORDS = 500
"""At most so many records in one delivery: a delivery is sent again as a whole when its answer is lost."""


def new_deliveries(
    target: Target, kind: str, mode: Any, records: Sequence[Neutral], key: str | None
) -> list[NewDelivery]:
    """The deliveries that carry `records` to one destination. `key` becomes one key for each of them."""
    lane = target.adapter.lane(kind)
    return [
        NewDelivery(lane, target.name, kind, mode, pack(some), len(some), f"{key}/{target.name}/{n}" if key else None)
        for n, some in enumerate(_portions(records))
    ]


def _portions(records: Sequence[Neutral]) -> Iterator[Sequence[Neutral]]:
    for start in range(0, len(records), RECORDS):
        yield records[start : start + RECORDS]


def letter_of(delivery: Delivery, target: Target) -> list[dict[str, Any]]:
    """Every record of a dead letter: the evidence, why it was refused, and the body that the mapping gives now."""
    records = unpack(delivery.payload)
    outcomes = (
        decode(delivery.failure.detail) if delivery.failure and delivery.failure.detail else [None] * len(records)
    )
    return [
        {
            "evidence": record,
            "problem": outcome.problem.as_dict() if outcome and outcome.problem else None,
            "body": _body(target, record),
        }
        for record, outcome in zip(records, outcomes, strict=True)
    ]


def _body(target: Target, record: Neutral) -> dict[str, Any] | None:
    try:
        return target.render(record)
    except Rejected:
        return None
