"""Whether a set is whole: its sources were read to their end, and every record has an answer."""

from __future__ import annotations

from collections.abc import Sequence

from proofport.accounting import Status, Tally
from proofport.delivery.books import InputChanged, RunBooks
from proofport.delivery.destination_run import DestinationRun
from proofport.errors import GuardRefused


def require_read_to_end(incomplete: Sequence[str]) -> None:
    """Raise GuardRefused unless every source was read to its end. `incomplete` says of each that was not, why."""
    if incomplete:
        raise GuardRefused(
            f"the source was not read to its end: {'; '.join(incomplete)}",
            hint="Fetch the rest and push all parts in one snapshot; what is missing would look deleted.",
        )


async def flaw_of(destination: DestinationRun, books: RunBooks, max_rejected: int) -> str | None:
    """Why what was delivered cannot stand for the whole source, if it cannot."""
    if destination.stopped is None:
        try:
            books.check_end()
        except InputChanged as error:
            await destination.halt(error)
    if destination.stopped is not None:
        return "the delivery was stopped"
    tally = destination.report.tally
    if unknown := tally.status[Status.UNKNOWN]:
        return f"{records(unknown)} with an unknown outcome"
    return too_many_rejected(tally, max_rejected)


def too_many_rejected(tally: Tally, allowed: int) -> str | None:
    """Why the set lacks too many of the records that were read, if it does."""
    count = tally.status[Status.REJECTED]
    return f"{records(count)} rejected (allowed {allowed})" if count > allowed else None


def records(count: int) -> str:
    return "1 record" if count == 1 else f"{count:,} records"
