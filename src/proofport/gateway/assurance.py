"""Marks records that were seen at a vendor as verified: in the report of a run, or the outcome of a delivery."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace

import orjson

from proofport.accounting import Assurance, Outcome
from proofport.delivery.ids.same import keys_of
from proofport.delivery.lane.payload import decode_outcomes, encode_outcomes, unpack_all
from proofport.journal.contract import Filter, Journal

RUNS = 500
"""The number of runs of a lane that are looked at, the latest first."""


async def verify_runs(journal: Journal, lane: str, seen: Counter[str]) -> None:
    """Note in the report of each run how many of its records were seen as they were sent."""
    if not seen:
        return
    for run in await journal.runs(lane=lane, limit=RUNS):
        if run.report and run.run_id in seen:
            report = _verified_report(run.report, seen[run.run_id])
            if report is not None:
                await journal.amend(run.run_id, run.destination, report)


def _verified_report(report: str, seen: int) -> str | None:
    """The report with `seen` verified records. None: it says so already. Records that had to be verified go first."""
    books = orjson.loads(report)
    levels, reasons = books["assurance"], books["reasons"]
    required = reasons.get("not_verified", 0)
    more = min(seen - levels["verified"], levels["accepted"] + required)
    if more <= 0:
        return None
    from_unknown = min(more, required)
    if from_unknown:
        reasons["not_verified"] -= from_unknown
        books["unknown"] -= from_unknown
        books["delivered"] += from_unknown
    levels["accepted"] -= more - from_unknown
    levels["verified"] += more
    return orjson.dumps(books).decode()


async def verify_deliveries(journal: Journal, seen: Mapping[int, Collection[str]]) -> None:
    """Note in the outcome of each queued delivery which of its records were seen as they were sent."""
    for number, ids in seen.items():
        for delivery in await journal.find(Filter(ids=(number,))):
            if delivery.outcome is None or delivery.state != "done":
                continue
            records, fold = unpack_all(delivery.payload)
            keys = keys_of([record["id"] for record in records], fold=fold)
            pairs = zip(keys, decode_outcomes(delivery.outcome), strict=True)
            outcomes = [_verified(outcome) if key in ids else outcome for key, outcome in pairs]
            if encode_outcomes(outcomes) != delivery.outcome:
                await journal.amend_delivery(delivery.id, encode_outcomes(outcomes))


def _verified(outcome: Outcome) -> Outcome:
    accepted = outcome.assurance is Assurance.ACCEPTED
    return replace(outcome, assurance=Assurance.VERIFIED) if accepted else outcome
