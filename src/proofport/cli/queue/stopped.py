"""How far a run came that has not ended: it is running, was stopped by an answer of the vendor, or was interrupted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from proofport.delivery.books import STOPPED

if TYPE_CHECKING:
    from proofport.journal.contract import Journal, RunView

OTHERS = {"lane_busy": "another process had the lane", "lane_lost": "another process took the lane over"}
"""The words for reasons that are not an answer of the vendor."""


async def how_far(journal: Journal, run: RunView, *, running: bool) -> dict[str, Any]:
    """The fields that `status` shows of an open run, besides what it shows of every run."""
    whole = await journal.run(run.run_id, run.destination)
    noted = run.memory.get(STOPPED)
    stopped = noted if isinstance(noted, dict) and not running else {}
    return {
        "running": running,
        "answered": sum(batch.records for batch in whole.batches) if whole is not None else 0,
        "stopped": OTHERS.get(str(stopped["reason"])) or await _answer(journal, run) if stopped else None,
        "books": stopped.get("books") or {},
    }


async def _answer(journal: Journal, run: RunView) -> str:
    """The last answer of the vendor: it has stopped the run."""
    attempts = await journal.attempts(run_id=run.run_id, limit=1)
    return str(attempts[0].status or "no answer") if attempts else "nothing could be asked"


def result_of(run: Mapping[str, Any]) -> str:
    """One sentence about an open run, from what `how_far` gave."""
    answered, books = f"{run['answered']:,} records", run["books"]
    if run["running"]:
        return f"running: {answered} have an answer so far"
    if not run["stopped"]:
        return f"interrupted before its end: {answered} had an answer by then"
    return f"stopped before its end ({run['stopped']}): {_counts(books, run['answered'], staged=_staged(run))}"


def _staged(run: Mapping[str, Any]) -> bool:
    """A set that was not completed counts nothing as delivered, whatever was answered for its records."""
    return run["mode"] == "snapshot" and run["answered"] > 0 and not run["books"]["delivered"]


def _counts(books: Mapping[str, Any], answered: int, *, staged: bool) -> str:
    total = f"{books['input']:,}"
    if staged:
        return f"{answered:,} of {total} were sent, and none of them is in the live set"
    sure = [f"{count:,} {level}" for level, count in books["assurance"].items() if count]
    first = " and ".join(sure) or "0 delivered"
    rest = [f"{books[name]:,} {name}" for name in ("unchanged", "rejected", "unknown") if books[name]]
    number, _, words = first.partition(" ")
    return ", ".join([f"{number} of {total} {words}", *rest])
