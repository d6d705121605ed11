"""Deliveries as those who sent them see them: the state of each, and the outcome of every record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from proofport.accounting import Outcome, withheld
from proofport.adapter import Mode
from proofport.delivery.lane.payload import DamagedPayload, decode_outcomes, outcomes_in, unpack
from proofport.evidence import Neutral, moment_of
from proofport.journal.contract import Delivery, State

CANCELLED = withheld("cancelled")


@dataclass(frozen=True, slots=True)
class DeliveredRecord:
    """One record of a delivery."""

    #: None where the record was damaged in the journal.
    id: str | None
    #: None while the delivery is queued.
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """One queued delivery: its state, and the outcome of each of its records."""

    id: int
    destination: str
    kind: str
    mode: Mode
    #: "queued", "done", "dead" (a dead letter) or "cancelled".
    state: State
    attempts: int
    created: datetime
    finished: datetime | None
    records: Sequence[DeliveredRecord]
    #: Why it is dead or cancelled, or why the last attempt failed.
    reason: str | None
    #: The delivery that goes out instead of this dead letter.
    replayed_as: int | None
    #: The receipt that it stands in, once there is one.
    receipt: str | None


def report_of(delivery: Delivery) -> DeliveryReport:
    outcomes: Sequence[Outcome | None] = outcomes_of(delivery) or [None] * delivery.records
    reason, replayed_as = end_of(delivery)
    return DeliveryReport(
        delivery.id,
        delivery.destination,
        delivery.kind,
        delivery.mode,
        delivery.state,
        delivery.attempts,
        moment_of(delivery.created),
        None if delivery.finished is None else moment_of(delivery.finished),
        [
            DeliveredRecord(record.get("id"), outcome)
            for record, outcome in zip(evidence_of(delivery), outcomes, strict=True)
        ],
        reason,
        replayed_as,
        delivery.receipt,
    )


def outcomes_of(delivery: Delivery) -> Sequence[Outcome] | None:
    """The outcome of each record, in order; None while the delivery is queued."""
    match delivery.state:
        case "done":
            return decode_outcomes(delivery.outcome or "[]")
        case "cancelled":
            return [CANCELLED] * delivery.records
        case "dead":
            reason = delivery.failure.reason if delivery.failure else "dead"
            return outcomes_in(delivery.failure) or [withheld(reason)] * delivery.records
    return None


def end_of(delivery: Delivery) -> tuple[str | None, int | None]:
    """Why it is not delivered, and the delivery that goes out in its place."""
    end = orjson.loads(delivery.outcome) if delivery.state == "cancelled" and delivery.outcome else {}
    return end.get("reason") or _failure(delivery), end.get("replayed_as")


def _failure(delivery: Delivery) -> str | None:
    """Why a delivery failed. Where the failure holds the outcomes of records, only its reason is shown."""
    failure = delivery.failure
    if failure is None or delivery.state == "done":
        return None
    plain = failure.detail and not failure.detail.startswith("[")
    return f"{failure.reason}: {failure.detail}" if plain else failure.reason


def evidence_of(delivery: Delivery) -> list[Neutral]:
    """The records of a delivery: empty ones where they were damaged in the journal."""
    try:
        return unpack(delivery.payload)
    except DamagedPayload:
        return [{}] * delivery.records
