"""Receipts of runs that have ended without one, because the process died in between: made from the journal."""

from __future__ import annotations

from hashlib import sha256

from proofport import __version__
from proofport.audit.envelope import canonical
from proofport.audit.log import Draft, ReceiptLog
from proofport.audit.receipt import PREDICATE, moment
from proofport.journal.contract import Journal, RunView

COUNTS = ("delivered", "unchanged", "rejected", "withheld", "unknown")


async def complete_due(journal: Journal, log: ReceiptLog, instance: str, *, before: float) -> list[str]:
    """Write the receipts that are due of runs that have ended before a time. Returns their numbers.

    A run that has ended just now may still be writing its own.
    """
    done = []
    for run_id, destination in await journal.due():
        run = await journal.run(run_id, destination)
        if run is not None and run.ended is not None and run.ended < before:
            done.append(await log.add(_draft(run, instance)))
    return done


def _draft(run: RunView, instance: str) -> Draft:
    """A receipt of what the journal knows of a run. It knows neither the inputs' digests nor the exchanges."""
    books = run.books
    known = bool(run.report)
    kept = canonical({name: value for name, value in books.items() if _is_count(value)})
    predicate = {
        "instance": instance,
        "run": run.run_id,
        "destination": run.destination,
        "object": run.lane,
        "kind": run.kind,
        "mode": run.mode,
        "from_journal": True,
        "started": moment(run.started),
        "ended": moment(run.ended or run.started),
        "inputs": {"count": len(run.inputs), "list": [{"name": name} for name in run.inputs[:50]]},
        "population": {"input": books.get("input") if known else None},
        "counts": {name: books.get(name) for name in COUNTS} if known else None,
        "assurance": books.get("assurance"),
        "reasons": books.get("reasons"),
        "gone": {"count": books["gone"]["count"], "became": books.get("gone_became", "")} if known else None,
        "batches": {"acknowledged": len(run.batches), "records": sum(batch.records for batch in run.batches)},
        "exit_code": books.get("exit_code"),
        "versions": {"proofport": __version__},
    }
    return Draft(
        PREDICATE,
        [("report", sha256(kept).hexdigest())],
        predicate,
        run.run_id,
        run.destination,
        {"report": kept},
    )


def _is_count(value: object) -> bool:
    """True for numbers, and tables of them. All else may hold ids, or words about single records."""
    return isinstance(value, int) or (isinstance(value, dict) and all(isinstance(each, int) for each in value.values()))
